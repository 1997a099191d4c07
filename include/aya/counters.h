// SPDX-License-Identifier: BSD-2-Clause
//
// Counters as data planes write them: monotonic, with one writer each (a DPDK worker, or in XDP the CPU that
// serves the queue), and summed by readers. A reader may see a slightly old value, never a torn one.
#ifndef AYA_COUNTERS_H
#define AYA_COUNTERS_H

#include "aya/reasons.h"
#include "aya/types.h"

struct aya_service_counters {
    u64 packets; // forwarded
    u64 bytes;   // of their IP packets, as received
    u64 new_flows;
    u64 turn; // where the scheduler goes on (draw.h); no count
};

struct aya_backend_counters {
    u64 packets;
    u64 bytes;
};

// Of a service, shared by all workers: rate.h. In two lines, because all packets may write the first.
struct aya_buckets {
    AYA_ALIGNED(AYA_CACHE_LINE) u64 packets;
    AYA_ALIGNED(AYA_CACHE_LINE) u64 flows;
};

enum { AYA_SOURCE_BUCKETS = 1 << 16 }; // in each of two tables, one after the other; 1 MiB in all

struct aya_worker_totals {
    AYA_ALIGNED(AYA_CACHE_LINE) u64 rx_packets;
    u64 rx_bytes;
    u64 tx_packets;
    u64 tx_bytes;
    u64 busy_polls;
    u64 empty_polls;
    u64 unused[2];
    u64 reasons[64]; // by enum aya_reason; [NONE] counts forwarded packets
};

AYA_STATIC_ASSERT(sizeof(struct aya_service_counters) == 32, "counter ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_buckets) == 128, "counter ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_backend_counters) == 16, "counter ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_worker_totals) == 64 + 512, "counter ABI");

#endif
