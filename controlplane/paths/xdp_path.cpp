// SPDX-License-Identifier: BSD-2-Clause
#include "paths/xdp_path.hpp"

#include "aya/flow_load.h"
#include "common/clock.hpp"
#include "common/stations.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

namespace aya
{

namespace
{

constexpr u32 kSweepPolls = 512; // a whole flow table in about two minutes of polls

u16 tick_now()
{
    return aya_tick(monotonic_ns());
}

// Two entries for each flow, four in a set: docs/decisions.md.
u32 flow_sets_for(const DataplaneConfig &config)
{
    return config.flows_per_worker * 2 / AYA_FLOW_WAYS;
}

PortLine describe(const XdpPort &port, const InterfaceFacts &facts, u32 mtu_limit)
{
    PortLine line = {};
    port.interface().copy(line.name, sizeof(line.name) - 1);
    port.interface().copy(line.interface, sizeof(line.interface) - 1);
    std::memcpy(line.mac, facts.mac.data(), sizeof(line.mac));
    line.mtu = static_cast<u16>(std::min(facts.mtu, mtu_limit));
    line.queues = static_cast<u16>(port.queues());
    line.present = 1;
    return line;
}

} // namespace

XdpPath::XdpPath(std::string directory, XdpTables &tables, const DataplaneConfig &config)
    : directory_(std::move(directory)), tables_(tables), alone_(config.path == DataplanePath::xdp),
      lines_(config.ports.size())
{
    for (u32 i = 0; i < config.ports.size(); i++) {
        const PortConfig &port = config.ports[i];
        ports_.push_back(
            {.xdp = std::make_unique<XdpPort>(directory_, tables_,
                                              XdpPortOptions{.interface = port.device,
                                                             .index = i,
                                                             .flow_sets = flow_sets_for(config),
                                                             .replace_program = port.replace_program}),
             .mtu_limit = port.mtu.value_or(UINT16_MAX),
             .other_macs = port.other_macs});
        if (!alone_ && ports_[i].xdp->by_processor())
            throw BpfError(port.device +
                           ": path auto requires an interface with RX queues of its own, and this one is "
                           "stacked on others (bond, bridge, macvlan); use path xdp");
        ports_[i].xdp->set_punt_limit(config.punt_limit);
        for (u32 queue = 0; queue < ports_[i].xdp->queues(); queue++)
            workers_.push_back({i, queue});
        take_line(i, interface_facts(port.device));
    }
}

void XdpPath::start()
{
    tables_.put_in_place();
    std::vector<Port *> fresh;
    try {
        for (Port &port : ports_) {
            const bool is_fresh = port.xdp->fresh();
            const std::string done = port.xdp->attach();
            if (is_fresh)
                fresh.push_back(&port);
            if (!done.empty())
                spdlog::info("{}: XDP program {}", port.xdp->interface(), done);
            if (!port.xdp->tags().note.empty())
                spdlog::info("{}", port.xdp->tags().note);
        }
    } catch (...) {
        for (Port *port : fresh)
            port->xdp->detach();
        tables_.withdraw();
        throw;
    }
    if (alone_)
        bypass_sockets(true); // no process will have any: then no packet need look
    drop_other_ports();
    started_ = true;
    poll();
}

// What is left of interfaces that the configuration does not name any more, and of starts that were killed.
void XdpPath::drop_other_ports() const
{
    for (const std::string &name : pins::list(directory_)) {
        const std::string interface = pins::interface_of(name);
        const bool is_ours =
            name == "tables" || std::any_of(ports_.begin(), ports_.end(), [&](const Port &port) {
                return !interface.empty() && port.xdp->interface() == interface;
            });
        if (is_ours)
            continue;
        pins::remove_port(directory_ + "/" + name);
        if (!interface.empty())
            spdlog::info("{}: no longer a port; XDP program detached", interface);
    }
}

bool XdpPath::poll()
{
    bool changed = false;
    for (u32 i = 0; i < ports_.size(); i++) {
        Port &port = ports_[i];
        const auto facts = interface_facts(port.xdp->interface());
        changed = take_line(i, facts) || changed;
        if (!started_)
            continue;
        std::string warning =
            facts ? watch(i, *facts)
                  : port.xdp->interface() + ": the interface no longer exists; no traffic there";
        if (warning != port.warning && !warning.empty())
            spdlog::warn("{}", warning);
        port.warning = std::move(warning);
        sweep(port);
    }
    return changed;
}

// True: the port's line became another.
bool XdpPath::take_line(u32 index, const std::optional<InterfaceFacts> &facts)
{
    PortLine line = facts ? describe(*ports_[index].xdp, *facts, ports_[index].mtu_limit) : lines_[index];
    line.present = facts.has_value();
    if (std::memcmp(&line, &lines_[index], sizeof(line)) == 0)
        return false;
    if (facts)
        ports_[index].xdp->set_stations(stations_of({facts->mac}, ports_[index].other_macs));
    lines_[index] = line;
    return true;
}

// Answers what an operator should know.
std::string XdpPath::watch(u32 index, const InterfaceFacts &facts)
{
    Port &port = ports_[index];
    const std::string &name = port.xdp->interface();
    if (port.interface_index != facts.index) {
        tables_.set_tx_port(index, facts.index);
        port.interface_index = facts.index;
    }
    if (!port.xdp->attached()) {
        port.status = {};
        if (!facts.up)
            return name + ": recreated but down; the XDP program is attached when it comes up";
        try {
            spdlog::warn("{}: XDP program {}", name, port.xdp->attach());
            tables_.set_tx_port(index, facts.index); // the kernel took the old interface out of the table
        } catch (const BpfError &error) {
            return error.what();
        }
    }
    port.status.mode = to_string(port.xdp->mode());
    port.status.program_id = port.xdp->program_id();
    if (!facts.up)
        return name + ": the interface is down";
    if (!facts.link)
        return name + ": no link; no traffic there";
    if (!facts.stacked && facts.rx_queues > port.xdp->queues())
        return name + ": has " + std::to_string(facts.rx_queues) + " RX queues, but the XDP program serves " +
               std::to_string(port.xdp->queues()) + "; packets on the others go to the kernel";
    if (port.status.mode == "generic")
        return name + ": generic XDP, which is slow: the driver has no native mode";
    return port.xdp->tags().warning;
}

// Frees entries that expired long ago, before 2^15 ticks make them look alive again; a few sets each time.
//
// The program may write a set at the same moment. If it revives such an entry, or puts a new flow there, just
// between our look and our write, that flow is forgotten once, and its next packet is scheduled.
void XdpPath::sweep(Port &port)
{
    const u32 sets = port.xdp->flow_sets();
    const u32 end = std::min(sets, port.swept + (sets + kSweepPolls - 1) / kSweepPolls);
    const u16 now = tick_now();
    for (u32 queue = 0; queue < port.xdp->queues(); queue++) {
        const auto loads = port.xdp->flow_loads(queue);
        for (u32 set = port.swept; set < end; set++)
            aya_sweep_counted(loads.data(), static_cast<u32>(loads.size()), &port.xdp->flows(queue)[set],
                              now);
    }
    port.swept = end == sets ? 0 : end;
}

std::optional<XdpPortStatus> XdpPath::xdp_status(u32 port) const
{
    if (port >= ports_.size())
        return std::nullopt;
    XdpPortStatus status = ports_[port].status;
    const XdpPort &xdp = *ports_[port].xdp;
    for (u32 queue = 0; queue < xdp.queues(); queue++) {
        status.rx_packets += xdp.totals(queue).rx_packets;
        status.tx_packets += xdp.totals(queue).tx_packets;
    }
    return status;
}

FlowTables XdpPath::flow_tables() const
{
    FlowTables found;
    for (u32 port = 0; port < ports_.size(); port++)
        for (u32 queue = 0; queue < ports_[port].xdp->queues(); queue++)
            found.tables.push_back({.port = port,
                                    .queue = queue,
                                    .sets = ports_[port].xdp->flows(queue),
                                    .set_mask = ports_[port].xdp->flow_sets() - 1});
    return found;
}

void XdpPath::bypass_sockets(bool on) const
{
    for (const Port &port : ports_)
        port.xdp->bypass_sockets(on);
}

std::vector<std::string> XdpPath::warnings() const
{
    std::vector<std::string> lines;
    for (const Port &port : ports_)
        if (!port.warning.empty())
            lines.push_back("data plane: " + port.warning);
    return lines;
}

// No interface works: probes went by them too.
bool XdpPath::gone() const
{
    for (u32 i = 0; i < ports_.size(); i++)
        if (port_works(i))
            return false;
    return true;
}

// Looked at now, since two bad probes come faster than the next poll.
bool XdpPath::port_works(u32 port) const
{
    return interface_works(ports_[port].xdp->interface());
}

const WorkerTotals &XdpPath::totals(u32 worker) const
{
    return ports_[workers_[worker].port].xdp->totals(workers_[worker].queue);
}

const ServiceCounters &XdpPath::service_counters(u32 worker, u32 service) const
{
    return ports_[workers_[worker].port].xdp->service_counters(workers_[worker].queue, service);
}

const aya_refusals *XdpPath::refusals(u32 worker) const
{
    return ports_[workers_[worker].port].xdp->refusals(workers_[worker].queue);
}

const BackendCounters &XdpPath::backend_counters(u32 worker, u32 backend) const
{
    return ports_[workers_[worker].port].xdp->backend_counters(workers_[worker].queue, backend);
}

} // namespace aya
