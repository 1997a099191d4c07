// SPDX-License-Identifier: BSD-2-Clause
// Addresses and networks, as --balancer names them.
#pragma once

#include "common/address.hpp"
#include "common/names.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aya::backend
{

using aya::to_string; // ours for networks would hide them

struct Prefix {
    IpAddress address{};
    std::uint8_t length = 0; // bits of its family

    auto operator<=>(const Prefix &) const = default;
};

// "10.0.1.2", "10.0.1.0/24", "2001:db8::/64". nullopt: neither. Bits beyond the length stay as they are.
std::optional<Prefix> parse_prefix(std::string_view text);
// What the map of balancers has where none is named.
inline constexpr Prefix kEveryone{};

// Without the bits beyond its length.
Prefix network_of(const Prefix &prefix);
// One that can be asked for a route.
IpAddress host_of(const Prefix &prefix);
std::string to_string(const Prefix &prefix); // an address without length, if it is one
std::string join(const std::vector<Prefix> &prefixes);

} // namespace aya::backend
