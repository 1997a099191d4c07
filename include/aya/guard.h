// SPDX-License-Identifier: BSD-2-Clause
//
// Whom a service refuses: lists of sources, and limits.
//
//     every packet                    lists, packets per source, packets
//     a packet that begins a flow     and new flows per source, new flows
//
// It is asked before the packet's flow is followed. So whoever is put on a list is refused at once, open
// connections included, and a flood of new flows leaves the others alone. What a limit per source refuses
// takes no token of the service. Over a limit of new flows nothing is remembered, and the packet goes by the
// hash, where its later ones will find their backend again. Where the operator wants it to be refused, only
// that is what opens a flow: a SYN, or a datagram. Other packets of unknown connections are of a time before
// this box, or of another box.
//
// An ICMP error is judged by the client to whom the packet that it quotes went. A later fragment has no ports
// and so no service of its own; it is judged by that of its first one. An echo request belongs to no service
// and is not judged.
#ifndef AYA_GUARD_H
#define AYA_GUARD_H

#include "aya/flow_rules.h"
#include "aya/flow_table.h"
#include "aya/hash.h"
#include "aya/rate.h"
#include "aya/reasons.h"
#include "aya/refusals.h"
#include "aya/source_set.h"
#include "aya/tables.h"

// What the guard of a service is asked, and what it answers. 0: nothing is said against the packet.
enum aya_guard_words {
    AYA_GUARD_ASKS_FLOW = 1,    // the packet begins a flow
    AYA_GUARD_ASKS_OPENING = 2, // and opens it: a SYN or a datagram

    AYA_GUARD_REASON = 0xff,   // of an answer: enum aya_reason, and the packet is refused unless
    AYA_GUARD_COUNTED = 0x100, // it is only counted
    AYA_GUARD_FORGETS = 0x200, // or forwarded, but not remembered
};

// The hash that tells where a source has its buckets. Keyed, so that nobody can aim at another's.
AYA_INLINE u64 aya_source_hash(const struct aya_hash_key *key, const struct aya_guard *guard, u32 service_id,
                               const struct aya_flow *flow, u32 of_flows)
{
    const u32 whose = service_id << 1 | of_flows;
    if (AYA_LIKELY(flow->family == AYA_IPV4))
        return aya_hash_ipv4(key, flow->src[3].raw & ~guard->ignored_ipv4.raw, whose, 0, AYA_IPV4);
    be32 net[4];
    const be32 rest[4] = {{whose}, {0}, {0}, {0}};
    for (u32 i = 0; i < 4; i++)
        net[i].raw = flow->src[i].raw & ~guard->ignored_ipv6[i].raw;
    return aya_hash_ipv6(key, net, rest, 0, AYA_IPV6);
}

AYA_INLINE int aya_source_has_token(const struct aya_view *view, const struct aya_guard *guard,
                                    u32 service_id, const struct aya_flow *flow, u32 of_flows, u64 cost)
{
    if (!cost)
        return 1;
    const u64 hash = aya_source_hash(&aya_view_settings(view)->hash_key, guard, service_id, flow, of_flows);
    const u32 one = (u32)hash & (AYA_SOURCE_BUCKETS - 1);
    const u32 other = AYA_SOURCE_BUCKETS + ((u32)(hash >> 32) & (AYA_SOURCE_BUCKETS - 1));
    return aya_take_from_either(aya_view_source_bucket(view, one), aya_view_source_bucket(view, other),
                                aya_view_now_ns(view), cost);
}

AYA_INLINE int aya_is_on_list(const struct aya_view *view, const struct aya_guard *guard,
                              const struct aya_flow *flow)
{
    return guard->flags & AYA_GUARD_LISTS && aya_set_refuses(view, guard->sources, flow->family, flow->src);
}

// Takes a token for a packet, or for a new flow; answers which one there was not.
AYA_INLINE u32 aya_lacks_token(const struct aya_view *view, const struct aya_guard *guard, u32 service_id,
                               const struct aya_flow *flow, u32 of_flows)
{
    const u64 source_cost = of_flows ? guard->source_flow_cost : guard->source_packet_cost;
    if (!aya_source_has_token(view, guard, service_id, flow, of_flows, source_cost))
        return of_flows ? AYA_REASON_SOURCE_FLOW_LIMIT : AYA_REASON_SOURCE_PACKET_LIMIT;
    struct aya_buckets *buckets = aya_view_buckets(view, service_id);
    if (!buckets)
        return AYA_REASON_NONE;
    if (of_flows)
        return aya_take_from(&buckets->flows, aya_view_now_ns(view), guard->flow_cost)
                   ? AYA_REASON_NONE
                   : AYA_REASON_FLOW_LIMIT;
    return aya_take_from(&buckets->packets, aya_view_now_ns(view), guard->packet_cost)
               ? AYA_REASON_NONE
               : AYA_REASON_PACKET_LIMIT;
}

// What becomes of a packet for which there is this reason, which is noted. The packet path counts what is
// refused, as always; what is let in all the same is counted here.
AYA_INLINE u32 aya_answer_for(const struct aya_view *view, const struct aya_guard *guard, u32 service_id,
                              const struct aya_flow *flow, u32 asks, u32 reason)
{
    const int is_of_flows = reason == AYA_REASON_SOURCE_FLOW_LIMIT || reason == AYA_REASON_FLOW_LIMIT;
    u32 answer = reason;
    if (guard->flags & AYA_GUARD_COUNTS) {
        answer |= AYA_GUARD_COUNTED;
        aya_view_count(view, AYA_REASON_WOULD_REFUSE);
    } else if (is_of_flows && !(asks & AYA_GUARD_ASKS_OPENING && guard->flags & AYA_GUARD_REFUSES_FLOWS)) {
        answer |= AYA_GUARD_FORGETS;
        aya_view_count(view, AYA_REASON_FLOW_OVER_LIMIT);
    }
    aya_note_refusal(aya_view_refusals(view), aya_view_now_ns(view), flow, (u16)service_id, (u8)reason,
                     answer > AYA_GUARD_REASON);
    return answer;
}

// The guard's answer, out of line: services without lists and limits do not come here. The BPF program brings
// its own, of parts that the verifier follows once each.
#ifndef AYA_GUARD_DEFINED
AYA_COLD u32 aya_ask_guard(const struct aya_view *view, u32 service_id, const struct aya_flow *flow, u32 asks)
{
    const struct aya_guard *guard = aya_view_guard(view, service_id);
    if (AYA_UNLIKELY(!guard))
        return AYA_REASON_INTERNAL;
    u32 reason = AYA_REASON_DENIED;
    if (!aya_is_on_list(view, guard, flow))
        reason = aya_lacks_token(view, guard, service_id, flow, 0);
    if (reason == AYA_REASON_NONE && asks & AYA_GUARD_ASKS_FLOW)
        reason = aya_lacks_token(view, guard, service_id, flow, 1);
    return AYA_LIKELY(reason == AYA_REASON_NONE)
               ? 0
               : aya_answer_for(view, guard, service_id, flow, asks, reason);
}
#endif

// Words for what a packet does to flows, whose entry is `known`, or NULL. A SYN after a close or a long
// silence opens another connection, though not another entry (aya_starts_over). One that comes again does
// not.
AYA_INLINE u32 aya_begins(const struct aya_packet *packet, const struct aya_flow_entry *known, u16 now)
{
    const int opens = aya_opens(packet);
    if (packet->kind > AYA_KIND_FRAGMENT_FIRST || aya_closes(packet) ||
        (known && !(opens && (known->state == AYA_FLOW_CLOSING || aya_flow_remaining(known, now) <= 0))))
        return 0;
    return opens || packet->flow.protocol != AYA_PROTO_TCP ? AYA_GUARD_ASKS_FLOW | AYA_GUARD_ASKS_OPENING
                                                           : AYA_GUARD_ASKS_FLOW;
}

// The guard's answer about a packet of this service. `words`: those that count of what it does to flows.
AYA_INLINE u32 aya_ask_about(const struct aya_view *view, const struct aya_service *service, u16 service_id,
                             const struct aya_packet *packet, const struct aya_flow_entry *known, u16 now,
                             u32 words)
{
    u32 asked = service_id;
    if (AYA_UNLIKELY(packet->kind == AYA_KIND_FRAGMENT_LATER)) {
        const struct aya_backend *backend = known ? aya_view_backend(view, known->backend) : NULL;
        if (!backend || backend->incarnation != known->incarnation)
            return 0; // it is not sent anywhere
        asked = backend->service;
        service = aya_view_service(view, asked);
    }
    if (AYA_LIKELY(!service || !(service->flags & AYA_SERVICE_GUARDED)))
        return 0;
    return aya_ask_guard(view, asked, &packet->flow, aya_begins(packet, known, now) & words);
}

#endif
