// SPDX-License-Identifier: BSD-2-Clause
//
// What the clever structures of include/aya must be indistinguishable from.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "aya/flow_table.h"
#include "bytes.hpp"

namespace aya::test
{

// VIPs as an ordered map.
using NaiveVips = std::map<std::tuple<Bytes, u16, u8>, u32>; // 16 bytes of address, port, protocol -> service

// VIPs that are more than one address and port, as a list. `bits`: of the prefix, of 128.
struct NaiveWideVip {
    Bytes address;
    u32 bits;
    u16 first, last;
    u8 protocol;
    u32 service;

    bool has(const Bytes &other, u16 port, u8 other_protocol) const
    {
        for (u32 bit = 0; bit < bits; bit++)
            if ((address[bit / 8] ^ other[bit / 8]) & 0x80 >> bit % 8)
                return false;
        return protocol == other_protocol && first <= port && port <= last;
    }
};

// Of all that have the packet, the one with the longest prefix, and of these the one with the fewest ports.
inline std::optional<u32> find_naively(const std::vector<NaiveWideVip> &vips, const Bytes &address, u16 port,
                                       u8 protocol)
{
    const NaiveWideVip *best = nullptr;
    for (const NaiveWideVip &vip : vips) {
        if (!vip.has(address, port, protocol))
            continue;
        const bool narrower =
            best && (vip.bits > best->bits ||
                     (vip.bits == best->bits && vip.last - vip.first < best->last - best->first));
        if (!best || narrower)
            best = &vip;
    }
    return best ? std::optional(best->service) : std::nullopt;
}

// The rules of flow state as flow_rules.h documents them, with time that never wraps, entries that know their
// whole hash and when they were last seen, and tables that are functions.
class NaiveFlows
{
public:
    struct Entry {
        u64 hash = 0;
        u16 service = 0;
        u32 backend = 0;
        u16 incarnation = 0;
        u8 state = AYA_FLOW_FREE;
        bool proven = false;
        u64 seen = 0;
        bool counted = false; // among its backend's live flows
    };

    struct Packet {
        u64 hash = 0;
        u16 service = 0;
        bool tcp = true;
        std::string flags{}; // "S", "A", "PA", "FA", "R"

        bool has(char flag) const { return flags.find(flag) != std::string::npos; }
        bool opens() const { return flags == "S"; }
        bool closes() const { return has('F') || has('R'); }
    };

    struct Decision {
        std::optional<u32> backend{};
        bool is_new = false, evicted = false, not_remembered = false, previous = false, rescheduled = false;

        bool operator==(const Decision &) const = default;
    };

    NaiveFlows(u32 sets, const std::vector<aya_service> &services, const std::vector<aya_backend> &backends,
               const std::vector<u32> &lookup)
        : services_(services), backends_(backends), lookup_(lookup), sets_(sets)
    {
    }

    Decision decide(const Packet &packet, u64 now)
    {
        Decision decision;
        Entry *entry = find(packet);
        if (entry) {
            if (is_backend(entry->backend, entry->incarnation, packet.service)) {
                if (!starts_over(*entry, packet, now))
                    return follow(*entry, packet, now);
            } else {
                decision.rescheduled = now < entry->seen + idle(*entry);
            }
        }
        const bool asks_previous = !entry && !packet.opens() && packet.tcp;
        u64 asks_with = packet.hash;
        if (draws(packet.service) && (packet.opens() || !packet.tcp)) {
            if (!entry)
                entry = make_place(packet, now, !packet.tcp, decision);
            if (entry)
                asks_with = draw(packet);
        }
        const auto chosen = answer(asks_with, packet.service, asks_previous, decision.previous);
        if (!chosen)
            return {};
        decision.backend = chosen;
        if (packet.closes() || (services_[packet.service].flags & AYA_SERVICE_STATELESS))
            return decision;
        if (!entry)
            entry = make_place(packet, now,
                               !is_answered(packet.hash, packet.service, packet.tcp, *decision.backend),
                               decision);
        if (!entry) {
            decision.not_remembered = true;
            bool previous = false;
            const auto later = answer(packet.hash, packet.service, packet.opens(), previous);
            if (packet.opens() && later != chosen) {
                decision.backend = later;
                decision.previous = true;
            }
            return decision;
        }
        decision.is_new = true;
        *entry = {packet.hash,        packet.service, *chosen, backends_[*chosen].incarnation,
                  AYA_FLOW_EMBRYONIC, false,          now,     false};
        return decision;
    }

    // Live flows of a backend, as it is now.
    u32 flows_of(u32 backend) const
    {
        u32 flows = 0;
        for (const Set &set : sets_)
            for (const Entry &way : set)
                flows += way.state != AYA_FLOW_FREE && way.counted && way.backend == backend &&
                         way.incarnation == backends_[backend].incarnation;
        return flows;
    }

    // Returns the number of live flows.
    u32 sweep(u64 now)
    {
        u32 live = 0;
        for (auto &set : sets_) {
            for (Entry &way : set) {
                live += way.state != AYA_FLOW_FREE && now < way.seen + idle(way);
                if (now >= way.seen + idle(way))
                    way.counted = false;
                if (now >= way.seen + idle(way) + AYA_FLOW_KEEP)
                    way = {};
            }
        }
        return live;
    }

private:
    using Set = std::array<Entry, AYA_FLOW_WAYS>;

    bool draws(u16 service) const { return services_[service].flags & AYA_SERVICE_DRAWS; }

    static u64 first_in_slot(u64 slot, u64 size) { return ((slot << 32) / size + 1) << 32; }

    // All weights are 1.
    u64 lighter_of_two(const Packet &packet) const
    {
        const aya_service &service = services_[packet.service];
        const u64 other_hash = packet.hash << 32 | packet.hash >> 32;
        const auto one = slot(service.lookup_offset, service.lookup_size, packet.hash, packet.service);
        const auto other = slot(service.lookup_offset, service.lookup_size, other_hash, packet.service);
        if (!one || !other)
            return one ? packet.hash : other_hash;
        return flows_of(*one) <= flows_of(*other) ? packet.hash : other_hash;
    }

    u64 draw(const Packet &packet)
    {
        const aya_service &service = services_[packet.service];
        if (service.flags & AYA_SERVICE_LEAST_FLOWS)
            return lighter_of_two(packet);
        u64 &next = turns_[packet.service];
        if (next == 0)
            next = packet.hash >> 32;
        const u64 turn = next++;
        if (service.flags & AYA_SERVICE_IN_TURN)
            return service.lookup_size == 0 ? packet.hash
                                            : first_in_slot(turn % service.lookup_size, service.lookup_size);
        u64 state = packet.hash + turn;
        return aya_splitmix64(&state);
    }

    u64 idle_in(const Entry &entry, u8 state) const { return services_[entry.service].idle_timeout[state]; }
    u64 idle(const Entry &entry) const { return idle_in(entry, entry.state); }

    bool is_backend(u32 id, u16 incarnation, u16 service) const
    {
        const aya_backend &backend = backends_[id];
        return backend.state >= AYA_BACKEND_DRAINING && backend.incarnation == incarnation &&
               backend.service == service;
    }

    std::optional<u32> slot(u32 offset, u32 size, u64 hash, u16 service) const
    {
        if (size == 0)
            return std::nullopt;
        const u32 id = lookup_[offset + ((hash >> 32) * size >> 32)];
        const bool good = backends_[id].state >= AYA_BACKEND_DRAINING && backends_[id].service == service;
        return good ? std::optional(id) : std::nullopt;
    }

    std::optional<u32> answer(u64 hash, u16 service, bool asks_previous, bool &previous) const
    {
        const aya_service &entry = services_[service];
        if (asks_previous && !(entry.flags & AYA_SERVICE_STATELESS)) {
            if (const auto found = slot(entry.previous_offset, entry.previous_size, hash, service)) {
                previous = true;
                return found;
            }
        }
        return slot(entry.lookup_offset, entry.lookup_size, hash, service);
    }

    Entry *find(const Packet &packet)
    {
        for (Entry &way : sets_[packet.hash % sets_.size()])
            if (way.state != AYA_FLOW_FREE && way.hash >> 32 == packet.hash >> 32 &&
                way.service == packet.service)
                return &way;
        return nullptr;
    }

    bool starts_over(const Entry &entry, const Packet &packet, u64 now) const
    {
        const u64 silence = now - entry.seen;
        const bool drains = backends_[entry.backend].state == AYA_BACKEND_DRAINING;
        if (packet.opens())
            return entry.state == AYA_FLOW_CLOSING || silence >= idle(entry);
        return !packet.tcp && drains && silence >= idle(entry);
    }

    Decision follow(Entry &entry, const Packet &packet, u64 now) const
    {
        Decision decision;
        decision.backend = entry.backend;
        if (packet.opens())
            return decision;
        entry.proven |= now > entry.seen;
        entry.seen = now;
        if (!packet.tcp)
            entry.state = AYA_FLOW_DATAGRAM;
        else if (packet.closes())
            entry.state = AYA_FLOW_CLOSING;
        else if (packet.has('P') || entry.state == AYA_FLOW_EMBRYONIC)
            entry.state = AYA_FLOW_ESTABLISHED;
        const bool is_live = entry.state == AYA_FLOW_ESTABLISHED || entry.state == AYA_FLOW_DATAGRAM;
        entry.counted = is_live && services_[entry.service].flags & AYA_SERVICE_LEAST_FLOWS;
        return decision;
    }

    // What would be lost with an entry, from what nobody misses up to what nobody may take (0).
    int order(const Entry &entry, u64 now) const
    {
        const u64 silence = now - entry.seen;
        const u8 lasting = entry.state == AYA_FLOW_CLOSING ? u8{AYA_FLOW_ESTABLISHED} : entry.state;
        const aya_service &service = services_[entry.service];
        const bool has_previous = service.previous_size > 0 && !(service.flags & AYA_SERVICE_STATELESS);
        if (silence >= idle_in(entry, lasting))
            return 7;
        if (entry.state == AYA_FLOW_EMBRYONIC && !has_previous && !draws(entry.service))
            return 6;
        if (!is_backend(entry.backend, entry.incarnation, entry.service))
            return 5;
        const bool is_connection = entry.state == AYA_FLOW_ESTABLISHED || entry.state == AYA_FLOW_CLOSING;
        const bool can_tell =
            !(service.flags & AYA_SERVICE_AFFINITY_SOURCE) && (!draws(entry.service) || is_connection);
        const bool is_found_again = can_tell && is_answered(entry.hash, entry.service,
                                                            entry.state != AYA_FLOW_DATAGRAM, entry.backend);
        if (entry.state == AYA_FLOW_EMBRYONIC)
            return is_found_again ? 4 : silence >= 4 ? 1 : 0;
        if (!is_found_again)
            return 0;
        return silence >= 4 && (entry.state == AYA_FLOW_CLOSING || !entry.proven) ? 3 : 2;
    }

    // By both tables, as far as they are asked and name a living backend.
    bool is_answered(u64 hash, u16 service, bool asks_previous, u32 backend) const
    {
        bool previous = false;
        return answer(hash, service, false, previous) == backend &&
               answer(hash, service, asks_previous, previous) == backend;
    }

    Entry *make_place(const Packet &packet, u64 now, bool needs, Decision &decision)
    {
        Set &set = sets_[packet.hash % sets_.size()];
        Entry *best = nullptr;
        std::pair<int, u64> best_rank{needs ? 1 : 3, 0};
        for (Entry &way : set) {
            if (way.state == AYA_FLOW_FREE)
                return &way;
        }
        for (Entry &way : set) {
            const std::pair<int, u64> rank{order(way, now), now - way.seen};
            if (rank.first > 0 && (best ? rank > best_rank : rank >= best_rank)) {
                best = &way;
                best_rank = rank;
            }
        }
        decision.evicted = best && best_rank.first != 7 && best_rank.first != 5;
        return best;
    }

    const std::vector<aya_service> &services_;
    const std::vector<aya_backend> &backends_;
    const std::vector<u32> &lookup_;
    std::vector<Set> sets_;
    std::map<u16, u64> turns_;
};

} // namespace aya::test
