// SPDX-License-Identifier: BSD-2-Clause
//
// What the clever structures of include/aya must be indistinguishable from.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <tuple>

#include "aya/flow_table.h"
#include "bytes.hpp"

namespace aya::test
{

// VIPs as an ordered map.
using NaiveVips = std::map<std::tuple<Bytes, u16, u8>, u32>; // 16 bytes of address, port, protocol -> service

// The flow table with time that never wraps and entries that say who they are. Order of eviction as
// flow_table.h documents it: free or expired, embryonic, closing, then the one that was not seen for longest;
// the first way among equals.
class NaiveFlowTable
{
public:
    struct Entry {
        u32 tag;
        u16 service;
        u32 backend;
        u16 incarnation;
        u8 state;
        u64 expires;

        bool operator==(const Entry &) const = default;
    };

    explicit NaiveFlowTable(u32 sets) : sets_(sets) {}

    Entry *find(u64 hash, u16 service, u64 now)
    {
        for (auto &way : set_of(hash))
            if (way && is_flow(*way, hash, service) && way->expires > now)
                return &*way;
        return nullptr;
    }

    // Whether the flow found a place; `evicted`: at the cost of a live one.
    bool insert(u64 hash, const Entry &entry, u64 now, bool may_evict_established, bool &evicted)
    {
        evicted = false;
        auto &set = set_of(hash);
        for (auto &way : set) {
            if (way && is_flow(*way, hash, entry.service)) {
                way = entry;
                return true;
            }
        }
        auto *victim = &set[0];
        for (auto &way : set)
            if (rank(way, now) < rank(*victim, now))
                victim = &way;
        const int order = std::get<0>(rank(*victim, now));
        if (order == 3 && !may_evict_established)
            return false;
        evicted = order > 0;
        *victim = entry;
        return true;
    }

    void sweep(u64 now)
    {
        for (auto &[index, set] : table_)
            for (auto &way : set)
                if (way && way->expires <= now)
                    way.reset();
    }

    u32 live(u64 now) const
    {
        u32 count = 0;
        for (auto &[index, set] : table_)
            for (auto &way : set)
                count += way && way->expires > now;
        return count;
    }

private:
    using Set = std::array<std::optional<Entry>, 4>;

    static bool is_flow(const Entry &entry, u64 hash, u16 service)
    {
        return entry.tag == hash >> 32 && entry.service == service;
    }

    static std::tuple<int, u64> rank(const std::optional<Entry> &way, u64 now)
    {
        if (!way)
            return {-1, 0};
        if (way->expires <= now)
            return {0, 0};
        if (way->state == AYA_FLOW_EMBRYONIC)
            return {1, way->expires};
        return {way->state == AYA_FLOW_CLOSING ? 2 : 3, way->expires};
    }

    Set &set_of(u64 hash) { return table_[static_cast<u32>(hash % sets_)]; }

    u32 sets_;
    std::map<u32, Set> table_;
};

} // namespace aya::test
