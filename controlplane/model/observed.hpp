// SPDX-License-Identifier: BSD-2-Clause
// What is observed of a backend: its health, and the way to it.
#pragma once

#include "aya/tables.h"
#include "common/address.hpp"
#include "common/names.hpp"
#include "health/health.hpp"

#include <optional>

namespace aya
{

// Who says what fits on the way to a backend.
enum class MtuSource : u8 {
    port,   // of the data plane
    route,  // the kernel: a route's mtu, or what it has learnt of the destination
    router, // an ICMP error about a packet that was too big
};

constexpr auto names_of(MtuSource)
{
    return std::to_array<Name<MtuSource>>(
        {{MtuSource::port, "port"}, {MtuSource::route, "route"}, {MtuSource::router, "router"}});
}

// The way to a backend, as routes, neighbours and the data plane's ports tell it.
struct NextHop {
    IpAddress address;        // of the neighbour: the gateway, or the backend itself
    std::optional<Mac> mac;   // of the neighbour; BackendConfig::mac takes its place
    u16 port = AYA_PORT_NONE; // index of the data plane's port that leads there
    Mac port_mac;             // source of what leaves through it
    u16 mtu = 1500;           // the largest IP packet that fits
    MtuSource mtu_source = MtuSource::port;
    std::optional<IpAddress> source; // the route's preferred source, in the family of the backend's address

    void limit_mtu(u32 limit, MtuSource by)
    {
        if (limit >= mtu)
            return;
        mtu = static_cast<u16>(limit);
        mtu_source = by;
    }

    bool operator==(const NextHop &) const = default;
};

// In its units a backend's weight is shared out while it gets to it. A power of two, so that a lookup table
// in which all have their whole weight is the same as without.
constexpr unsigned kWholeWeight = 128;

struct BackendObserved {
    Health health = Health::unchecked;
    std::optional<NextHop> next_hop; // absent: no route, or no data plane runs
    unsigned part = kWholeWeight;    // of its weight: see SlowStarts
    bool settling = false;           // the daemon has just started, and is still looking for the next hop

    bool operator==(const BackendObserved &) const = default;
};

} // namespace aya
