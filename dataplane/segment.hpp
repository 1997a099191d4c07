// SPDX-License-Identifier: BSD-2-Clause
//
// The segment that this process writes.
#pragma once

#include <string>
#include <vector>

#include "aya/segment.hpp"
#include "counters.hpp"
#include "port.hpp"

namespace aya
{

// Written under a temporary name, so that no reader meets half a segment, and renamed into place by
// publish().
class SegmentWriter
{
public:
    SegmentWriter(const std::string &directory, const Capacities &capacities, u32 worker_count);

    void set_port(const Port &port, u32 punt_ifindex);
    void set_port_state(u32 port, PortState state) const;
    void set_losses(u32 port, const PortLosses &losses) const
    {
        file_.at<PortLosses>(layout_.port_losses)[port] = losses;
    }
    void publish();
    // Must be visible before a worker reads the tables with this identity.
    void set_tables_identity(u64 identity);

    WorkerLine &worker(u32 index) const { return file_.at<WorkerLine>(layout_.workers)[index]; }
    WorkerCounters counters(u32 worker) const;
    aya_refusals *refusals(u32 worker) const { return file_.at<aya_refusals>(layout_.refusals) + worker; }

private:
    std::string path_;
    DataplaneLayout layout_;
    MappedFile file_;
    SegmentHeader *header_;
};

} // namespace aya
