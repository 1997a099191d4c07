// SPDX-License-Identifier: BSD-2-Clause
// Networks, as people write them: 10.0.1.0/24, 2001:db8::/64. An address is the network of itself alone.
#pragma once

#include "common/address.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace aya
{

struct Prefix {
    IpAddress address{};
    std::uint8_t length = 0; // bits of its family

    auto operator<=>(const Prefix &) const = default;
};

// "10.0.1.2", "10.0.1.0/24", "2001:db8::/64". nullopt: neither. Bits beyond the length stay as they are.
std::optional<Prefix> parse_prefix(std::string_view text);

// The network of one address.
Prefix host_prefix(const IpAddress &address);
bool is_host(const Prefix &prefix);
// Without the bits beyond its length.
Prefix network_of(const Prefix &prefix);
// Its last address.
IpAddress last_of(const Prefix &prefix);
// Ones for what is fixed in its addresses, also for what comes before an IPv4 address.
IpAddress mask_of(const Prefix &prefix);
// Whether all of `inner` is in `outer`.
bool contains(const Prefix &outer, const Prefix &inner);
// Those that `outer` contains.
std::vector<Prefix> within(const std::set<Prefix> &some, const Prefix &outer);
// One that can be asked for a route.
IpAddress host_of(const Prefix &prefix);
std::string to_string(const Prefix &prefix); // an address without length, if it is one
std::string join(const std::vector<Prefix> &prefixes);

} // namespace aya
