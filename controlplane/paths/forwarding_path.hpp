// SPDX-License-Identifier: BSD-2-Clause
// What carries out the tables, as the control plane sees it: a DPDK process, or the XDP program in the
// kernel.
#pragma once

#include "paths/flow_tables.hpp"
#include "paths/port_losses.hpp"
#include "publish/counter_source.hpp"
#include "publish/dataplane_segment.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aya
{

// How the XDP program is attached to a port.
struct XdpPortStatus {
    std::string mode; // native, generic, none
    u32 program_id = 0;
    u64 rx_packets = 0;
    u64 tx_packets = 0;
};

class ForwardingPath
{
public:
    virtual ~ForwardingPath() = default;

    virtual std::string_view name() const = 0;    // as /dataplane/path of the configuration has it
    virtual std::string_view carrier() const = 0; // who forwards at the moment: dpdk, xdp

    // To be called once the tables have a generation. An exception: nothing has changed.
    virtual void start() {}

    // Looks again, logs what became different, and does what has to be done from time to time. True: the
    // ports are others than before.
    virtual bool poll() = 0;

    // As the tables count them. A port that is gone for now keeps its place.
    virtual std::span<const PortLine> ports() const = 0;
    virtual LossCounts losses(u32 port) const { return interface_losses(ports()[port]); }
    virtual std::optional<XdpPortStatus> xdp_status(u32) const { return std::nullopt; }

    virtual CounterSources counters() const = 0;

    // To look into, read only.
    virtual FlowTables flow_tables() const = 0;

    virtual bool forwards() const = 0;

    // It did, and does not any more; with it went the kernel's way to the network, and what probes find says
    // nothing about backends.
    virtual bool gone() const { return false; }

    // False: nothing comes through this port as of now, neither traffic nor probes.
    virtual bool port_works(u32) const { return true; }

    // Of the process that forwards; nullptr: none runs, or the kernel does it.
    virtual const DataplaneSegment *process() const { return nullptr; }

    // One line each, for people.
    virtual std::vector<std::string> warnings() const = 0;
};

} // namespace aya
