// SPDX-License-Identifier: BSD-2-Clause
// Counters as those who forward write them: one set a worker, which is a DPDK worker or an RX queue that has
// the XDP program. Readers sum.
#pragma once

#include "aya/shm.hpp"

namespace aya
{

class CounterSource
{
public:
    virtual ~CounterSource() = default;
    virtual u32 worker_count() const = 0;
    virtual const Capacities &capacities() const = 0;
    virtual u64 started_ns() const = 0; // CLOCK_MONOTONIC: since when they count
    virtual const WorkerTotals &totals(u32 worker) const = 0;
    virtual const ServiceCounters &service_counters(u32 worker, u32 service) const = 0;
    virtual const BackendCounters &backend_counters(u32 worker, u32 backend) const = 0;
};

} // namespace aya
