// SPDX-License-Identifier: BSD-2-Clause
//
// How the decision reaches a table entry in plain memory: base and index. The BPF programs bring their own
// `struct aya_view` with the same accessors over map look-ups, and define AYA_VIEW_DEFINED.
//
// Every accessor returns NULL for an index outside its table, on both paths, because tables are another
// process's memory.
#ifndef AYA_VIEW_H
#define AYA_VIEW_H

#include "aya/counters.h"
#include "aya/flow_table.h"
#include "aya/refusals.h"
#include "aya/tables.h"

#define AYA_VIEW_DEFINED

// One generation of the tables, as one slot of the segment shows it.
struct aya_view {
    const struct aya_settings *settings;
#define AYA_X(table, entry, per) const struct aya_##entry *table;
    AYA_PACKET_TABLES(AYA_X)
#undef AYA_X
    const u32 *lookup;
    u32 vip_count;
    u32 service_count;
    u32 backend_count;
    u32 lookup_count;
    u32 own_count;
    struct aya_service_counters *own; // of the worker that reads: what schedulers draw from; NULL: nothing
    u32 load_count;
    struct aya_backend_load *loads; // of the queue that is read; NULL: nobody counts
    u32 bucket_count;
    struct aya_buckets *buckets;   // of all workers; NULL: nothing is limited
    u64 *source_buckets;           // the same: 2 * AYA_SOURCE_BUCKETS
    struct aya_refusals *refusals; // of the worker; NULL: none are noted
    u64 *reasons;                  // of the worker, by enum aya_reason: what guards count; NULL: nothing
    u64 now_ns;                    // of the clock that buckets go by
};

AYA_INLINE const struct aya_settings *aya_view_settings(const struct aya_view *view)
{
    return view->settings;
}

// aya_view_vip(), aya_view_service(), aya_view_backend(), ...
#define AYA_X(table, entry, per)                                                                  \
    AYA_INLINE const struct aya_##entry *aya_view_##entry(const struct aya_view *view, u32 index) \
    {                                                                                             \
        return AYA_LIKELY(index < view->per##_count) ? &view->table[index] : NULL;                \
    }
AYA_PACKET_TABLES(AYA_X)
#undef AYA_X

AYA_INLINE struct aya_service_counters *aya_view_own(const struct aya_view *view, u32 service)
{
    return AYA_LIKELY(service < view->own_count) ? &view->own[service] : NULL;
}

AYA_INLINE struct aya_backend_load *aya_view_load(const struct aya_view *view, u32 backend)
{
    return AYA_LIKELY(backend < view->load_count) ? &view->loads[backend] : NULL;
}

AYA_INLINE struct aya_buckets *aya_view_buckets(const struct aya_view *view, u32 service)
{
    return AYA_LIKELY(service < view->bucket_count) ? &view->buckets[service] : NULL;
}

AYA_INLINE u64 *aya_view_source_bucket(const struct aya_view *view, u32 index)
{
    return view->source_buckets ? &view->source_buckets[index & (2 * AYA_SOURCE_BUCKETS - 1)] : NULL;
}

AYA_INLINE struct aya_refusals *aya_view_refusals(const struct aya_view *view)
{
    return view->refusals;
}

AYA_INLINE void aya_view_count(const struct aya_view *view, enum aya_reason reason)
{
    if (view->reasons)
        view->reasons[reason]++;
}

AYA_INLINE u64 aya_view_now_ns(const struct aya_view *view)
{
    return view->now_ns;
}

AYA_INLINE const u32 *aya_view_lookup(const struct aya_view *view, u32 index)
{
    return AYA_LIKELY(index < view->lookup_count) ? &view->lookup[index] : NULL;
}

AYA_INLINE const struct aya_lookup_line *aya_view_line(const struct aya_view *view, u32 index)
{
    return AYA_LIKELY(index < view->lookup_count / 16)
               ? (const struct aya_lookup_line *)&view->lookup[16 * index]
               : NULL;
}

#endif
