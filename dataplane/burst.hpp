// SPDX-License-Identifier: BSD-2-Clause
//
// The packet path: one receive call's packets go through straight stages over a struct of arrays. Each stage
// is a loop that starts the memory accesses of the next one. No allocation, lock, system call or log in any
// of them.
//
//     read_plain_ipv4   bytes -> service, hash of plain packets; prefetches the flow set
//     read_plain_ipv6   the same
//     read_others       bytes -> packet, service, hash of the others; the same
//     find_flows        flow entry; prefetches its backend, or the slot of the lookup table
//     choose_backends   backend, by the short way of plain packets or the long one
//     rewrite_packets   encapsulates; sorts what is sent by port
//     dispatch_rest     punts, answers and drops what is not forwarded
#pragma once

#include <array>
#include <span>

#include "aya/encap.h"
#include "aya/forward.h"
#include "aya/plain.h"
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
    u32 bytes = 0;
    rte_mbuf *packets[kBurst];
};

// The flow table of some queue, to look into.
struct SiblingFlows {
    const aya_flow_set *sets;
    u32 set_mask;
};

// The services of the VIPs that were asked for lately, of plain packets. A look-up costs a third of one in
// the table.
class VipMemo
{
public:
    // Of this key, or AYA_SERVICE_NONE.
    u32 find(u64 key) const noexcept
    {
        const Entry &entry = entries_[place(key)];
        return entry.key == key ? entry.service : u32{AYA_SERVICE_NONE};
    }
    void remember(u64 key, u32 service) noexcept { entries_[place(key)] = {.key = key, .service = service}; }
    // To be called when the tables have changed.
    void clear() noexcept { entries_ = {}; }

private:
    struct Entry {
        u64 key; // 0: nothing; no VIP has it
        u32 service;
    };
    static constexpr u32 kBits = 8;
    // Fibonacci hashing.
    static u64 place(u64 key) noexcept { return key * 0x9e3779b97f4a7c15u >> (64 - kBits); }

    std::array<Entry, 1 << kBits> entries_{};
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
    u32 punt_limit = 0;                   // of class rest, per second; 0: no limits
    Outbox *outboxes = nullptr;           // by port
    const bool *sends_segments = nullptr; // by port
    aya_stations stations{};              // each burst: of the port that it came from
    const PuntRings *punt = nullptr;      // each burst; nullptr: this port has no punt interface
};

// Masks have bit i for packet i. They say which packets a stage looks at, so that no stage asks again what an
// earlier one knew.
struct Burst {
    u32 count = 0;
    u32 live = 0;       // on the way to a backend
    u32 plain = 0;      // of those: by the short way of aya/plain.h, so far
    u32 opens = 0;      // of plain packets: SYNs
    u32 begun = 0;      // of plain packets: have made an entry
    u32 ipv6 = 0;       // of plain packets: IPv6
    u32 rest_count = 0; // with a verdict already
    u32 drop_count = 0;
    u64 bytes = 0; // of all packets, as received
    u8 rest[kBurst];
    u16 service[kBurst];
    u16 l3_length[kBurst]; // of plain packets
    u64 hash[kBurst];
    aya_flow_set *set[kBurst];
    aya_flow_entry *entry[kBurst];
    const aya_backend *backend[kBurst]; // of plain packets
    rte_mbuf *mbuf[kBurst];
    rte_mbuf *drop[kBurst];
    aya_verdict verdict[kBurst];     // not of plain packets
    aya_packet packet[kBurst];       // not of plain packets
    aya_flow_entry borrowed[kBurst]; // copies of entries of sibling tables
    VipMemo vips;                    // outlives the burst: until the tables change
    u64 vip[kBurst];                 // of plain IPv4 packets: aya_plain_vip()
};

static_assert(kBurst <= 32, "a mask of a burst has 32 bits");

void read_plain_ipv4(Burst &burst, const BurstContext &context) noexcept;
void read_plain_ipv6(Burst &burst, const BurstContext &context) noexcept;
void read_others(Burst &burst, const BurstContext &context) noexcept;
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
