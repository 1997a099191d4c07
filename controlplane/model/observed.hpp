// SPDX-License-Identifier: BSD-2-Clause
// What is observed of a backend: its health, and the way to it.
#pragma once

#include "aya/tables.h"
#include "common/address.hpp"
#include "health/health.hpp"

#include <optional>

namespace aya
{

// The way to a backend, as routes, neighbours and the data plane's ports tell it.
struct NextHop {
    IpAddress address;               // of the neighbour: the gateway, or the backend itself
    std::optional<Mac> mac;          // of the neighbour; BackendConfig::mac takes its place
    u16 port = AYA_PORT_NONE;        // index of the data plane's port that leads there
    Mac port_mac;                    // source of what leaves through it
    u16 mtu = 1500;                  // of that port: its largest IP packet
    std::optional<IpAddress> source; // the route's preferred source, in the family of the backend's address

    bool operator==(const NextHop &) const = default;
};

struct BackendObserved {
    Health health = Health::unchecked;
    std::optional<NextHop> next_hop; // absent: no route, or no data plane runs

    bool operator==(const BackendObserved &) const = default;
};

} // namespace aya
