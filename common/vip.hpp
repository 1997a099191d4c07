// SPDX-License-Identifier: BSD-2-Clause
// VIPs, as the configuration writes them: "203.0.113.10:443/tcp", "203.0.113.0/28:8000-8999/tcp",
// "[2001:db8::/64]:*/udp".
#pragma once

#include "common/address.hpp"
#include "common/prefix.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aya
{

// What a service answers for: an address or a prefix, a port, a range of ports or any port, and a protocol.
struct VipKey {
    IpAddress address;      // of a prefix the first
    std::uint16_t port = 0; // host order; of a range the first; 0: any
    Protocol protocol = Protocol::tcp;
    std::uint16_t more_ports = 0; // of a range: how many follow the first
    std::uint8_t host_bits = 0;   // of a prefix: how many bits of the address may differ

    Prefix prefix() const;
    bool any_port() const { return port == 0; }
    bool has_one_port() const { return port != 0 && more_ports == 0; }
    // One address and one port.
    bool is_exact() const { return has_one_port() && host_bits == 0; }
    std::uint16_t last_port() const;

    bool has(const IpAddress &other, std::uint16_t other_port) const;
    // Whether it goes before `other` where both have a packet: a longer prefix, or the same and fewer ports.
    bool is_narrower(const VipKey &other) const;

    auto operator<=>(const VipKey &) const = default;
};

// The whole text, or nullopt. Bits beyond a prefix's length stay as they are.
std::optional<VipKey> parse_vip(std::string_view text);
std::string to_string(const VipKey &vip);

} // namespace aya
