// SPDX-License-Identifier: BSD-2-Clause
// How short a prefix of VIPs may be. Shorter ones would hold addresses that are not unicast, and most likely
// are mistakes; one on a backend cuts it off.
#pragma once

#include "common/prefix.hpp"

namespace aya
{

inline constexpr std::uint8_t kShortestVip4 = 8;
inline constexpr std::uint8_t kShortestVip6 = 16;

inline bool is_too_short_for_vips(const Prefix &prefix)
{
    return prefix.length < (prefix.address.is_v4() ? kShortestVip4 : kShortestVip6);
}

} // namespace aya
