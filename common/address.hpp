// SPDX-License-Identifier: BSD-2-Clause
// Addresses as the configuration writes them and as packets carry them.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace aya
{

// Values are the IP protocol numbers (IANA).
enum class Protocol : std::uint8_t { tcp = 6, udp = 17 };

// Network order. An IPv4 address is held v4-mapped (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2),
// so that both families are one type and one key.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};

    static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
    // `octets` points to 4 or 16 bytes in network order.
    static IpAddress from_v4_bytes(const void *octets);
    static IpAddress from_v6_bytes(const void *octets);

    bool is_v4() const;
    bool is_v6() const { return !is_v4(); }
    // The last four bytes: the IPv4 address in network order. Only meaningful if is_v4().
    const std::uint8_t *v4_bytes() const { return bytes.data() + 12; }

    // As sockets and netlink have it.
    int family() const; // AF_INET, AF_INET6
    const void *octets() const { return is_v4() ? v4_bytes() : bytes.data(); }
    std::size_t length() const { return is_v4() ? 4 : 16; } // of octets()
    std::uint8_t host_prefix() const { return is_v4() ? 32 : 128; }

    bool is_unspecified() const; // 0.0.0.0/8, ::
    bool is_loopback() const;    // 127.0.0.0/8, ::1
    bool is_multicast() const;   // 224.0.0.0/4, ff00::/8
    bool is_broadcast() const;   // 255.255.255.255
    bool is_link_local() const;  // 169.254.0.0/16, fe80::/10

    auto operator<=>(const IpAddress &) const = default;
};

struct Mac {
    std::array<std::uint8_t, 6> bytes{};

    bool is_zero() const;
    bool is_group() const { return (bytes[0] & 1) != 0; } // multicast or broadcast

    auto operator<=>(const Mac &) const = default;
};

// An address and a TCP port to listen on.
struct SocketAddress {
    IpAddress address;
    std::uint16_t port = 0; // host order

    auto operator<=>(const SocketAddress &) const = default;
};

// Parsers take the whole text or give nullopt. A v4-mapped IPv6 text and zone ids ("%eth0") are refused.
std::optional<IpAddress> parse_ip_address(std::string_view text);
std::optional<Mac> parse_mac(std::string_view text); // "52:54:00:00:00:11"
std::optional<Protocol> parse_protocol(std::string_view text);
std::optional<std::uint16_t> parse_port(std::string_view text);           // 0 to 65535
std::optional<SocketAddress> parse_socket_address(std::string_view text); // "127.0.0.1:9108", port 1..65535

std::string to_string(const IpAddress &address);
std::string to_string(const Mac &mac);
std::string to_string(Protocol protocol);
std::string to_string(const SocketAddress &socket);

} // namespace aya

template <>
struct std::hash<aya::IpAddress> {
    std::size_t operator()(const aya::IpAddress &address) const noexcept;
};
