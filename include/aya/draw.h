// SPDX-License-Identifier: BSD-2-Clause
//
// Schedulers that do not go by the flow's hash: they draw a number, with which the service's lookup table is
// asked instead. So weights hold whatever the number comes from.
//
//     random                 the number is random
//     weighted-round-robin   it counts through the slots, whose order is that of the turns
//     least-connections      the hash or its other half, whichever names the backend with fewer flows per weight
//
// The hash does not find such a backend again, and no other box knows of it: the flow's entry is the only
// record. So a backend is drawn for a packet that opens a flow, and only when there is a place for the entry.
// All other packets of unknown flows go by the hash, as under maglev, and so do the later packets of a flow
// that found no place. For datagrams nothing tells the first of a flow from the others: such a flow is drawn
// for later, when a place becomes free. A first fragment does not draw either: it may come to another queue
// than the rest of its flow, which would then be in two places.
#ifndef AYA_DRAW_H
#define AYA_DRAW_H

#include "aya/counters.h"
#include "aya/flow.h"
#include "aya/flow_rules.h"
#include "aya/hash.h"
#include "aya/tables.h"

#ifndef AYA_VIEW_DEFINED
#include "aya/view.h"
#endif

// Whether the packet opens a flow, as far as one can tell: any datagram of an unknown flow may be its first.
AYA_INLINE int aya_may_draw(const struct aya_service *service, const struct aya_packet *packet)
{
    return (service->flags & AYA_SERVICE_DRAWS) && !(service->flags & AYA_SERVICE_STATELESS) &&
           packet->kind == AYA_KIND_DATA && (packet->flow.protocol != AYA_PROTO_TCP || aya_opens(packet));
}

// What picks slot `turn` modulo `size`: its middle, so that the rounding does not matter. Good for 2^43
// turns.
AYA_INLINE u64 aya_pick_of_turn(u64 turn, u32 size)
{
    const u64 step = ~0ull / size;
    return turn * step + step / 2;
}

// Of two backends, because the one with the fewest flows of all would get every flow until it has as many as
// the others. So a new backend gets at most twice its part.
AYA_INLINE u64 aya_pick_lighter(const struct aya_view *view, const struct aya_service *service,
                                u16 service_id, u64 pick)
{
    const u64 other_pick = pick << 32 | pick >> 32;
    u32 id = AYA_BACKEND_NONE, other_id = AYA_BACKEND_NONE;
    const struct aya_backend *one =
        aya_lookup(view, service->lookup_offset, service->lookup_size, pick, service_id, &id);
    const struct aya_backend *other =
        aya_lookup(view, service->lookup_offset, service->lookup_size, other_pick, service_id, &other_id);
    if (!one || !other)
        return one ? pick : other_pick;
    const struct aya_tunnel *of_one = aya_view_tunnel(view, id), *of_other = aya_view_tunnel(view, other_id);
    if (!of_one || !of_other)
        return pick;
    const u64 load = (u64)aya_flows_of(view, id, one) * of_other->weight;
    const u64 other_load = (u64)aya_flows_of(view, other_id, other) * of_one->weight;
    return load <= other_load ? pick : other_pick;
}

// `pick`: the flow's hash. What a worker draws is its own: workers share nothing that is written. Each begins
// somewhere else, so that they do not choose in step.
AYA_INLINE u64 aya_draw_from(const struct aya_view *view, u16 service_id, u64 pick)
{
    const struct aya_service *service = aya_view_service(view, service_id);
    struct aya_service_counters *own = aya_view_own(view, service_id);
    if (!service || !own)
        return pick;
    if (service->flags & AYA_SERVICE_LEAST_FLOWS)
        return aya_pick_lighter(view, service, service_id, pick);
    if (own->turn == 0)
        own->turn = pick >> 32;
    const u64 turn = own->turn++;
    if (service->flags & AYA_SERVICE_IN_TURN)
        return service->lookup_size ? aya_pick_of_turn(turn, service->lookup_size) : pick;
    u64 state = pick + turn;
    return aya_splitmix64(&state);
}

// The same out of line; the hash itself if there is nothing to draw from. The BPF program brings its own,
// which the verifier follows once.
#ifndef AYA_DRAW_DEFINED
AYA_COLD u64 aya_draw(const struct aya_view *view, u16 service_id, u64 pick)
{
    return aya_draw_from(view, service_id, pick);
}
#endif

#endif
