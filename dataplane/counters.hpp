// SPDX-License-Identifier: BSD-2-Clause
//
// A worker's counters in the dataplane segment: plain u64s with no other writer.
#pragma once

#include "aya/shm.hpp"

namespace aya
{

struct WorkerCounters {
    WorkerTotals *totals;
    ServiceCounters *services;
    BackendCounters *backends;
    u32 service_count;
    u32 backend_count;

    void count_reason(u8 reason, u64 packets = 1) const noexcept { totals->reasons[reason & 63] += packets; }

    // A packet that goes to `backend`. Ids beyond the tables that this process started with count in totals
    // only.
    void count_forwarded(u16 service, u32 backend, u64 bytes) const noexcept
    {
        if (AYA_LIKELY(service < service_count)) {
            services[service].packets++;
            services[service].bytes += bytes;
        }
        if (AYA_LIKELY(backend < backend_count)) {
            backends[backend].packets++;
            backends[backend].bytes += bytes;
        }
    }

    void count_new_flow(u16 service) const noexcept
    {
        if (AYA_LIKELY(service < service_count))
            services[service].new_flows++;
    }
};

} // namespace aya
