// SPDX-License-Identifier: BSD-2-Clause
#include "settings.hpp"

#include <algorithm>

namespace aya::backend
{

std::string encap_names(const std::string &between, const std::string &before_last, bool tunnels_only)
{
    std::vector<std::string_view> names;
    for (const EncapRow &row : kEncaps)
        if (row.has_tunnel || !tunnels_only)
            names.push_back(row.name);
    std::string text(names.front());
    for (std::size_t i = 1; i < names.size(); i++)
        text.append(i + 1 < names.size() ? between : before_last).append(names[i]);
    return text;
}

namespace
{

bool is_v4(const IpAddress &address)
{
    return address.is_v4();
}

bool is_v4_prefix(const Prefix &prefix)
{
    return prefix.address.is_v4();
}

} // namespace

bool is_routable(const IpAddress &address)
{
    constexpr std::uint8_t kMulticastAndReserved = 224; // the first byte of 224.0.0.0/4, 240.0.0.0/4
    if (address.is_v4() && address.v4_bytes()[0] >= kMulticastAndReserved)
        return false;
    return !address.is_unspecified() && !address.is_loopback() && !address.is_multicast() &&
           !address.is_link_local();
}

std::string join(const std::vector<IpAddress> &addresses)
{
    std::string text;
    for (const IpAddress &address : addresses)
        text += (text.empty() ? "" : ", ") + to_string(address);
    return text;
}

bool contains(const std::vector<IpAddress> &addresses, const IpAddress &address)
{
    return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

bool contains(const std::vector<Prefix> &prefixes, const IpAddress &address)
{
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const Prefix &prefix) { return contains(prefix, host_prefix(address)); });
}

bool Settings::has_v4_vip() const
{
    return std::any_of(vips.begin(), vips.end(), is_v4_prefix);
}

bool Settings::has_v6_vip() const
{
    return !std::all_of(vips.begin(), vips.end(), is_v4_prefix);
}

bool Settings::mixes_families() const
{
    const bool outer_v4 = std::any_of(locals.begin(), locals.end(), is_v4);
    const bool outer_v6 = !std::all_of(locals.begin(), locals.end(), is_v4);
    return (outer_v4 && has_v6_vip()) || (outer_v6 && has_v4_vip());
}

std::string text_of(const Prefix &vip, const Port &port)
{
    const std::string address = vip.address.is_v4() ? to_string(vip) : "[" + to_string(vip) + "]";
    return address + ":" + std::to_string(port.number) + (port.tcp ? "/tcp" : "/udp");
}

} // namespace aya::backend
