// SPDX-License-Identifier: BSD-2-Clause
//
// The hash of VIPs that data planes walk (aya_vip_search in forward.h), kept up to date entry by entry.
//
// Linear probing where, in a run, entries are in the order of their places (Robin Hood hashing; Celis,
// 1986): it has the shortest longest probe of all orders, whatever the order of changes was. With the table
// half full and a random key, 8192 entries exceed AYA_VIP_PROBES once in 10^5 tables; another key is chosen
// then.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "aya/tables.h"
#include "common/address.hpp"

namespace aya
{

class VipTable
{
public:
    struct Change {
        VipKey vip;
        u32 service = AYA_SERVICE_NONE; // NONE: the VIP goes
        bool local = false;             // the kernel has its address, too; holds for all VIPs there
    };

    // `entries`: a power of two. `key_seed` makes the keys of the hash.
    VipTable(u32 entries, u64 key_seed);

    // Takes over what live tables hold. Answers what is wrong with them; empty: nothing.
    std::string load(std::span<const aya_vip> entries, const aya_vip_hash_key &key);

    // Removals count before additions: a VIP may pass from one service to another. Indices of the entries
    // that differ afterwards are added to `dirty`. False: no room, or no hash key found that keeps every
    // probe short; then nothing has changed.
    bool apply(std::span<const Change> changes, std::vector<u32> &dirty);

    const aya_vip &entry(u32 index) const { return entries_[index]; }
    const aya_vip_hash_key &key() const { return key_; }
    u32 mask() const { return static_cast<u32>(entries_.size()) - 1; }
    u32 any_port() const { return any_port_; } // VIPs with port 0
    const std::map<VipKey, u32> &vips() const { return vips_; }
    bool is_local(const IpAddress &address) const;

private:
    // As an entry has it. Beside every VIP its address is there once, with port 0 and AYA_PROTO_ICMP, for
    // what has no ports: echo requests and later fragments.
    struct Key {
        IpAddress address;
        u16 port = 0;
        u8 protocol = 0;
    };
    using Entries = std::vector<aya_vip>;
    struct Address {
        std::map<u32, u32> services; // service -> its VIPs there
        bool local = false;
    };

    static aya_vip make_entry(const Key &key, u32 service, u32 flags);
    static Key presence(const IpAddress &address) { return {address, 0, AYA_PROTO_ICMP}; }
    u32 home(const aya_vip &entry) const;
    u32 distance(u32 index) const { return (index - home(entries_[index])) & mask(); }
    std::optional<u32> find(const Key &key) const;

    void write(u32 index, const aya_vip &entry);
    bool set(const Key &key, u32 service, u32 flags = 0);
    bool insert(aya_vip entry);
    void erase(u32 index);
    bool set_presence(const IpAddress &address);

    void note(const Change &change);
    bool update(std::span<const Change> changes);
    bool rebuild();
    void next_key();

    Entries entries_;
    aya_vip_hash_key key_{};
    u64 key_stream_;
    std::vector<std::pair<u32, aya_vip>> log_; // entries written by this apply(), as they were before

    // What the entries shall say.
    std::map<VipKey, u32> vips_;
    std::unordered_map<IpAddress, Address> addresses_;
    u32 any_port_ = 0;
};

} // namespace aya
