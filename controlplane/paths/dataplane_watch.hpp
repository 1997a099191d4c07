// SPDX-License-Identifier: BSD-2-Clause
// Keeps an eye on the data plane through its segment: whether it runs, which ports it has, whether a worker
// hangs.
#pragma once

#include "paths/forwarding_path.hpp"

#include <span>
#include <string>
#include <vector>

namespace aya
{

class DataplaneWatch final : public ForwardingPath
{
public:
    // `meanwhile`: for the log, what happens while no data plane runs.
    explicit DataplaneWatch(
        const std::string &path,
        std::string meanwhile = "nothing is forwarded and no backend is marked down until it returns")
        : path_(path), meanwhile_(std::move(meanwhile)), segment_(path)
    {
    }

    std::string_view name() const override { return "dpdk"; }
    std::string_view carrier() const override { return "dpdk"; }

    // Looks again, and logs what became different. True: the ports did.
    bool poll() override;

    // Of the data plane that runs, else of the one that ran last: what is published for them is right again
    // as soon as it is back.
    std::span<const PortLine> ports() const override { return ports_; }
    LossCounts losses(u32 port) const override;

    // A data plane ran and does not any more, or none of its ports works: with it went the kernel's way to
    // the network, and what probes find says nothing about backends.
    bool gone() const override;
    bool port_works(u32 port) const override
    {
        return usable_ && segment_.port(port).state == PortState::works;
    }

    // nullptr: no data plane runs.
    const DataplaneSegment *running() const { return running_ ? &segment_ : nullptr; }
    const DataplaneSegment *process() const override { return running(); }
    bool forwards() const override { return running_; }

    // nullptr: there is no segment to read counters from. One that stopped leaves its last.
    const DataplaneSegment *segment() const { return usable_ ? &segment_ : nullptr; }
    CounterSources counters() const override { return segment(); }

    // Also those that a process left behind: the next one takes them up.
    FlowTables flow_tables() const override;

    // One line each, for people.
    std::vector<std::string> warnings() const override;

private:
    void take_error();
    bool take_ports();
    static std::string trouble_of(u32 index, const PortLine &port);
    void log_ports(const std::vector<PortLine> &now) const;
    void log_changes(bool was_running);

    std::string path_;
    std::string meanwhile_;
    DataplaneSegment segment_;
    std::vector<PortLine> ports_;
    std::vector<bool> hung_; // workers, by index
    std::string last_error_;
    u64 inode_ = 0;
    u32 pid_ = 0;
    bool usable_ = false;
    bool running_ = false;
};

} // namespace aya
