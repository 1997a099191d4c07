// SPDX-License-Identifier: BSD-2-Clause
// The XDP program on the configured interfaces.
#pragma once

#include "config/config.hpp"
#include "loader.hpp"
#include "paths/forwarding_path.hpp"

#include <memory>
#include <string>
#include <vector>

namespace aya
{

class XdpPath final : public ForwardingPath, private CounterSource
{
public:
    // Takes up what is pinned, checks interfaces, loads programs; changes nothing of any interface. Throws
    // BpfError.
    XdpPath(std::string directory, XdpTables &tables, const DataplaneConfig &config);

    std::string_view name() const override { return "xdp"; }
    std::string_view carrier() const override { return "xdp"; }
    void start() override;
    bool poll() override;
    std::span<const PortLine> ports() const override { return lines_; }
    std::optional<XdpPortStatus> xdp_status(u32 port) const override;
    CounterSources counters() const override { return this; }
    FlowTables flow_tables() const override;
    bool gone() const override;
    bool port_works(u32 port) const override;
    bool forwards() const override { return true; }
    const CounterSource &source() const { return *this; }
    bool started() const { return started_; }

    // True: the program forwards, whatever AF_XDP sockets there are.
    void bypass_sockets(bool on) const;
    std::vector<std::string> warnings() const override;

private:
    struct Port {
        std::unique_ptr<XdpPort> xdp;
        u32 mtu_limit;
        std::vector<Mac> other_macs{};
        u32 interface_index = 0; // as of the last look
        XdpPortStatus status{};
        std::string warning{}; // empty: all is well
        u32 swept = 0;         // sets of each queue's flow table, in this round
    };
    struct Worker {
        u32 port;
        u32 queue;
    };

    std::string_view path() const override { return "xdp"; }
    u32 worker_count() const override { return static_cast<u32>(workers_.size()); }
    const Capacities &capacities() const override { return tables_.capacities(); }
    u64 started_ns() const override { return tables_.header().started_ns; }
    const WorkerTotals &totals(u32 worker) const override;
    const ServiceCounters &service_counters(u32 worker, u32 service) const override;
    const BackendCounters &backend_counters(u32 worker, u32 backend) const override;
    const aya_refusals *refusals(u32 worker) const override;

    void drop_other_ports() const;
    bool take_line(u32 index, const std::optional<InterfaceFacts> &facts);
    std::string watch(u32 index, const InterfaceFacts &facts);
    static void sweep(Port &port);

    std::string directory_;
    XdpTables &tables_;
    bool alone_; // no data plane process in addition to the program
    std::vector<Port> ports_;
    std::vector<Worker> workers_;
    std::vector<PortLine> lines_;
    bool started_ = false;
};

} // namespace aya
