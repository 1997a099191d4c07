// SPDX-License-Identifier: BSD-2-Clause
// The way of a probe to the VIP on one backend, in the encapsulation of clients' packets.
#pragma once

#include "common/address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aya::health
{

// Of one backend of one service. Its probe and whoever knows the way share it, on one thread.
struct Tunnel {
    SocketAddress vip;                 // where the probe connects to
    std::string_view encap;            // its name in the configuration
    bool has_headers = false;          // outer ones, which the backend takes off
    std::uint32_t mark = 0;            // of the probe's packets; see ProbeDevice
    std::optional<IpAddress> source{}; // of the probe's packets; absent: the kernel chooses
    std::string obstacle{};            // why no packet can go this way at the moment; empty: it can
};

} // namespace aya::health
