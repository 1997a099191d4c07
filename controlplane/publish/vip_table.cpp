// SPDX-License-Identifier: BSD-2-Clause
#include "publish/vip_table.hpp"

#include <algorithm>
#include <cstring>

#include "aya/hash.h"
#include "publish/port_ranges.hpp"

namespace aya
{

namespace
{

constexpr int kKeysTried = 64;

bool is_free(const aya_vip &entry)
{
    return entry.protocol == 0;
}

template <class Entry>
bool same(const Entry &a, const Entry &b)
{
    return std::memcmp(&a, &b, sizeof(Entry)) == 0;
}

} // namespace

VipTable::VipTable(u32 entries, u64 key_seed) : entries_(entries), key_stream_(key_seed), ranges_(entries)
{
    next_key();
}

void VipTable::next_key()
{
    for (u64 &word : key_.k)
        word = aya_splitmix64(&key_stream_);
}

VipTable::Key VipTable::presence(const Prefix &prefix)
{
    return {prefix.address, port_of_length(prefix), AYA_PROTO_ICMP};
}

aya_vip VipTable::make_entry(const Key &key, u32 service)
{
    aya_vip entry = {};
    std::memcpy(entry.address, key.address.bytes.data(), sizeof(entry.address));
    entry.port = aya_cpu_to_be16(key.port);
    entry.protocol = key.protocol;
    entry.service = service;
    return entry;
}

u32 VipTable::home(const aya_vip &entry) const
{
    return aya_vip_hash(&key_, entry.address, entry.port, entry.protocol) & mask();
}

std::optional<u32> VipTable::find(const Key &key) const
{
    const aya_vip wanted = make_entry(key, 0);
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

// As `entry` says.
bool VipTable::set(const aya_vip &entry)
{
    const auto index =
        find({IpAddress::from_v6_bytes(entry.address), aya_be16_to_cpu(entry.port), entry.protocol});
    if (!index)
        return insert(entry);
    if (!same(entries_[*index], entry))
        write(*index, entry);
    return true;
}

void VipTable::remove(const Key &key)
{
    if (const auto index = find(key))
        erase(*index);
}

// Of several services at one place, the one with the lowest id represents it.
aya_vip VipTable::presence_entry(const Prefix &prefix, const Place &place) const
{
    aya_vip entry = make_entry(presence(prefix), place.services.begin()->first);
    entry.flags = place.local > 0 ? u16{AYA_VIP_LOCAL} : u16{0};
    if (const auto ranges = wide_.find(prefix); ranges != wide_.end()) {
        entry.range_offset = ranges->second.offset;
        entry.range_count = ranges->second.count;
    }
    return entry;
}

const std::vector<Prefix> &VipTable::local_of(const VipKey &vip) const
{
    static const std::vector<Prefix> kNothing;
    const auto found = local_.find(vip);
    return found == local_.end() ? kNothing : found->second;
}

void VipTable::count_at(const Prefix &prefix, u32 service, bool comes, bool local)
{
    Place &place = places_[prefix];
    place.local += local ? (comes ? 1u : -1u) : 0u;
    if (comes)
        place.services[service]++;
    else if (--place.services[service] == 0)
        place.services.erase(service);
    if (place.services.empty())
        places_.erase(prefix);
    touched_.insert(prefix);
}

void VipTable::count(const VipKey &vip, u32 service, bool comes)
{
    const Prefix prefix = vip.prefix();
    count_at(prefix, service, comes, false);
    for (const Prefix &local : local_of(vip))
        count_at(local, service, comes, true);
    if (vip.is_exact())
        return;
    wide_touched_ = true;
    if (comes)
        wide_[prefix].vips.insert(vip);
    else if (auto &vips = wide_[prefix].vips; vips.erase(vip) > 0 && vips.empty())
        wide_.erase(prefix);
}

void VipTable::note(const Change &change)
{
    if (const auto old = vips_.find(change.vip); old != vips_.end()) {
        count(change.vip, old->second, false);
        local_.erase(change.vip);
        vips_.erase(old);
    }
    if (change.service == AYA_SERVICE_NONE)
        return;
    vips_.emplace(change.vip, change.service);
    if (!change.local.empty())
        local_.emplace(change.vip, change.local);
    count(change.vip, change.service, true);
}

// First those that go.
void VipTable::note_all(std::span<const Change> changes, std::vector<Change> &undo)
{
    for (const bool removals : {true, false})
        for (const Change &change : changes) {
            if ((change.service == AYA_SERVICE_NONE) != removals)
                continue;
            const auto old = vips_.find(change.vip);
            undo.push_back(
                {change.vip, old == vips_.end() ? u32{AYA_SERVICE_NONE} : old->second, local_of(change.vip)});
            note(change);
        }
}

bool VipTable::lay_out(const Prefix &prefix, Ranges &ranges, std::vector<aya_port_range> &all)
{
    std::vector<VipOfService> vips;
    for (const VipKey &vip : ranges.vips)
        vips.emplace_back(vip, vips_.at(vip));
    const auto made = make_port_ranges(std::move(vips));
    if (!made || all.size() + made->size() > entries_.size())
        return false;
    ranges.offset = static_cast<u32>(all.size());
    ranges.count = static_cast<u16>(made->size());
    all.insert(all.end(), made->begin(), made->end());
    touched_.insert(prefix);
    return true;
}

// One prefix after the other.
bool VipTable::lay_out_ranges()
{
    if (!has_few_lengths())
        return false;
    std::vector<aya_port_range> all;
    for (auto &[prefix, ranges] : wide_)
        if (!lay_out(prefix, ranges, all))
            return false;
    all.resize(entries_.size());
    ranges_ = std::move(all);
    return true;
}

// That of an address, too, whether there is any or not.
std::set<u8> VipTable::lengths(bool v4) const
{
    std::set<u8> found{host_prefix(v4 ? IpAddress::v4(0, 0, 0, 0) : IpAddress{}).length};
    for (const auto &[prefix, ranges] : wide_)
        if (prefix.address.is_v4() == v4)
            found.insert(prefix.length);
    return found;
}

bool VipTable::has_few_lengths() const
{
    return lengths(true).size() <= AYA_PREFIX_LENGTHS && lengths(false).size() <= AYA_PREFIX_LENGTHS;
}

void VipTable::write_lengths(aya_settings &settings) const
{
    for (const bool v4 : {true, false}) {
        aya_prefix_length *entry = settings.lengths[v4 ? 0 : 1];
        const IpAddress zero = v4 ? IpAddress::v4(0, 0, 0, 0) : IpAddress{};
        const std::set<u8> found = lengths(v4);
        for (auto length = found.rbegin(); length != found.rend(); ++length, ++entry) {
            const IpAddress mask = mask_of({zero, *length});
            std::memcpy(entry->mask, mask.bytes.data(), sizeof(entry->mask));
            entry->port = aya_cpu_to_be16(port_of_length({zero, *length}));
            entry->used = 1;
        }
    }
}

// Brings the entries of these VIPs, and of the places that were touched, to what shall be: first those that
// go, so that the table is never overfull.
bool VipTable::update(std::span<const Change> changes)
{
    const auto key_of = [](const VipKey &vip) {
        return Key{vip.address, vip.port, static_cast<u8>(vip.protocol)};
    };
    for (const Change &change : changes)
        if (change.vip.is_exact() && !vips_.contains(change.vip))
            remove(key_of(change.vip));
    for (const Prefix &prefix : touched_)
        if (!places_.contains(prefix))
            remove(presence(prefix));
    for (const Change &change : changes)
        if (const auto vip = vips_.find(change.vip); vip != vips_.end() && vip->first.is_exact())
            if (!set(make_entry(key_of(vip->first), vip->second)))
                return false;
    for (const Prefix &prefix : touched_)
        if (const auto place = places_.find(prefix); place != places_.end())
            if (!set(presence_entry(prefix, place->second)))
                return false;
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
            fits =
                !vip->first.is_exact() ||
                insert(make_entry({vip->first.address, vip->first.port, static_cast<u8>(vip->first.protocol)},
                                  vip->second));
        for (auto place = places_.begin(); fits && place != places_.end(); ++place)
            fits = insert(presence_entry(place->first, place->second));
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
    touched_.clear();
    wide_touched_ = false;
    note_all(changes, undo);
    log_.clear();
    const std::vector<aya_port_range> ranges_before = wide_touched_ ? ranges_ : std::vector<aya_port_range>{};
    const bool has_room = vips_.size() + places_.size() <= entries_.size() / 2;
    if (has_room && (!wide_touched_ || lay_out_ranges())) {
        if (update(changes)) {
            for (const auto &[index, old] : log_)
                dirty.push_back(index);
            for (u32 i = 0; i < ranges_before.size(); i++)
                if (!same(ranges_[i], ranges_before[i]))
                    dirty.push_back(i);
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
    if (wide_touched_)
        lay_out_ranges();
    return false;
}

} // namespace aya
