// SPDX-License-Identifier: BSD-2-Clause
// The interface that health probes through the tunnel leave by, with probe.bpf.c at its tc egress. A rule and
// a route of each family lead marked packets there, before any other route.
#pragma once

#include <memory>
#include <string>

#include "aya/types.h"
#include "common/address.hpp"
#include "probe.h"

namespace aya
{

class ProbeDevice
{
public:
    // A TAP interface, which goes with the process, however that ends; rules and routes that an earlier
    // process of the same instance has left are removed. Throws Error or BpfError. `most`: tunnels that there
    // may be at a time.
    ProbeDevice(const std::string &instance, u32 most);
    ~ProbeDevice();
    ProbeDevice(const ProbeDevice &) = delete;
    ProbeDevice &operator=(const ProbeDevice &) = delete;

    // What a probe's packets are to be marked with; `number` is less than AYA_PROBE_MOST.
    u32 mark(u32 number) const { return marks_ | number; }

    // Why packets of this family cannot leave; empty: they can.
    const std::string &obstacle(const IpAddress &family) const;

    // Where packets with this mark go: nowhere, before and after. 0 or an errno value.
    int set_way(u32 mark, const aya_probe_way &way);
    int clear_way(u32 mark);

private:
    struct Object;

    void open_tap();
    void set_up_link() const;
    void attach(u32 most);
    void route();
    void unroute() const;
    void close();

    u32 marks_;
    int tap_ = -1;
    int link_ = 0; // index
    std::string name_;
    std::string obstacle_ipv6_;
    std::string none_;
    std::unique_ptr<Object> object_;
};

} // namespace aya
