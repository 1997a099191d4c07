// SPDX-License-Identifier: BSD-2-Clause
#include "prefix.hpp"

#include <charconv>

namespace aya::backend
{

std::optional<Prefix> parse_prefix(std::string_view text)
{
    const std::size_t slash = text.find('/');
    const auto address = parse_ip_address(text.substr(0, slash));
    if (!address)
        return std::nullopt;
    Prefix prefix{*address, address->host_prefix()};
    if (slash == std::string_view::npos)
        return prefix;
    const char *const end = text.data() + text.size();
    const auto [parsed, error] = std::from_chars(text.data() + slash + 1, end, prefix.length);
    if (error != std::errc() || parsed != end || prefix.length > address->host_prefix())
        return std::nullopt;
    return prefix;
}

Prefix network_of(const Prefix &prefix)
{
    Prefix network = prefix;
    const std::size_t kept = sizeof(prefix.address.bytes) * 8 - prefix.address.host_prefix() + prefix.length;
    for (std::size_t bit = kept; bit < sizeof(prefix.address.bytes) * 8; bit++)
        network.address.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
    return network;
}

IpAddress host_of(const Prefix &prefix)
{
    IpAddress host = prefix.address;
    if (prefix.length + 1 < host.host_prefix()) // networks of one or two addresses have no other first host
        host.bytes.back() |= 1;
    return host;
}

std::string to_string(const Prefix &prefix)
{
    const std::string address = to_string(prefix.address);
    return prefix.length == prefix.address.host_prefix() ? address
                                                         : address + "/" + std::to_string(prefix.length);
}

std::string join(const std::vector<Prefix> &prefixes)
{
    std::string text;
    for (const Prefix &prefix : prefixes)
        text += (text.empty() ? "" : ", ") + to_string(prefix);
    return text;
}

} // namespace aya::backend
