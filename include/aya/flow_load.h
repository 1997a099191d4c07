// SPDX-License-Identifier: BSD-2-Clause
//
// How many live flows each backend has in the flow table of one queue, for the scheduler least-connections.
// Queues see equal shares of the traffic, so the numbers of each suffice.
//
// A flow counts from its second packet, which only comes if the backend has answered the first (or for UDP,
// if the client goes on), until a FIN, an RST or too long a silence. So half-open connections never count. A
// mark in the entry says that it is counted: whatever happens to an entry, it is taken off once. The number
// of a backend is that of its marked entries, always.
#ifndef AYA_FLOW_LOAD_H
#define AYA_FLOW_LOAD_H

#include "aya/flow_table.h"
#include "aya/tables.h"
#include "aya/types.h"

#ifndef AYA_VIEW_DEFINED
#include "aya/view.h"
#endif

AYA_INLINE int aya_is_counted(const struct aya_flow_entry *entry)
{
    return (entry->marks & (AYA_FLOW_COUNTED | AYA_FLOW_BORROWED)) == AYA_FLOW_COUNTED;
}

// A flow of a later incarnation starts the count again: those counted so far went to another backend.
AYA_INLINE void aya_load_add(struct aya_backend_load *load, const struct aya_flow_entry *entry)
{
    const int later = (int16_t)(u16)(entry->incarnation - load->incarnation);
    if (load->flows == 0 || later > 0) {
        load->incarnation = entry->incarnation;
        load->flows = 1;
    } else if (later == 0) {
        aya_add_u32(&load->flows, 1);
    }
}

// Atomic, because the control plane sweeps the tables of the XDP program.
AYA_INLINE void aya_load_take(struct aya_backend_load *load, const struct aya_flow_entry *entry)
{
    if (load->incarnation == entry->incarnation && load->flows != 0)
        aya_add_u32(&load->flows, (u32)-1);
}

// From now on the entry counts, or does not.
AYA_INLINE void aya_load_set(struct aya_backend_load *load, struct aya_flow_entry *entry, int counts)
{
    if (!load || entry->marks & AYA_FLOW_BORROWED || counts == !!(entry->marks & AYA_FLOW_COUNTED))
        return;
    if (counts)
        aya_load_add(load, entry);
    else
        aya_load_take(load, entry);
    entry->marks ^= AYA_FLOW_COUNTED;
}

// The same out of line: packets that begin or end a flow come here, and once a second those between. The BPF
// program brings its own.
#ifndef AYA_LOAD_DEFINED
AYA_COLD void aya_count_flow(const struct aya_view *view, struct aya_flow_entry *entry, int counts)
{
    aya_load_set(aya_view_load(view, entry->backend), entry, counts);
}
#endif

// Before another flow takes the entry's place.
AYA_INLINE void aya_let_go(const struct aya_view *view, struct aya_flow_entry *entry)
{
    if (AYA_UNLIKELY(aya_is_counted(entry)))
        aya_count_flow(view, entry, 0);
}

// Sweeps a set, and takes off what has expired. `loads` are of as many backends as the tables have.
AYA_INLINE u32 aya_sweep_counted(struct aya_backend_load *loads, u32 load_count, struct aya_flow_set *set,
                                 u16 now)
{
    for (u32 i = 0; i < AYA_FLOW_WAYS; i++) {
        struct aya_flow_entry *entry = &set->way[i];
        if (aya_is_counted(entry) && aya_flow_remaining(entry, now) <= 0 && entry->backend < load_count)
            aya_load_set(&loads[entry->backend], entry, 0);
    }
    return aya_flow_sweep(set, now);
}

// Live flows of a backend in this queue.
AYA_INLINE u32 aya_flows_of(const struct aya_view *view, u32 backend_id, const struct aya_backend *backend)
{
    const struct aya_backend_load *load = aya_view_load(view, backend_id);
    return load && load->incarnation == backend->incarnation ? load->flows : 0;
}

#endif
