// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aya::backend
{

// Network order; IPv4 is held v4-mapped (::ffff:a.b.c.d), as the keys of the BPF map are.
struct Address {
    std::array<std::uint8_t, 16> bytes{};

    // The whole text, without prefix length or zone; nullopt otherwise.
    static std::optional<Address> parse(const std::string &text);
    // `octets`: as many as the family (AF_INET, AF_INET6) has.
    static Address from_octets(int family, const void *octets);

    bool is_v4() const;
    int family() const;
    const void *octets() const { return bytes.data() + (is_v4() ? 12 : 0); }
    std::size_t length() const { return is_v4() ? 4 : 16; }
    unsigned char host_prefix() const { return is_v4() ? 32 : 128; }

    // Can hosts anywhere send to it: no loopback, multicast, link-local, unspecified or broadcast address.
    bool is_unicast() const;
    std::string text() const;

    auto operator<=>(const Address &) const = default;
};

std::string join(const std::vector<Address> &addresses);
bool contains(const std::vector<Address> &addresses, const Address &address);

} // namespace aya::backend
