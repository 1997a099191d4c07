// SPDX-License-Identifier: BSD-2-Clause
//
// The flow table: a set-associative cache like a CPU's. A hash names a set of four 16-byte ways, one cache
// line; every operation stays within that line. Each table has one writer (a worker's queue; in XDP one CPU
// at a time), so there are no atomics. A racing reader sees at worst an entry of another incarnation, which
// does not match.
//
// Time is in ticks: 2^30 ns of CLOCK_MONOTONIC (1.07 s; a shift where BPF would have to divide), modulo 2^16.
// An entry holds the tick at which it expires. Entries that expired long ago must be swept before 2^15 ticks
// pass (aya_flow_sweep), or they would look alive again. What entries are worth is in flow_rules.h.
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

enum aya_flow_mark {
    AYA_FLOW_PROVEN = 1,   // its packets came in more than one tick: it cost its sender time
    AYA_FLOW_COUNTED = 2,  // among its backend's live flows (flow_load.h)
    AYA_FLOW_BORROWED = 4, // a copy of another table's entry
    AYA_FLOW_NAMED = 8,    // its packets name the backend by a connection id (quic.h)
};

// Of one backend in one queue's flow table. Written by the table's owner.
struct aya_backend_load {
    u32 flows;
    u16 incarnation; // of the flows that count
    u16 unused;
};

struct aya_flow_entry {
    u32 tag; // hash bits that the set index does not use
    u16 service;
    u16 incarnation;
    u32 backend;
    u16 expires; // tick
    u8 state;    // enum aya_flow_state
    u8 marks;    // enum aya_flow_mark
};

struct aya_flow_set {
    AYA_ALIGNED(AYA_CACHE_LINE) struct aya_flow_entry way[AYA_FLOW_WAYS];
};

AYA_STATIC_ASSERT(sizeof(struct aya_flow_entry) == 16, "16 bytes per flow");
AYA_STATIC_ASSERT(sizeof(struct aya_backend_load) == 8, "table ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_flow_set) == AYA_CACHE_LINE, "one cache miss per look-up");

// `set_mask`: number of sets, a power of two, minus one.
AYA_INLINE u32 aya_flow_set_index(u64 hash, u32 set_mask)
{
    return (u32)hash & set_mask;
}

AYA_INLINE u32 aya_flow_tag(u64 hash)
{
    return (u32)(hash >> 32);
}

// Ticks until `entry` expires; negative or 0: it has expired.
AYA_INLINE int aya_flow_remaining(const struct aya_flow_entry *entry, u16 now)
{
    return (int16_t)(u16)(entry->expires - now);
}

AYA_INLINE int aya_flow_matches(const struct aya_flow_entry *entry, u64 hash, u16 service)
{
    return entry->tag == aya_flow_tag(hash) && entry->service == service && entry->state != AYA_FLOW_FREE;
}

// The way that holds this flow, or AYA_FLOW_WAYS; no flow has two. Without a single branch.
AYA_INLINE u32 aya_flow_way(const struct aya_flow_set *set, u64 hash, u16 service)
{
    u64 wanted = ((u64)service << 32) | aya_flow_tag(hash);
    u32 way = AYA_FLOW_WAYS;
    for (u32 i = 0; i < AYA_FLOW_WAYS; i++) {
        u64 tag_service;
        __builtin_memcpy(&tag_service, __builtin_assume_aligned(&set->way[i], 16), sizeof(tag_service));
        u64 differs = (tag_service ^ wanted) << 16 | ((u64)set->way[i].state - 1) >> 63;
        AYA_OPAQUE(differs);
        way -= (AYA_FLOW_WAYS - i) * (u32)(1 - ((differs | -differs) >> 63));
    }
    return way;
}

// The entry of this flow in its set, live or expired, or NULL. A flow of another service never matches.
AYA_INLINE struct aya_flow_entry *aya_flow_locate(struct aya_flow_set *set, u64 hash, u16 service)
{
    // Which way it is cannot be predicted, not even by the branch predictor. So it is computed, from the tags
    // alone in the two usual cases: the flow's tag occurs once, or never.
    u32 way = 0, same = 0;
    for (u32 i = 0; i < AYA_FLOW_WAYS; i++) {
        u64 differs = set->way[i].tag ^ aya_flow_tag(hash);
        AYA_OPAQUE(differs);
        u32 is_same = (u32)((differs - 1) >> 63);
        same += is_same;
        way += i * is_same;
    }
    struct aya_flow_entry *guess = &set->way[way & (AYA_FLOW_WAYS - 1)];
    if (AYA_LIKELY(aya_flow_matches(guess, hash, service)))
        return guess;
    way = AYA_LIKELY(same == 0) ? (u32)AYA_FLOW_WAYS : aya_flow_way(set, hash, service);
    AYA_OPAQUE(way); // or clang 14 makes one pointer sum of both cases, which the verifier refuses
    return way < AYA_FLOW_WAYS ? &set->way[way & (AYA_FLOW_WAYS - 1)] : NULL;
}

// Of four bits that are not all 0. Two bits of the constant for each of their values.
AYA_INLINE u32 aya_flow_lowest_bit(u32 bits)
{
    return (0x12131210u >> (bits & 15) * 2) & 3;
}

// A free way, or NULL.
AYA_INLINE struct aya_flow_entry *aya_flow_free_way(struct aya_flow_set *set)
{
    u32 free = 0; // a bit for each free way
    for (u32 i = 0; i < AYA_FLOW_WAYS; i++)
        free |= (u32)(((u64)set->way[i].state - 1) >> 63) << i;
    AYA_OPAQUE(free);
    return free ? &set->way[aya_flow_lowest_bit(free)] : NULL;
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
    entry->marks = 0;
}

// An expired entry is still the best guess at where its flow belongs, until another takes its place. A sweep
// therefore frees it only when it has been expired for this long (2.4 h), well before ticks wrap.
#define AYA_FLOW_KEEP 8192

// Frees what expired long ago in one set. Returns the number of live entries.
AYA_INLINE u32 aya_flow_sweep(struct aya_flow_set *set, u16 now)
{
    u32 live = 0;
    for (u32 i = 0; i < AYA_FLOW_WAYS; i++) {
        struct aya_flow_entry *entry = &set->way[i];
        int remaining = aya_flow_remaining(entry, now);
        if (entry->state == AYA_FLOW_FREE)
            continue;
        if (remaining > 0)
            live++;
        else if (remaining <= -AYA_FLOW_KEEP)
            entry->state = AYA_FLOW_FREE;
    }
    return live;
}

#endif
