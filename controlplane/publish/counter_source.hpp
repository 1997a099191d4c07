// SPDX-License-Identifier: BSD-2-Clause
// Counters as the forwarders write them: one set per worker, which is a DPDK worker or an RX queue that has
// the XDP program. Readers sum.
#pragma once

#include "aya/shm.hpp"

#include <string_view>
#include <vector>

namespace aya
{

class CounterSource
{
public:
    virtual ~CounterSource() = default;
    virtual std::string_view path() const = 0; // whose workers they are: dpdk, xdp
    virtual u32 worker_count() const = 0;
    virtual const Capacities &capacities() const = 0;
    virtual u64 started_ns() const = 0; // CLOCK_MONOTONIC: since when they count
    virtual const WorkerTotals &totals(u32 worker) const = 0;
    // Packets that workers counted as sent, and that the ports then lost.
    virtual u64 lost_after_sending() const { return 0; }
    virtual const ServiceCounters &service_counters(u32 worker, u32 service) const = 0;
    virtual const BackendCounters &backend_counters(u32 worker, u32 backend) const = 0;
    virtual const aya_refusals *refusals(u32) const { return nullptr; }
};

// All that count: none, one, or a DPDK process and the XDP program under it.
class CounterSources
{
public:
    CounterSources(const CounterSource *only = nullptr) : CounterSources(only, nullptr) {}
    CounterSources(const CounterSource *first, const CounterSource *second)
    {
        for (const CounterSource *source : {first, second})
            if (source)
                sources_.push_back(source);
    }
    auto begin() const { return sources_.begin(); }
    auto end() const { return sources_.end(); }

private:
    std::vector<const CounterSource *> sources_;
};

} // namespace aya
