// SPDX-License-Identifier: BSD-2-Clause
//
// The packet path: one receive call's packets go through straight stages over a struct of arrays. Each stage
// is a loop that starts the memory accesses of the next one. No allocation, lock, system call or log in any
// of them.
//
//     parse_packets     bytes -> packet
//     classify_packets  packet -> service, hash; prefetches the flow set
//     find_flows        flow entry; prefetches its backend, or the slot of the lookup table
//     choose_backends   verdict
//     rewrite_packets   encapsulates; sorts what is sent by port
//     dispatch_rest     punts, answers and drops what is not forwarded
#pragma once

#include <span>

#include "aya/encap.h"
#include "aya/forward.h"
#include "aya/reply.h"
#include "counters.hpp"
#include "punt_class.hpp"

struct rte_mbuf;

namespace aya
{

constexpr u32 kBurst = 32;

// Packets on their way out of one port.
struct Outbox {
    u32 count = 0;
    rte_mbuf *packets[kBurst];
};

// The flow table of some queue, to look into.
struct SiblingFlows {
    const aya_flow_set *sets;
    u32 set_mask;
};

// What the stages need of their worker and of the port that the burst came from. Set up at start, except
// for the fields that say otherwise.
struct BurstContext {
    const aya_view *view = nullptr; // each burst
    aya_flow_set *sets = nullptr;   // each burst: the flow table of this (port, queue)
    u32 set_mask = 0;               // each burst
    u16 tick = 0;                   // housekeeping
    u16 port = 0;                   // each burst: index of the port that it came from
    u32 port_count = 0;
    u64 now_ns = 0;                         // housekeeping
    std::span<const SiblingFlows> siblings; // all queues' tables, of all workers
    WorkerCounters counters{};
    aya_limits limits{};
    u32 punt_limit = 0;                   // of the rest per second; 0: none
    Outbox *outboxes = nullptr;           // by port
    const bool *sends_segments = nullptr; // by port
    aya_stations stations{};              // each burst: of the port that it came from
    const PuntRings *punt = nullptr;      // each burst; nullptr: this port has no punt interface
};

// Index lists say which packets a stage looks at, so that no stage asks again what an earlier one knew.
struct Burst {
    u32 count = 0;
    u32 live_count = 0; // on the way to a backend
    u32 rest_count = 0; // with a verdict already
    u32 drop_count = 0;
    u8 live[kBurst];
    u8 rest[kBurst];
    u16 service[kBurst];
    u64 hash[kBurst];
    aya_flow_set *set[kBurst];
    aya_flow_entry *entry[kBurst];
    rte_mbuf *mbuf[kBurst];
    rte_mbuf *drop[kBurst];
    aya_verdict verdict[kBurst];
    aya_packet packet[kBurst];
    aya_flow_entry borrowed[kBurst]; // copies of entries of sibling tables
};

void parse_packets(Burst &burst, const BurstContext &context) noexcept;
void classify_packets(Burst &burst, const BurstContext &context) noexcept;
void find_flows(Burst &burst, const BurstContext &context) noexcept;
void choose_backends(Burst &burst, const BurstContext &context) noexcept;
void rewrite_packets(Burst &burst, BurstContext &context) noexcept;
void dispatch_rest(Burst &burst, BurstContext &context) noexcept;

// All stages but the last: nothing has left yet. Then either of the next two.
void decide_burst(Burst &burst, BurstContext &context) noexcept;

// Afterwards each packet is in an outbox, in the punt ring, or freed and counted.
void release_burst(Burst &burst, BurstContext &context) noexcept;

// Frees every packet, counted as TAKEN_OVER, and forgets the flows that were new: the tables changed under
// it.
void abandon_burst(Burst &burst, BurstContext &context) noexcept;

// What a worker that has not slept does.
void process_burst(Burst &burst, BurstContext &context) noexcept;

} // namespace aya
