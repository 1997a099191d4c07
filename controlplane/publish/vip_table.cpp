// SPDX-License-Identifier: BSD-2-Clause
#include "publish/vip_table.hpp"

#include <cstring>

#include "aya/hash.h"

namespace aya
{

namespace
{

constexpr int kKeysTried = 64;

bool is_free(const aya_vip &entry)
{
    return entry.protocol == 0;
}

} // namespace

VipTable::VipTable(u32 entries, u64 key_seed) : entries_(entries), key_stream_(key_seed)
{
    next_key();
}

void VipTable::next_key()
{
    for (u64 &word : key_.k)
        word = aya_splitmix64(&key_stream_);
}

aya_vip VipTable::make_entry(const Key &key, u32 service, u32 flags)
{
    aya_vip entry = {};
    std::memcpy(entry.address, key.address.bytes.data(), sizeof(entry.address));
    entry.port = aya_cpu_to_be16(key.port);
    entry.protocol = key.protocol;
    entry.flags = flags;
    entry.service = service;
    return entry;
}

u32 VipTable::home(const aya_vip &entry) const
{
    return aya_vip_hash(&key_, entry.address, entry.port, entry.protocol) & mask();
}

std::optional<u32> VipTable::find(const Key &key) const
{
    const aya_vip wanted = make_entry(key, 0, 0);
    u32 index = home(wanted);
    for (u32 i = 0; i < AYA_VIP_PROBES; i++, index = (index + 1) & mask()) {
        const aya_vip &entry = entries_[index];
        if (is_free(entry))
            break;
        if (entry.port.raw == wanted.port.raw && entry.protocol == wanted.protocol &&
            std::memcmp(entry.address, wanted.address, sizeof(entry.address)) == 0)
            return index;
    }
    return std::nullopt;
}

void VipTable::write(u32 index, const aya_vip &entry)
{
    log_.emplace_back(index, entries_[index]);
    entries_[index] = entry;
}

// An entry gives way to one that is further from home.
bool VipTable::insert(aya_vip entry)
{
    u32 index = home(entry);
    for (u32 walked = 0; walked < AYA_VIP_PROBES; walked++, index = (index + 1) & mask()) {
        if (is_free(entries_[index])) {
            write(index, entry);
            return true;
        }
        const u32 theirs = distance(index);
        if (theirs < walked) {
            const aya_vip displaced = entries_[index];
            write(index, entry);
            entry = displaced;
            walked = theirs;
        }
    }
    return false;
}

// Later entries that are not in their own place move up, so that no gap ends a run too early.
void VipTable::erase(u32 index)
{
    for (u32 next = (index + 1) & mask(); !is_free(entries_[next]) && distance(next) > 0;
         index = next, next = (next + 1) & mask())
        write(index, entries_[next]);
    write(index, aya_vip{});
}

bool VipTable::set(const Key &key, u32 service, u32 flags)
{
    const auto index = find(key);
    if (service == AYA_SERVICE_NONE) {
        if (index)
            erase(*index);
        return true;
    }
    if (!index)
        return insert(make_entry(key, service, flags));
    if (entries_[*index].service != service || entries_[*index].flags != flags)
        write(*index, make_entry(key, service, flags));
    return true;
}

// Of several services at one address, the one with the lowest id represents it.
bool VipTable::set_presence(const IpAddress &address)
{
    const auto found = addresses_.find(address);
    if (found == addresses_.end())
        return set(presence(address), AYA_SERVICE_NONE);
    return set(presence(address), found->second.services.begin()->first,
               found->second.local ? u32{AYA_VIP_LOCAL} : 0);
}

bool VipTable::is_local(const IpAddress &address) const
{
    const auto found = addresses_.find(address);
    return found != addresses_.end() && found->second.local;
}

void VipTable::note(const Change &change)
{
    const VipKey &vip = change.vip;
    if (const auto old = vips_.find(vip); old != vips_.end()) {
        auto &there = addresses_[vip.address].services;
        if (--there[old->second] == 0)
            there.erase(old->second);
        if (there.empty())
            addresses_.erase(vip.address);
        any_port_ -= vip.port == 0 ? 1 : 0;
        vips_.erase(old);
    }
    if (change.service == AYA_SERVICE_NONE)
        return;
    vips_.emplace(vip, change.service);
    Address &address = addresses_[vip.address];
    address.services[change.service]++;
    address.local = change.local;
    any_port_ += vip.port == 0 ? 1 : 0;
}

// Brings the entries of these VIPs to what vips_ says: first those that go, so that the table is never
// overfull.
bool VipTable::update(std::span<const Change> changes)
{
    for (bool removals : {true, false}) {
        for (const Change &change : changes) {
            const VipKey &vip = change.vip;
            const auto found = vips_.find(vip);
            if ((found == vips_.end()) != removals)
                continue;
            const u32 service = removals ? u32{AYA_SERVICE_NONE} : found->second;
            if (!set({vip.address, vip.port, static_cast<u8>(vip.protocol)}, service) ||
                !set_presence(vip.address))
                return false;
        }
    }
    return true;
}

bool VipTable::rebuild()
{
    Entries before = std::move(entries_);
    const aya_vip_hash_key key_before = key_;
    for (int tried = 0; tried < kKeysTried; tried++) {
        entries_.assign(before.size(), aya_vip{});
        next_key();
        bool fits = true;
        for (auto vip = vips_.begin(); fits && vip != vips_.end(); ++vip)
            fits = insert(make_entry(
                {vip->first.address, vip->first.port, static_cast<u8>(vip->first.protocol)}, vip->second, 0));
        for (auto there = addresses_.begin(); fits && there != addresses_.end(); ++there)
            fits = set_presence(there->first);
        log_.clear();
        if (fits)
            return true;
    }
    entries_ = std::move(before);
    key_ = key_before;
    return false;
}

bool VipTable::apply(std::span<const Change> changes, std::vector<u32> &dirty)
{
    std::vector<Change> undo;
    auto note_all = [&](bool removals) {
        for (const Change &change : changes) {
            if ((change.service == AYA_SERVICE_NONE) != removals)
                continue;
            const auto old = vips_.find(change.vip);
            undo.push_back({change.vip, old == vips_.end() ? u32{AYA_SERVICE_NONE} : old->second,
                            is_local(change.vip.address)});
            note(change);
        }
    };
    note_all(true);
    note_all(false);
    log_.clear();
    if (vips_.size() + addresses_.size() <= entries_.size() / 2) {
        if (update(changes)) {
            for (const auto &[index, old] : log_)
                dirty.push_back(index);
            return true;
        }
        for (auto write = log_.rbegin(); write != log_.rend(); ++write)
            entries_[write->first] = write->second;
        if (rebuild()) {
            for (u32 i = 0; i < entries_.size(); i++)
                dirty.push_back(i);
            return true;
        }
    }
    for (auto change = undo.rbegin(); change != undo.rend(); ++change)
        note(*change);
    return false;
}

std::string VipTable::load(std::span<const aya_vip> entries, const aya_vip_hash_key &key)
{
    entries_.assign(entries.begin(), entries.end());
    key_ = key;
    key_stream_ ^= key.k[0];
    vips_.clear();
    addresses_.clear();
    any_port_ = 0;
    u32 presences = 0;
    for (u32 i = 0; i < entries_.size(); i++) {
        const aya_vip &entry = entries_[i];
        if (is_free(entry))
            continue;
        const auto address = IpAddress::from_v6_bytes(entry.address);
        const u16 port = aya_be16_to_cpu(entry.port);
        if (find({address, port, entry.protocol}) != i)
            return "entry " + std::to_string(i) + " cannot be found by its hash, or exists twice";
        if (entry.protocol == AYA_PROTO_ICMP && port == 0)
            presences++;
        else if (entry.protocol == AYA_PROTO_TCP || entry.protocol == AYA_PROTO_UDP)
            note({{address, port, static_cast<Protocol>(entry.protocol)}, entry.service});
        else
            return "entry " + std::to_string(i) + " has protocol " + std::to_string(entry.protocol);
    }
    for (auto &[address, known] : addresses_) {
        const auto index = find(presence(address));
        if (!index || entries_[*index].service != known.services.begin()->first)
            return "no entry for address " + to_string(address) + " itself";
        known.local = entries_[*index].flags & AYA_VIP_LOCAL;
    }
    if (presences != addresses_.size())
        return "an address that no VIP has is marked as one";
    return {};
}

} // namespace aya
