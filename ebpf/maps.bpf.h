// SPDX-License-Identifier: BSD-2-Clause
//
// The contract's tables as BPF array maps, and the accessors that aya/view.h has for plain memory. A double
// table is in one map, slot 1 after slot 0. The control plane maps them (BPF_F_MMAPABLE) and writes them
// with the publisher's own code; sizes are the defaults of `Capacities` and are set again before loading.
#ifndef AYA_MAPS_BPF_H
#define AYA_MAPS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "aya/counters.h"
#include "aya/flow_table.h"
#include "aya/refusals.h"
#include "aya/tables.h"
#include "aya/types.h"
#include "aya/xdp_mode.h"

enum {
    AYA_USUAL_vips = 8192,
    AYA_USUAL_services = 1024,
    AYA_USUAL_backends = 65536,
};

// Set by the loader. Capacities are entries of one slot.
const volatile u32 vip_capacity = AYA_USUAL_vips;
const volatile u32 service_capacity = AYA_USUAL_services;
const volatile u32 backend_capacity = AYA_USUAL_backends;
const volatile u32 flow_set_mask = (1 << 15) - 1; // sets of one RX queue, less one
const volatile u32 queue_count = 1;
const volatile u32 by_processor = 0; // what is said of queues holds for processors
const volatile u32 port_index = 0;   // of the port that this instance of the program is attached to

#define AYA_TABLE(name, entry, entries)    \
    struct {                               \
        __uint(type, BPF_MAP_TYPE_ARRAY);  \
        __uint(map_flags, BPF_F_MMAPABLE); \
        __uint(max_entries, entries);      \
        __type(key, u32);                  \
        __type(value, entry);              \
    } name SEC(".maps")

// What every packet needs and no configuration resizes is global data: an address in the instruction, where a
// look-up takes a dozen of them. To the control plane it is a map of one entry.
#define AYA_GLOBAL(name) SEC(".data." #name)

// Written by the control plane, shared by all ports.
struct aya_control control AYA_GLOBAL(control);
struct aya_settings settings[2] AYA_GLOBAL(settings);
#define AYA_X(table, entry, per) AYA_TABLE(table, struct aya_##entry, 2 * AYA_USUAL_##per##s);
AYA_PACKET_TABLES(AYA_X)
#undef AYA_X
AYA_TABLE(lookup, struct aya_lookup_line, (64 << 20) / 16);

// Written here, by all queues of all ports.
AYA_TABLE(buckets, struct aya_buckets, AYA_USUAL_services);
AYA_TABLE(source_buckets, u64, 2 * AYA_SOURCE_BUCKETS);

// Written here, one range per queue.
AYA_TABLE(refusals, struct aya_refusals, 1);
AYA_TABLE(flows, struct aya_flow_set, 1 << 15);
AYA_TABLE(flow_loads, struct aya_backend_load, AYA_USUAL_backends);
struct aya_worker_totals totals[AYA_XDP_QUEUES] AYA_GLOBAL(totals);
AYA_TABLE(service_counters, struct aya_service_counters, AYA_USUAL_services);
AYA_TABLE(backend_counters, struct aya_backend_counters, AYA_USUAL_backends);

#define AYA_VIEW_DEFINED

struct aya_view {
    u32 slot;  // of the generation that is active for this packet
    u32 queue; // that the packet came in at
    const struct aya_settings *settings;
};

AYA_INLINE struct aya_view aya_view_active(u32 queue)
{
    struct aya_view view;
    view.queue = queue;
    view.slot = (u32)(*(const volatile u64 *)&control.generation) & 1; // BPF has no atomic load
    view.settings = &settings[view.slot];
    return view;
}

AYA_INLINE const struct aya_settings *aya_view_settings(const struct aya_view *view)
{
    return view->settings;
}

#define AYA_X(table, entry, per)                                                                  \
    AYA_INLINE const struct aya_##entry *aya_view_##entry(const struct aya_view *view, u32 index) \
    {                                                                                             \
        u32 key = view->slot * per##_capacity + index;                                            \
        return bpf_map_lookup_elem(&table, &key);                                                 \
    }
AYA_PACKET_TABLES(AYA_X)
#undef AYA_X

AYA_INLINE struct aya_service_counters *aya_view_own(const struct aya_view *view, u32 service)
{
    u32 key = view->queue * service_capacity + service;
    return bpf_map_lookup_elem(&service_counters, &key);
}

AYA_INLINE struct aya_backend_load *aya_view_load(const struct aya_view *view, u32 backend)
{
    u32 key = view->queue * backend_capacity + backend;
    return bpf_map_lookup_elem(&flow_loads, &key);
}

AYA_INLINE struct aya_buckets *aya_view_buckets(const struct aya_view *view __attribute__((unused)),
                                                u32 service)
{
    return bpf_map_lookup_elem(&buckets, &service);
}

AYA_INLINE u64 *aya_view_source_bucket(const struct aya_view *view __attribute__((unused)), u32 index)
{
    return bpf_map_lookup_elem(&source_buckets, &index);
}

AYA_INLINE struct aya_refusals *aya_view_refusals(const struct aya_view *view)
{
    return bpf_map_lookup_elem(&refusals, &view->queue);
}

AYA_INLINE const u32 *aya_view_lookup(const struct aya_view *view __attribute__((unused)), u32 index)
{
    u32 key = index / 16;
    const struct aya_lookup_line *line = bpf_map_lookup_elem(&lookup, &key);
    return line ? &line->backend[index % 16] : NULL;
}

AYA_INLINE const struct aya_lookup_line *aya_view_line(const struct aya_view *view __attribute__((unused)),
                                                       u32 index)
{
    return bpf_map_lookup_elem(&lookup, &index);
}

#endif
