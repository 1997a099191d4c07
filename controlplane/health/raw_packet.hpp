// SPDX-License-Identifier: BSD-2-Clause
// What types have in common that write their packets themselves.
#pragma once

#include "common/address.hpp"

#include <cstdint>
#include <string_view>

namespace aya::health
{

// Packets that one readiness of a raw socket may yield: with more, others would have to wait.
inline constexpr int kMostPackets = 16;

template <class Header>
std::string_view bytes_of(const Header &header)
{
    return {reinterpret_cast<const char *>(&header), sizeof(header)};
}

// RFC 1071, in network byte order.
std::uint16_t internet_checksum(std::string_view bytes);

// What a raw socket received, without the IPv4 header that it has in front. Empty: not whole.
std::string_view payload_of_raw(std::string_view packet, const IpAddress &family);

// Unpredictable for a stranger.
std::uint64_t random_bits();

} // namespace aya::health
