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
        const Pair more{1, bytes};
        if (AYA_LIKELY(service < service_count))
            add(&services[service].packets, more);
        if (AYA_LIKELY(backend < backend_count))
            add(&backends[backend].packets, more);
    }

    using Pair = u64 __attribute__((vector_size(16)));

    // Adds to packets and the bytes behind them at once.
    static void add(u64 *packets, Pair more) noexcept
    {
        Pair sum;
        __builtin_memcpy(&sum, __builtin_assume_aligned(packets, 16), sizeof(sum));
        sum += more;
        __builtin_memcpy(__builtin_assume_aligned(packets, 16), &sum, sizeof(sum));
    }

    void count_new_flow(u16 service) const noexcept
    {
        if (AYA_LIKELY(service < service_count))
            services[service].new_flows++;
    }
};

} // namespace aya
