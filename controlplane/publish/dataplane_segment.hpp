// SPDX-License-Identifier: BSD-2-Clause
//
// The data plane's segment as the control plane reads it: who reads the tables, how far they are, ports,
// counters.
#pragma once

#include <string>

#include "aya/segment.hpp"
#include "publish/counter_source.hpp"

namespace aya
{

class DataplaneSegment final : public CounterSource
{
public:
    // `path` need not exist yet, or any more: see refresh().
    explicit DataplaneSegment(std::string path) : path_(std::move(path)) {}

    // Opens the file, or opens it again if a new one has taken its name. False: there is none, or it is not
    // usable (error() says why); accessors below must then not be called.
    bool refresh();
    const std::string &error() const { return error_; }

    // The process that wrote the segment still exists, and is not a later one with its id. Reads /proc.
    bool process_alive() const;
    // The worker says that it runs, and renewed its heartbeat within the last kSilentAfterNs.
    bool worker_responds(u32 worker, u64 silent_after_ns = kSilentAfterNs) const;
    bool worker_alive(u32 worker) const { return worker_responds(worker) && process_alive(); }

    // No live worker that reads the tables with `identity` may still be reading an earlier generation than
    // this. Looks for another file first.
    bool quiescent(u64 identity, u64 generation);

    const SegmentHeader &header() const { return *file_.at<const SegmentHeader>(0); }
    u64 inode() const { return file_.inode(); }
    u64 tables_identity() const { return __atomic_load_n(&header().tables_identity, __ATOMIC_ACQUIRE); }
    std::string_view path() const override { return "dpdk"; }
    u32 worker_count() const override { return header().worker_count; }
    const Capacities &capacities() const override { return header().capacities; }
    u64 started_ns() const override { return header().started_ns; }
    const PortLine &port(u32 index) const { return file_.at<const PortLine>(layout().ports)[index]; }
    const PortLosses &losses(u32 port) const
    {
        return file_.at<const PortLosses>(layout().port_losses)[port];
    }
    u64 lost_after_sending() const override;
    const WorkerLine &worker(u32 index) const { return file_.at<const WorkerLine>(layout().workers)[index]; }
    const WorkerTotals &totals(u32 worker) const override
    {
        return file_.at<const WorkerTotals>(layout().totals)[worker];
    }
    const ServiceCounters &service_counters(u32 worker, u32 service) const override;
    const BackendCounters &backend_counters(u32 worker, u32 backend) const override;
    const aya_refusals *refusals(u32 worker) const override
    {
        return file_.at<const aya_refusals>(layout().refusals) + worker;
    }

    static constexpr u64 kSilentAfterNs = 2'000'000'000;

private:
    DataplaneLayout layout() const { return {header().capacities, header().worker_count}; }

    std::string path_;
    std::string error_;
    MappedFile file_;
};

} // namespace aya
