// SPDX-License-Identifier: BSD-2-Clause
#include "common/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace aya
{

namespace
{

constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// "ADDRESS:REST", the address in brackets if it is IPv6.
struct HostAndRest {
    IpAddress address;
    std::string_view rest;
};

std::optional<HostAndRest> split_host(std::string_view text)
{
    const bool bracketed = text.starts_with('[');
    const std::size_t end = bracketed ? text.find("]:") : text.find(':');
    if (end == std::string_view::npos)
        return std::nullopt;
    const auto address = parse_ip_address(text.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0)));
    if (!address || address->is_v6() != bracketed)
        return std::nullopt;
    return HostAndRest{*address, text.substr(end + (bracketed ? 2 : 1))};
}

std::string host_text(const IpAddress &address)
{
    return address.is_v4() ? to_string(address) : "[" + to_string(address) + "]";
}

std::optional<std::uint8_t> parse_hex_pair(std::string_view text)
{
    std::uint8_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc{} || stop != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::size_t hash_bytes(const void *data, std::size_t size)
{
    return std::hash<std::string_view>{}({static_cast<const char *>(data), size});
}

} // namespace

IpAddress IpAddress::from_v4_bytes(const void *octets)
{
    IpAddress address;
    std::copy(kV4Prefix.begin(), kV4Prefix.end(), address.bytes.begin());
    std::memcpy(address.bytes.data() + kV4Prefix.size(), octets, 4);
    return address;
}

IpAddress IpAddress::from_v6_bytes(const void *octets)
{
    IpAddress address;
    std::memcpy(address.bytes.data(), octets, address.bytes.size());
    return address;
}

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d)
{
    const std::array<std::uint8_t, 4> octets{a, b, c, d};
    return from_v4_bytes(octets.data());
}

bool IpAddress::is_v4() const
{
    return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin());
}

int IpAddress::family() const
{
    return is_v4() ? AF_INET : AF_INET6;
}

bool IpAddress::is_unspecified() const
{
    return is_v4() ? v4_bytes()[0] == 0 : *this == IpAddress{};
}

bool IpAddress::is_loopback() const
{
    if (is_v4())
        return v4_bytes()[0] == 127;
    return bytes[15] == 1 && std::all_of(bytes.begin(), bytes.end() - 1, [](auto byte) { return byte == 0; });
}

bool IpAddress::is_multicast() const
{
    return is_v4() ? (v4_bytes()[0] & 0xf0) == 0xe0 : bytes[0] == 0xff;
}

bool IpAddress::is_broadcast() const
{
    return std::all_of(bytes.begin() + 10, bytes.end(), [](auto byte) { return byte == 0xff; }) && is_v4();
}

bool IpAddress::is_link_local() const
{
    if (is_v4())
        return v4_bytes()[0] == 169 && v4_bytes()[1] == 254;
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool Mac::is_zero() const
{
    return *this == Mac{};
}

std::optional<IpAddress> parse_ip_address(std::string_view text)
{
    // inet_pton requires a terminated string and would stop at a NUL inside.
    if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    const std::string copy(text);
    std::array<std::uint8_t, 16> octets{};
    if (inet_pton(AF_INET, copy.c_str(), octets.data()) == 1)
        return IpAddress::from_v4_bytes(octets.data());
    if (inet_pton(AF_INET6, copy.c_str(), octets.data()) != 1)
        return std::nullopt;
    const IpAddress address = IpAddress::from_v6_bytes(octets.data());
    if (address.is_v4())
        return std::nullopt; // "::ffff:1.2.3.4" never appears in an IPv6 packet; one address, one text
    return address;
}

std::optional<Mac> parse_mac(std::string_view text)
{
    Mac mac;
    if (text.size() != mac.bytes.size() * 3 - 1)
        return std::nullopt;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
        const auto byte = parse_hex_pair(text.substr(i * 3, 2));
        if (!byte || (i > 0 && text[i * 3 - 1] != ':'))
            return std::nullopt;
        mac.bytes[i] = *byte;
    }
    return mac;
}

std::optional<Protocol> parse_protocol(std::string_view text)
{
    if (text == "tcp")
        return Protocol::tcp;
    if (text == "udp")
        return Protocol::udp;
    return std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    std::uint16_t port = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    const bool padded = text.size() > 1 && text.front() == '0';
    if (error != std::errc{} || stop != end || padded)
        return std::nullopt;
    return port;
}

std::optional<SocketAddress> parse_socket_address(std::string_view text)
{
    const auto host = split_host(text);
    if (!host)
        return std::nullopt;
    const auto port = parse_port(host->rest);
    if (!port || *port == 0)
        return std::nullopt;
    return SocketAddress{host->address, *port};
}

std::string to_string(const IpAddress &address)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(address.family(), address.octets(), text.data(), text.size());
    return text.data();
}

std::string to_string(const Mac &mac)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : mac.bytes) {
        if (!text.empty())
            text += ':';
        text += kDigits[byte >> 4];
        text += kDigits[byte & 0xf];
    }
    return text;
}

std::string to_string(Protocol protocol)
{
    return protocol == Protocol::tcp ? "tcp" : "udp";
}

std::string to_string(const SocketAddress &socket)
{
    return host_text(socket.address) + ":" + std::to_string(socket.port);
}

} // namespace aya

std::size_t std::hash<aya::IpAddress>::operator()(const aya::IpAddress &address) const noexcept
{
    return aya::hash_bytes(address.bytes.data(), address.bytes.size());
}
