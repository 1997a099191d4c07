// SPDX-License-Identifier: BSD-2-Clause
//
// How the decision reaches a table entry in plain memory: base and index. The BPF programs bring their own
// `struct aya_view` with the same accessors over map look-ups, and define AYA_VIEW_DEFINED.
//
// Every accessor returns NULL for an index outside its table, on both paths, because tables are another
// process's memory.
#ifndef AYA_VIEW_H
#define AYA_VIEW_H

#include "aya/tables.h"

#define AYA_VIEW_DEFINED

// One generation of the tables, as one slot of the segment shows it.
struct aya_view {
    const struct aya_settings *settings;
    const struct aya_vip *vips;
    const struct aya_service *services;
    const struct aya_backend *backends;
    const struct aya_tunnel *tunnels; // as many as backends
    const u32 *lookup;
    u32 vip_count;
    u32 service_count;
    u32 backend_count;
    u32 lookup_count;
};

AYA_INLINE const struct aya_settings *aya_view_settings(const struct aya_view *view)
{
    return view->settings;
}

AYA_INLINE const struct aya_vip *aya_view_vip(const struct aya_view *view, u32 index)
{
    return AYA_LIKELY(index < view->vip_count) ? &view->vips[index] : NULL;
}

AYA_INLINE const struct aya_service *aya_view_service(const struct aya_view *view, u32 id)
{
    return AYA_LIKELY(id < view->service_count) ? &view->services[id] : NULL;
}

AYA_INLINE const struct aya_backend *aya_view_backend(const struct aya_view *view, u32 id)
{
    return AYA_LIKELY(id < view->backend_count) ? &view->backends[id] : NULL;
}

AYA_INLINE const struct aya_tunnel *aya_view_tunnel(const struct aya_view *view, u32 backend_id)
{
    return AYA_LIKELY(backend_id < view->backend_count) ? &view->tunnels[backend_id] : NULL;
}

AYA_INLINE const u32 *aya_view_lookup(const struct aya_view *view, u32 index)
{
    return AYA_LIKELY(index < view->lookup_count) ? &view->lookup[index] : NULL;
}

#endif
