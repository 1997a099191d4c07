// SPDX-License-Identifier: BSD-2-Clause
//
// The VIPs as data planes look them up (aya/vips.h): the hash of VIPs, kept up to date entry by entry, and
// the ranges of ports, which are laid out again where one changes.
//
// Linear probing where, in a run, entries are in the order of their places (Robin Hood hashing; Celis,
// 1986): it has the shortest longest probe of all orders, whatever the order of changes was. With the table
// half full and a random key, 8192 entries exceed AYA_VIP_PROBES once in 10^5 tables; another key is chosen
// then.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "aya/tables.h"
#include "common/prefix.hpp"
#include "common/vip.hpp"

namespace aya
{

class VipTable
{
public:
    struct Change {
        VipKey vip;
        u32 service = AYA_SERVICE_NONE; // NONE: the VIP goes
        std::vector<Prefix> local{};    // what the kernel has of its addresses: single ones, or all
    };

    // `entries`: a power of two. `key_seed` makes the keys of the hash.
    VipTable(u32 entries, u64 key_seed);

    // Takes over what live tables hold. Answers what is wrong with them; empty: nothing.
    std::string load(std::span<const aya_vip> entries, std::span<const aya_port_range> ranges,
                     const aya_vip_hash_key &key);

    // Removals count before additions: a VIP may pass from one service to another. Indices of the entries and
    // ranges that differ afterwards are added to `dirty`. False: no room, more than what bounds a look-up
    // (tables.h), or no hash key found that keeps every probe short; then nothing has changed.
    bool apply(std::span<const Change> changes, std::vector<u32> &dirty);

    const aya_vip &entry(u32 index) const { return entries_[index]; }
    const aya_port_range &range(u32 index) const { return ranges_[index]; }
    const aya_vip_hash_key &key() const { return key_; }
    u32 mask() const { return static_cast<u32>(entries_.size()) - 1; }
    bool is_wide() const { return !wide_.empty(); } // some VIP has more than one port or address
    const std::map<VipKey, u32> &vips() const { return vips_; }
    const std::vector<Prefix> &local_of(const VipKey &vip) const;
    // As the settings have them.
    void write_lengths(aya_settings &settings) const;

private:
    // As an entry has it. Beside every VIP its prefix is there once, as AYA_PROTO_ICMP, for its ranges and
    // for what has no ports: echo requests and later fragments.
    struct Key {
        IpAddress address;
        u16 port = 0;
        u8 protocol = 0;
    };
    using Entries = std::vector<aya_vip>;
    struct Place {
        std::map<u32, u32> services; // service -> how many of its VIPs are there
        u32 local = 0;               // how many VIPs say that the kernel has it
    };
    struct Ranges {
        std::set<VipKey> vips;
        u32 offset = 0;
        u16 count = 0;
    };

    static aya_vip make_entry(const Key &key, u32 service);
    static Key presence(const Prefix &prefix);
    u32 home(const aya_vip &entry) const;
    u32 distance(u32 index) const { return (index - home(entries_[index])) & mask(); }
    std::optional<u32> find(const Key &key) const;

    void write(u32 index, const aya_vip &entry);
    bool set(const aya_vip &entry);
    void remove(const Key &key);
    bool insert(aya_vip entry);
    void erase(u32 index);
    aya_vip presence_entry(const Prefix &prefix, const Place &place) const;

    void note(const Change &change);
    void note_all(std::span<const Change> changes, std::vector<Change> &undo);
    void count(const VipKey &vip, u32 service, bool comes);
    void count_at(const Prefix &prefix, u32 service, bool comes, bool local);
    bool lay_out(const Prefix &prefix, Ranges &ranges, std::vector<aya_port_range> &all);
    bool lay_out_ranges();
    bool has_few_lengths() const;
    std::set<u8> lengths(bool v4) const;
    std::string load_presence(const aya_vip &entry, std::span<const aya_port_range> ranges,
                              std::vector<Change> &found);
    std::string compare(u32 presences, std::span<const aya_port_range> ranges) const;
    bool update(std::span<const Change> changes);
    bool rebuild();
    void next_key();

    Entries entries_;
    aya_vip_hash_key key_{};
    u64 key_stream_;
    std::vector<std::pair<u32, aya_vip>> log_; // entries written by this apply(), as they were before

    std::vector<aya_port_range> ranges_;

    // What the entries shall say.
    std::map<VipKey, u32> vips_;
    std::map<VipKey, std::vector<Prefix>> local_; // of those of which the kernel has anything
    std::map<Prefix, Place> places_;
    std::map<Prefix, Ranges> wide_; // the prefixes that have VIPs which are not exact
    std::set<Prefix> touched_;      // places that this apply() has to look at
    bool wide_touched_ = false;
};

} // namespace aya
