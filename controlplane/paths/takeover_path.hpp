// SPDX-License-Identifier: BSD-2-Clause
// Path "auto": the XDP program is on the ports, and a DPDK process takes the traffic from it while it can.
// Both read the same tables and write the same flow table, so clients do not notice who forwards.
#pragma once

#include "paths/dataplane_watch.hpp"
#include "paths/xdp_path.hpp"

namespace aya
{

class TakeoverPath final : public ForwardingPath
{
public:
    // Throws BpfError.
    TakeoverPath(std::string pin_directory, XdpTables &tables, const DataplaneConfig &config,
                 const std::string &dataplane_file);

    std::string_view name() const override { return "auto"; }
    std::string_view carrier() const override { return reason_.empty() ? "dpdk" : "xdp"; }
    void start() override;
    bool poll() override;
    std::span<const PortLine> ports() const override { return xdp_.ports(); }
    LossCounts losses(u32 port) const override;
    std::optional<XdpPortStatus> xdp_status(u32 port) const override { return xdp_.xdp_status(port); }
    CounterSources counters() const override { return {&xdp_.source(), watch_.segment()}; }
    FlowTables flow_tables() const override { return xdp_.flow_tables(); } // of both
    bool forwards() const override { return true; }
    bool gone() const override { return xdp_.gone(); }
    bool port_works(u32 port) const override { return xdp_.port_works(port); }
    const DataplaneSegment *process() const override { return watch_.process(); }
    std::vector<std::string> warnings() const override;

    // A worker that was silent for longer does not forward: with the time between two polls, less than a
    // second.
    static constexpr u64 kHangsAfterNs = 600'000'000;

private:
    std::string why_xdp() const;
    void choose_carrier();

    XdpTables &tables_;
    XdpPath xdp_;
    DataplaneWatch watch_;
    std::string reason_ = "no look was taken yet"; // why XDP forwards; empty: the process does
    bool chosen_ = false;
};

} // namespace aya
