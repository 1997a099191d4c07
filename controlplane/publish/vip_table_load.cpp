// SPDX-License-Identifier: BSD-2-Clause
// Taking over VIPs from live tables.
#include <cstring>
#include <utility>

#include "publish/port_ranges.hpp"
#include "publish/vip_table.hpp"

namespace aya
{

namespace
{

std::string entry_name(u32 index)
{
    return "entry " + std::to_string(index);
}

bool is_known(u8 protocol)
{
    return protocol == AYA_PROTO_TCP || protocol == AYA_PROTO_UDP;
}

} // namespace

// The VIPs in a prefix's ranges.
std::string VipTable::load_presence(const aya_vip &entry, std::span<const aya_port_range> ranges,
                                    std::vector<Change> &found)
{
    const auto address = IpAddress::from_v6_bytes(entry.address);
    const auto prefix = prefix_of_entry(address, aya_be16_to_cpu(entry.port));
    if (!prefix)
        return "the entry of " + to_string(address) + " has a length that no prefix has";
    if (entry.range_offset > ranges.size() || entry.range_count > ranges.size() - entry.range_offset)
        return to_string(*prefix) + " has ranges of ports outside their table";
    for (const aya_port_range &range : ranges.subspan(entry.range_offset, entry.range_count)) {
        if (!is_known(range.protocol) || range.last < range.first ||
            (range.first == 0 && range.last != UINT16_MAX))
            return to_string(*prefix) + " has a range of ports that cannot be";
        found.push_back({vip_of(*prefix, range), range.service});
    }
    if (entry.flags & AYA_VIP_LOCAL)
        touched_.insert(*prefix);
    return {};
}

// Whether what was taken over would be written as it is there.
std::string VipTable::compare(u32 presences, std::span<const aya_port_range> ranges) const
{
    for (const auto &[prefix, place] : places_) {
        const auto index = find(presence(prefix));
        aya_vip wanted = presence_entry(prefix, place);
        // Which VIPs say that it is local is not in the tables, so load() may count too many of them. Any
        // service that is there may represent it, until the next publication says which.
        if (index && place.local > 0 && place.services.contains(entries_[*index].service))
            wanted.service = entries_[*index].service;
        if (!index || std::memcmp(&entries_[*index], &wanted, sizeof(wanted)) != 0)
            return "no entry for " + to_string(prefix) + " itself";
    }
    if (presences != places_.size())
        return "an address that no VIP has is marked as one";
    for (const auto &[prefix, own] : wide_)
        if (std::memcmp(&ranges_[own.offset], &ranges[own.offset], own.count * sizeof(aya_port_range)) != 0)
            return "the ranges of ports of " + to_string(prefix) + " are out of order";
    return {};
}

std::string VipTable::load(std::span<const aya_vip> entries, std::span<const aya_port_range> ranges,
                           const aya_vip_hash_key &key)
{
    *this = VipTable(static_cast<u32>(entries.size()), key_stream_ ^ key.k[0]);
    entries_.assign(entries.begin(), entries.end());
    key_ = key;
    u32 presences = 0;
    std::vector<Change> found;
    for (u32 i = 0; i < entries_.size(); i++) {
        const aya_vip &entry = entries_[i];
        if (entry.protocol == 0)
            continue;
        const auto address = IpAddress::from_v6_bytes(entry.address);
        const u16 port = aya_be16_to_cpu(entry.port);
        if (find({address, port, entry.protocol}) != i)
            return entry_name(i) + " cannot be found by its hash, or exists twice";
        if (entry.protocol == AYA_PROTO_ICMP) {
            presences++;
            if (std::string wrong = load_presence(entry, ranges, found); !wrong.empty())
                return wrong;
        } else if (is_known(entry.protocol) && port != 0) {
            found.push_back({{address, port, static_cast<Protocol>(entry.protocol)}, entry.service});
        } else {
            return entry_name(i) + " has protocol " + std::to_string(entry.protocol) + " and port " +
                   std::to_string(port);
        }
    }
    const std::set<Prefix> local = std::exchange(touched_, {});
    for (Change &change : found) {
        change.local = within(local, change.vip.prefix());
        note(change);
    }
    return lay_out_ranges() ? compare(presences, ranges) : "more ranges of ports than a look-up searches";
}

} // namespace aya
