// SPDX-License-Identifier: BSD-2-Clause
// What sends marked packets through tunnels: the kernel, told by tunnel_device.cpp.
#pragma once

#include "aya/tables.h"
#include "common/address.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace aya::health
{

// How a marked packet leaves.
struct TunnelWay {
    aya_backend backend{}; // as in the tables
    aya_tunnel tunnel{};
    u32 interface = 0; // index of the kernel's
};

class TunnelDevice
{
public:
    virtual ~TunnelDevice() = default;

    virtual u32 mark(u32 number) const = 0;
    // Why packets of this family cannot be sent; empty: they can.
    virtual std::string obstacle(const IpAddress &family) const = 0;
    // 0 or an errno value.
    virtual int set_way(u32 mark, const TunnelWay &way) = 0;
    virtual int clear_way(u32 mark) = 0;
};

// `most`: tunnels at a time. Throws std::exception.
std::unique_ptr<TunnelDevice> make_tunnel_device(const std::string &instance, u32 most);

} // namespace aya::health
