// SPDX-License-Identifier: BSD-2-Clause
// The MAC addresses whose frames a port takes, as the packet path compares them.
#pragma once

#include "aya/flow.h"
#include "common/address.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace aya
{

inline u64 station_of(const Mac &mac)
{
    std::array<u8, 8> bytes{};
    std::copy(mac.bytes.begin(), mac.bytes.end(), bytes.begin());
    return aya_station(bytes.data());
}

// `others`: AYA_OTHER_MACS at most.
inline aya_stations stations_of(const Mac &own, const std::vector<Mac> &others)
{
    aya_stations stations{};
    stations.own = station_of(own);
    std::transform(others.begin(), others.end(), stations.others, station_of);
    return stations;
}

} // namespace aya
