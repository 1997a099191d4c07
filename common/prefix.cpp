// SPDX-License-Identifier: BSD-2-Clause
#include "common/prefix.hpp"

#include <charconv>

namespace aya
{

namespace
{

constexpr std::size_t kBits = sizeof(IpAddress::bytes) * 8;

// The first bit of `address.bytes` that is not the prefix's.
std::size_t first_free_bit(const Prefix &prefix)
{
    return kBits - prefix.address.host_prefix() + prefix.length;
}

std::uint8_t bit_mask(std::size_t bit)
{
    return static_cast<std::uint8_t>(0x80U >> bit % 8);
}

} // namespace

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

Prefix host_prefix(const IpAddress &address)
{
    return {address, address.host_prefix()};
}

bool is_host(const Prefix &prefix)
{
    return prefix.length == prefix.address.host_prefix();
}

Prefix network_of(const Prefix &prefix)
{
    Prefix network = prefix;
    for (std::size_t bit = first_free_bit(prefix); bit < kBits; bit++)
        network.address.bytes[bit / 8] &= static_cast<std::uint8_t>(~bit_mask(bit));
    return network;
}

IpAddress last_of(const Prefix &prefix)
{
    IpAddress last = prefix.address;
    for (std::size_t bit = first_free_bit(prefix); bit < kBits; bit++)
        last.bytes[bit / 8] |= bit_mask(bit);
    return last;
}

IpAddress mask_of(const Prefix &prefix)
{
    IpAddress mask;
    for (std::size_t bit = 0; bit < first_free_bit(prefix); bit++)
        mask.bytes[bit / 8] |= bit_mask(bit);
    return mask;
}

bool contains(const Prefix &outer, const Prefix &inner)
{
    return outer.address.is_v4() == inner.address.is_v4() && outer.length <= inner.length &&
           network_of({inner.address, outer.length}) == network_of(outer);
}

std::vector<Prefix> within(const std::set<Prefix> &some, const Prefix &outer)
{
    std::vector<Prefix> found;
    const IpAddress last = last_of(outer);
    for (auto one = some.lower_bound(outer); one != some.end() && one->address <= last; ++one)
        if (contains(outer, *one))
            found.push_back(*one);
    return found;
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
    return is_host(prefix) ? address : address + "/" + std::to_string(prefix.length);
}

std::string join(const std::vector<Prefix> &prefixes)
{
    std::string text;
    for (const Prefix &prefix : prefixes)
        text += (text.empty() ? "" : ", ") + to_string(prefix);
    return text;
}

} // namespace aya
