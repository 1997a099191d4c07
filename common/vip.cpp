// SPDX-License-Identifier: BSD-2-Clause
#include "common/vip.hpp"

namespace aya
{

namespace
{

// "PREFIX:REST", the prefix in brackets if it is IPv6.
struct PrefixAndRest {
    Prefix prefix;
    std::string_view rest;
};

std::optional<PrefixAndRest> split_prefix(std::string_view text)
{
    const bool bracketed = text.starts_with('[');
    const std::size_t end = bracketed ? text.find("]:") : text.find(':');
    if (end == std::string_view::npos)
        return std::nullopt;
    const auto prefix = parse_prefix(text.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0)));
    if (!prefix || prefix->address.is_v6() != bracketed)
        return std::nullopt;
    return PrefixAndRest{*prefix, text.substr(end + (bracketed ? 2 : 1))};
}

// "443", "8000-8999", "*". `vip` gets them.
bool read_ports(std::string_view text, VipKey &vip)
{
    if (text == "*")
        return true;
    const std::size_t dash = text.find('-');
    const auto first = parse_port(text.substr(0, dash));
    if (!first)
        return false;
    vip.port = *first;
    if (dash == std::string_view::npos)
        return true;
    const auto last = parse_port(text.substr(dash + 1));
    if (!last || *first == 0 || *last < *first)
        return false;
    vip.more_ports = static_cast<std::uint16_t>(*last - *first);
    return true;
}

std::string ports_of(const VipKey &vip)
{
    if (vip.any_port())
        return "*";
    const std::string first = std::to_string(vip.port);
    return vip.more_ports == 0 ? first : first + "-" + std::to_string(vip.last_port());
}

} // namespace

Prefix VipKey::prefix() const
{
    return {address, static_cast<std::uint8_t>(address.host_prefix() - host_bits)};
}

std::uint16_t VipKey::last_port() const
{
    return any_port() ? std::uint16_t{UINT16_MAX} : static_cast<std::uint16_t>(port + more_ports);
}

bool VipKey::has(const IpAddress &other, std::uint16_t other_port) const
{
    return contains(prefix(), host_prefix(other)) && port <= other_port && other_port <= last_port();
}

bool VipKey::is_narrower(const VipKey &other) const
{
    if (host_bits != other.host_bits)
        return host_bits < other.host_bits;
    return last_port() - port < other.last_port() - other.port;
}

std::optional<VipKey> parse_vip(std::string_view text)
{
    const auto host = split_prefix(text);
    if (!host)
        return std::nullopt;
    const std::size_t slash = host->rest.find('/');
    if (slash == std::string_view::npos)
        return std::nullopt;
    const auto protocol = parse_protocol(host->rest.substr(slash + 1));
    VipKey vip;
    if (!protocol || !read_ports(host->rest.substr(0, slash), vip))
        return std::nullopt;
    vip.address = host->prefix.address;
    vip.protocol = *protocol;
    vip.host_bits = static_cast<std::uint8_t>(vip.address.host_prefix() - host->prefix.length);
    return vip;
}

std::string to_string(const VipKey &vip)
{
    const std::string prefix = to_string(vip.prefix());
    return (vip.address.is_v4() ? prefix : "[" + prefix + "]") + ":" + ports_of(vip) + "/" +
           to_string(vip.protocol);
}

} // namespace aya
