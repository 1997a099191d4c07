// SPDX-License-Identifier: BSD-2-Clause
#include "publish/port_ranges.hpp"

#include <algorithm>
#include <tuple>

namespace aya
{

namespace
{

constexpr u16 kMappedBits = 96; // before an IPv4 address

bool goes_before(const VipOfService &a, const VipOfService &b)
{
    const auto key = [](const VipKey &vip) { return std::tuple(vip.protocol, vip.port, -vip.last_port()); };
    return key(a.first) < key(b.first);
}

// Whether what follows, at or after `range`'s first port, may still be within `outer`.
bool reaches(const aya_port_range &outer, const aya_port_range &range)
{
    return outer.protocol == range.protocol && outer.last >= range.last;
}

} // namespace

std::optional<std::vector<aya_port_range>> make_port_ranges(std::vector<VipOfService> vips)
{
    if (vips.size() > AYA_MAX_RANGES)
        return std::nullopt;
    std::sort(vips.begin(), vips.end(), goes_before);
    std::vector<aya_port_range> ranges;
    std::vector<u8> around; // numbers, from 1, of those that the next one may be within; the narrowest last
    for (const auto &[vip, service] : vips) {
        aya_port_range range = {};
        range.first = vip.port;
        range.last = vip.last_port();
        range.service = static_cast<u16>(service);
        range.protocol = static_cast<u8>(vip.protocol);
        while (!around.empty() && !reaches(ranges[around.back() - 1u], range))
            around.pop_back();
        range.around = around.empty() ? u8{0} : around.back();
        ranges.push_back(range);
        around.push_back(static_cast<u8>(ranges.size()));
        if (around.size() > AYA_RANGE_DEPTH)
            return std::nullopt;
    }
    return ranges;
}

u16 port_of_length(const Prefix &prefix)
{
    if (is_host(prefix))
        return 0;
    return static_cast<u16>(prefix.length + (prefix.address.is_v4() ? kMappedBits : 0));
}

std::optional<Prefix> prefix_of_entry(const IpAddress &address, u16 port)
{
    if (port == 0)
        return host_prefix(address);
    const u16 before = address.is_v4() ? kMappedBits : u16{0};
    if (port <= before || port >= before + address.host_prefix())
        return std::nullopt;
    const Prefix prefix{address, static_cast<std::uint8_t>(port - before)};
    return network_of(prefix) == prefix ? std::optional(prefix) : std::nullopt;
}

VipKey vip_of(const Prefix &prefix, const aya_port_range &range)
{
    VipKey vip;
    vip.address = prefix.address;
    vip.host_bits = static_cast<std::uint8_t>(prefix.address.host_prefix() - prefix.length);
    vip.protocol = static_cast<Protocol>(range.protocol);
    vip.port = range.first;
    vip.more_ports = range.first == 0 ? u16{0} : static_cast<u16>(range.last - range.first);
    return vip;
}

} // namespace aya
