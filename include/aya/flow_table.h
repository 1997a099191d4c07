// SPDX-License-Identifier: BSD-2-Clause
//
// The flow table: a set-associative cache like a CPU's. A hash names a set of four 16-byte ways, one cache
// line; whatever happens, happens in that line. One writer a table (a worker's queue; in XDP one CPU at a
// time), so no atomics; a reader that races sees at worst an entry of another incarnation, which does not
// match.
//
// Time is in ticks: 2^30 ns of CLOCK_MONOTONIC (1.07 s; a shift where BPF would have to divide), modulo 2^16.
// An entry holds when it expires, not when it was seen, so that eviction needs no other service's timeouts.
// Expired entries must be swept before 2^15 ticks pass (aya_flow_sweep), else they would look alive again.
#ifndef AYA_FLOW_TABLE_H
#define AYA_FLOW_TABLE_H

#include "aya/tables.h"
#include "aya/types.h"

enum { AYA_FLOW_WAYS = 4 };

#define AYA_TICK_NS (1ull << 30)

AYA_INLINE u16 aya_tick(u64 monotonic_ns)
{
    return (u16)(monotonic_ns / AYA_TICK_NS);
}

struct aya_flow_entry {
    u32 tag; // hash bits that the set index does not use
    u16 service;
    u16 incarnation;
    u32 backend;
    u16 expires; // tick
    u8 state;    // enum aya_flow_state
    u8 unused;
};

struct aya_flow_set {
    AYA_ALIGNED(AYA_CACHE_LINE) struct aya_flow_entry way[AYA_FLOW_WAYS];
};

AYA_STATIC_ASSERT(sizeof(struct aya_flow_entry) == 16, "16 bytes a flow");
AYA_STATIC_ASSERT(sizeof(struct aya_flow_set) == AYA_CACHE_LINE, "one cache miss a look-up");

// `set_mask`: number of sets, a power of two, less one.
AYA_INLINE u32 aya_flow_set_index(u64 hash, u32 set_mask)
{
    return (u32)hash & set_mask;
}

AYA_INLINE u32 aya_flow_tag(u64 hash)
{
    return (u32)(hash >> 32);
}

// Ticks until `entry` expires; negative or 0: it has.
AYA_INLINE int aya_flow_remaining(const struct aya_flow_entry *entry, u16 now)
{
    return (int16_t)(u16)(entry->expires - now);
}

AYA_INLINE int aya_flow_matches(const struct aya_flow_entry *entry, u64 hash, u16 service)
{
    return entry->tag == aya_flow_tag(hash) && entry->service == service && entry->state != AYA_FLOW_FREE;
}

// The live entry of this flow in its set, or NULL. A flow of another service never matches.
AYA_INLINE struct aya_flow_entry *aya_flow_find(struct aya_flow_set *set, u64 hash, u16 service, u16 now)
{
    for (u32 i = 0; i < AYA_FLOW_WAYS; i++) {
        struct aya_flow_entry *entry = &set->way[i];
        if (aya_flow_matches(entry, hash, service))
            return aya_flow_remaining(entry, now) > 0 ? entry : NULL;
    }
    return NULL;
}

// Order of eviction: free or expired, embryonic, closing, then the flow that was not seen for longest.
// Smaller goes first.
AYA_INLINE u32 aya_flow_rank(const struct aya_flow_entry *entry, u16 now)
{
    int remaining = aya_flow_remaining(entry, now);
    if (entry->state == AYA_FLOW_FREE || remaining <= 0)
        return 0;
    u32 order = entry->state == AYA_FLOW_EMBRYONIC ? 1 : entry->state == AYA_FLOW_CLOSING ? 2 : 3;
    return (order << 16) | (u32)remaining;
}

#define AYA_FLOW_RANK_ESTABLISHED (3u << 16)

// The way that a new entry for (hash, service) takes: the one that this flow has already, live or expired,
// else the first to be evicted. NULL: only established flows there, and `may_evict_established` is 0. So a
// flood of first packets pushes out at most other first packets.
AYA_INLINE struct aya_flow_entry *aya_flow_place(struct aya_flow_set *set, u64 hash, u16 service, u16 now,
                                                 int may_evict_established, int *evicts)
{
    struct aya_flow_entry *victim = NULL;
    u32 lowest = ~0u;
    *evicts = 0;
    for (u32 i = 0; i < AYA_FLOW_WAYS; i++) {
        struct aya_flow_entry *entry = &set->way[i];
        if (aya_flow_matches(entry, hash, service))
            return entry;
        u32 rank = aya_flow_rank(entry, now);
        if (rank < lowest) {
            lowest = rank;
            victim = entry;
        }
    }
    if (lowest >= AYA_FLOW_RANK_ESTABLISHED && !may_evict_established)
        return NULL;
    *evicts = lowest != 0;
    return victim;
}

AYA_INLINE void aya_flow_write(struct aya_flow_entry *entry, u64 hash, u16 service, u32 backend,
                               u16 incarnation, u8 state, u16 expires)
{
    entry->tag = aya_flow_tag(hash);
    entry->service = service;
    entry->incarnation = incarnation;
    entry->backend = backend;
    entry->expires = expires;
    entry->state = state;
    entry->unused = 0;
}

// Frees the expired entries of one set; answers how many live ones it holds.
AYA_INLINE u32 aya_flow_sweep(struct aya_flow_set *set, u16 now)
{
    u32 live = 0;
    for (u32 i = 0; i < AYA_FLOW_WAYS; i++) {
        struct aya_flow_entry *entry = &set->way[i];
        if (entry->state == AYA_FLOW_FREE)
            continue;
        if (aya_flow_remaining(entry, now) > 0)
            live++;
        else
            entry->state = AYA_FLOW_FREE;
    }
    return live;
}

#endif
