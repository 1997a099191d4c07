// SPDX-License-Identifier: BSD-2-Clause
//
// The forwarding decision: a pure function of a parsed packet and the tables. In separate calls, so that a
// burst can prefetch between them:
//
//     aya_parse          bytes -> packet                                      flow.h
//     aya_classify       packet -> service, or a reason to punt, drop or reply
//     aya_flow_hash      the key of the flow table                            -> prefetch the set
//     aya_flow_locate    flow table -> entry                                  -> prefetch its backend
//     aya_choose         entry or lookup table -> verdict; remembers          -> prefetch the header
//     aya_encap          verdict -> bytes to the backend                      encap.h
//     aya_reply_*        verdict -> bytes to the client                       reply.h
#ifndef AYA_FORWARD_H
#define AYA_FORWARD_H

#include "aya/flow.h"
#include "aya/flow_table.h"
#include "aya/hash.h"
#include "aya/reasons.h"
#include "aya/tables.h"

#ifndef AYA_VIEW_DEFINED
#include "aya/view.h"
#endif

// What happened to the flow table beside the verdict; bit i counts reason FLOW_NEW + i.
enum aya_note {
    AYA_NOTE_NEW = 1 << 0,
    AYA_NOTE_PREVIOUS = 1 << 1,
    AYA_NOTE_RESCHEDULED = 1 << 2,
    AYA_NOTE_EVICTED = 1 << 3,
    AYA_NOTE_NOT_REMEMBERED = 1 << 4,
    AYA_NOTES = 5,
};

struct aya_verdict {
    u8 action; // enum aya_action
    u8 reason; // enum aya_reason
    u8 notes;  // enum aya_note bits
    u8 unused;
    u16 service;
    u16 unused2;
    u32 backend_id;
    u32 unused3;
    const struct aya_backend *backend; // chosen, or NULL
};

AYA_INLINE int aya_same_address(const be32 a[4], const be32 b[4])
{
    u64 a_words[2], b_words[2];
    __builtin_memcpy(a_words, __builtin_assume_aligned(a, 8), sizeof(a_words));
    __builtin_memcpy(b_words, __builtin_assume_aligned(b, 8), sizeof(b_words));
    return a_words[1] == b_words[1] && a_words[0] == b_words[0];
}

AYA_INLINE u32 aya_vip_search(const struct aya_view *view, const struct aya_settings *settings,
                              const be32 address[4], be16 port, u8 protocol)
{
    u32 at = aya_vip_hash(&settings->vip_key, address, port, protocol);
    for (u32 i = 0; i < AYA_VIP_PROBES; i++) {
        const struct aya_vip *vip = aya_view_vip(view, (at + i) & settings->vip_mask);
        if (!vip || vip->protocol == 0)
            break;
        if (aya_same_address(vip->address, address) && vip->port.raw == port.raw && vip->protocol == protocol)
            return vip->service;
    }
    return AYA_SERVICE_NONE;
}

// A source that no client can have: RFC 1122 3.2.1.3, RFC 4291 2.7, 2.5.2, 2.5.3 and 2.5.5. Answers and
// flows for it would go astray.
AYA_INLINE int aya_is_bad_source(const struct aya_flow *flow)
{
    if (AYA_LIKELY(flow->family == AYA_IPV4)) {
        u8 first = (u8)flow->src[3].raw;
        return (u8)(first - 1) >= 223 || first == 127; // 0 and 224 to 255, or loopback
    }
    return (flow->src[0].raw & 0xff) == 0xff ||
           (flow->src[0].raw == 0 && flow->src[1].raw == 0); // ::, ::1, and IPv4 addresses in disguise
}

// Finds the service of a parsed packet. NONE: `*service_id` is set and the packet goes on to aya_choose.
AYA_INLINE enum aya_reason aya_classify(const struct aya_view *view, const struct aya_packet *packet,
                                        u16 *service_id)
{
    const struct aya_settings *settings = aya_view_settings(view);
    const struct aya_flow *flow = &packet->flow;
    const be16 any = {0};
    u32 service;
    if (AYA_UNLIKELY(packet->kind == AYA_KIND_ICMP_ECHO || packet->kind == AYA_KIND_FRAGMENT_LATER)) {
        service = aya_vip_search(view, settings, flow->dst, any, AYA_PROTO_ICMP);
    } else {
        service = aya_vip_search(view, settings, flow->dst, flow->dst_port, flow->protocol);
        if (service == AYA_SERVICE_NONE && settings->any_port)
            service = aya_vip_search(view, settings, flow->dst, any, flow->protocol);
    }
    if (service == AYA_SERVICE_NONE)
        return AYA_REASON_PUNT_NO_VIP;
    if (AYA_UNLIKELY(aya_is_bad_source(flow)))
        return AYA_REASON_BAD_ADDRESS;
    *service_id = (u16)service;
    return packet->kind == AYA_KIND_ICMP_ECHO ? AYA_REASON_REPLY_ECHO : AYA_REASON_NONE;
}

// The key of the flow table: the 5-tuple, whatever the service picks by, so that an open connection keeps its
// backend under every scheduler. Later fragments have no ports and are known by their packet's id.
AYA_INLINE u64 aya_flow_hash(const struct aya_settings *settings, const struct aya_packet *packet)
{
    if (AYA_UNLIKELY(packet->kind == AYA_KIND_FRAGMENT_LATER))
        return aya_hash_fragment(&settings->hash_key, packet);
    return aya_hash(&settings->hash_key, &packet->flow);
}

// The service that a packet's flow entry carries.
AYA_INLINE u16 aya_flow_service(const struct aya_packet *packet, u16 service_id)
{
    return packet->kind == AYA_KIND_FRAGMENT_LATER ? (u16)AYA_SERVICE_FRAGMENT : service_id;
}

// The hash that the scheduler picks by.
AYA_INLINE u64 aya_pick_hash(const struct aya_settings *settings, const struct aya_service *service,
                             const struct aya_packet *packet, u64 flow_hash)
{
    if (AYA_UNLIKELY(service->flags & AYA_SERVICE_AFFINITY_SOURCE))
        return aya_hash_source(&settings->hash_key, &packet->flow);
    return flow_hash;
}

// A TCP segment that opens a connection.
AYA_INLINE int aya_opens(const struct aya_packet *packet)
{
    return (packet->tcp_flags & (AYA_TCP_SYN | AYA_TCP_ACK | AYA_TCP_RST | AYA_TCP_FIN)) == AYA_TCP_SYN;
}

AYA_INLINE int aya_is_alive(const struct aya_backend *backend)
{
    return backend && backend->state >= AYA_BACKEND_DRAINING;
}

// State of an entry in `state` after one more packet.
AYA_INLINE u8 aya_next_flow_state(u8 state, const struct aya_packet *packet)
{
    if (packet->flow.protocol != AYA_PROTO_TCP)
        return AYA_FLOW_DATAGRAM;
    if (packet->tcp_flags & (AYA_TCP_FIN | AYA_TCP_RST))
        return AYA_FLOW_CLOSING;
    if (state == AYA_FLOW_EMBRYONIC && !aya_opens(packet))
        return AYA_FLOW_ESTABLISHED;
    return state;
}

// A flow entry was hit. Writes only what differs: within one tick a busy flow's line stays clean.
AYA_INLINE void aya_touch(struct aya_flow_entry *entry, const struct aya_service *service,
                          const struct aya_packet *packet, u16 now)
{
    if (AYA_UNLIKELY(packet->kind > AYA_KIND_FRAGMENT_FIRST))
        return;
    u8 state = aya_next_flow_state(entry->state, packet);
    u16 expires = (u16)(now + service->idle_timeout[state & (AYA_FLOW_STATES - 1)]);
    if (state != entry->state)
        entry->state = state;
    if (expires != entry->expires)
        entry->expires = expires;
}

// The backend that a lookup table names for this pick hash, or NULL.
AYA_INLINE const struct aya_backend *aya_lookup(const struct aya_view *view, u32 offset, u32 size, u64 pick,
                                                u32 *id)
{
    const u32 *slot = aya_view_lookup(view, offset + aya_slot(pick, size));
    if (!slot)
        return NULL;
    *id = *slot;
    return aya_view_backend(view, *slot);
}

// Schedules a packet without a usable flow entry. A TCP packet of a connection that this box has not seen
// goes to the backend of the previous table while that one lives: its connection is older than the change.
AYA_INLINE const struct aya_backend *aya_schedule(const struct aya_view *view,
                                                  const struct aya_service *service, u16 service_id, u64 pick,
                                                  int ask_previous, struct aya_verdict *verdict)
{
    const struct aya_backend *backend;
    if (ask_previous && service->previous_size) {
        backend =
            aya_lookup(view, service->previous_offset, service->previous_size, pick, &verdict->backend_id);
        if (aya_is_alive(backend) && backend->service == service_id) {
            verdict->notes |= AYA_NOTE_PREVIOUS;
            return backend;
        }
    }
    if (service->lookup_size == 0)
        return NULL;
    backend = aya_lookup(view, service->lookup_offset, service->lookup_size, pick, &verdict->backend_id);
    return aya_is_alive(backend) ? backend : NULL;
}

// `entry`: that which the flow has already, live or expired, or NULL.
AYA_INLINE void aya_remember(struct aya_flow_set *set, u64 hash, struct aya_flow_entry *entry,
                             u16 key_service, const struct aya_service *service,
                             const struct aya_packet *packet, u16 now, struct aya_verdict *verdict)
{
    int evicts = 0;
    if (!entry) {
        int is_tcp = packet->flow.protocol == AYA_PROTO_TCP;
        entry = aya_flow_victim(set, now, is_tcp && !aya_opens(packet), &evicts);
    }
    if (!entry) {
        verdict->notes |= AYA_NOTE_NOT_REMEMBERED;
        return;
    }
    u8 state = packet->tcp_flags & (AYA_TCP_FIN | AYA_TCP_RST) ? AYA_FLOW_CLOSING : AYA_FLOW_EMBRYONIC;
    aya_flow_write(entry, hash, key_service, verdict->backend_id, verdict->backend->incarnation, state,
                   (u16)(now + service->idle_timeout[state]));
    verdict->notes |= (u8)(AYA_NOTE_NEW | (evicts ? AYA_NOTE_EVICTED : 0));
}

// What stands in the way of sending `packet` to `backend`. No ICMP error about an ICMP error or a later
// fragment: RFC 1122 3.2.2.
AYA_INLINE enum aya_reason aya_check_fit(const struct aya_packet *packet, const struct aya_backend *backend)
{
    if (AYA_LIKELY(packet->ttl > 1 && packet->l3_length <= backend->mtu &&
                   backend->egress_port != AYA_PORT_NONE))
        return AYA_REASON_NONE;
    int may_reply = packet->kind <= AYA_KIND_FRAGMENT_FIRST;
    if (backend->egress_port == AYA_PORT_NONE)
        return AYA_REASON_BACKEND_UNREACHABLE;
    if (packet->ttl <= 1)
        return may_reply ? AYA_REASON_REPLY_TIME_EXCEEDED : AYA_REASON_TTL_EXPIRED;
    return may_reply ? AYA_REASON_REPLY_TOO_BIG : AYA_REASON_TOO_BIG;
}

AYA_INLINE void aya_settle(struct aya_verdict *verdict, enum aya_reason reason)
{
    verdict->reason = (u8)reason;
    verdict->action = (u8)aya_action_of(reason);
}

AYA_INLINE void aya_refuse(struct aya_verdict *verdict, enum aya_reason reason)
{
    verdict->notes = 0;
    verdict->backend_id = AYA_BACKEND_NONE;
    verdict->backend = NULL;
    aya_settle(verdict, reason);
}

// Steps 5 to 7 of the decision for a packet that aya_classify gave to `service_id`. `known` is what
// aya_flow_locate answers for (hash, aya_flow_service) in `set`; `now` is the tick. With set NULL nothing is
// remembered.
AYA_INLINE void aya_decide(const struct aya_view *view, const struct aya_packet *packet, u16 service_id,
                           u64 hash, struct aya_flow_set *set, struct aya_flow_entry *known, u16 now,
                           struct aya_verdict *verdict)
{
    const struct aya_service *service = aya_view_service(view, service_id);
    verdict->notes = 0;
    verdict->service = service_id;
    if (AYA_UNLIKELY(!service)) {
        aya_refuse(verdict, AYA_REASON_INTERNAL);
        return;
    }
    struct aya_flow_entry *entry = known && aya_flow_remaining(known, now) > 0 ? known : NULL;
    int opens = aya_opens(packet);
    if (AYA_LIKELY(entry && !(opens && entry->state != AYA_FLOW_EMBRYONIC))) {
        const struct aya_backend *remembered = aya_view_backend(view, entry->backend);
        if (AYA_LIKELY(aya_is_alive(remembered) && remembered->incarnation == entry->incarnation)) {
            verdict->backend_id = entry->backend;
            verdict->backend = remembered;
            verdict->service = remembered->service;
            aya_touch(entry, service, packet, now);
            aya_settle(verdict, aya_check_fit(packet, remembered));
            return;
        }
        verdict->notes = AYA_NOTE_RESCHEDULED;
    }
    const struct aya_settings *settings = aya_view_settings(view);
    if (AYA_UNLIKELY(packet->kind == AYA_KIND_FRAGMENT_LATER)) {
        aya_refuse(verdict, AYA_REASON_FRAGMENT);
        return;
    }
    u64 pick = aya_pick_hash(settings, service, packet, hash);
    int ask_previous = !entry && !opens && packet->flow.protocol == AYA_PROTO_TCP;
    verdict->backend = aya_schedule(view, service, service_id, pick, ask_previous, verdict);
    if (AYA_UNLIKELY(!verdict->backend)) {
        aya_refuse(verdict, AYA_REASON_NO_BACKEND);
        return;
    }
    if (set && !(service->flags & AYA_SERVICE_STATELESS) && packet->kind <= AYA_KIND_FRAGMENT_FIRST)
        aya_remember(set, hash, known, service_id, service, packet, now, verdict);
    aya_settle(verdict, aya_check_fit(packet, verdict->backend));
}

// The same for a burst, where `entry` was looked up before other packets were decided: one of them may have
// put this flow into the table, or another one in its place.
AYA_INLINE void aya_choose(const struct aya_view *view, const struct aya_packet *packet, u16 service_id,
                           u64 hash, struct aya_flow_set *set, struct aya_flow_entry *entry, u16 now,
                           struct aya_verdict *verdict)
{
    u16 key_service = aya_flow_service(packet, service_id);
    if (AYA_UNLIKELY(set && !(entry && aya_flow_matches(entry, hash, key_service))))
        entry = aya_flow_locate(set, hash, key_service);
    aya_decide(view, packet, service_id, hash, set, entry, now, verdict);
}

// After a FORWARD verdict on a first fragment: the later ones shall follow. `set` is that of
// aya_hash_fragment(), `hash` the same.
AYA_INLINE void aya_remember_fragment(const struct aya_view *view, struct aya_flow_set *set, u64 hash,
                                      u16 now, const struct aya_verdict *verdict)
{
    const struct aya_service *service = aya_view_service(view, verdict->service);
    int evicts;
    struct aya_flow_entry *entry = aya_flow_place(set, hash, AYA_SERVICE_FRAGMENT, now, 0, &evicts);
    if (service && entry)
        aya_flow_write(entry, hash, AYA_SERVICE_FRAGMENT, verdict->backend_id, verdict->backend->incarnation,
                       AYA_FLOW_EMBRYONIC, (u16)(now + service->idle_timeout[AYA_FLOW_EMBRYONIC]));
}

#endif
