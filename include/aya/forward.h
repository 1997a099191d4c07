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
//     aya_choose_by_id   instead, where a connection id may name the backend  quic.h
//     aya_encap          verdict -> bytes to the backend                      encap.h
//     aya_reply_*        verdict -> bytes to the client                       reply.h
#ifndef AYA_FORWARD_H
#define AYA_FORWARD_H

#include "aya/draw.h"
#include "aya/flow.h"
#include "aya/flow_rules.h"
#include "aya/flow_table.h"
#include "aya/guard.h"
#include "aya/hash.h"
#include "aya/reasons.h"
#include "aya/tables.h"
#include "aya/vips.h"

#ifndef AYA_VIEW_DEFINED
#include "aya/view.h"
#endif

// What there is to say in addition to the verdict, of the flow table above all; bit i counts reason FLOW_NEW
// + i.
enum aya_note {
    AYA_NOTE_NEW = 1 << 0,
    AYA_NOTE_PREVIOUS = 1 << 1,
    AYA_NOTE_RESCHEDULED = 1 << 2,
    AYA_NOTE_EVICTED = 1 << 3,
    AYA_NOTE_NOT_REMEMBERED = 1 << 4,
    AYA_NOTE_QUIC_BY_ID = 1 << 5,
    AYA_NOTE_QUIC_NO_CONFIG = 1 << 6,
    AYA_NOTE_QUIC_NO_SERVER = 1 << 7,
    AYA_NOTES = 8,
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

// A source that no client can have: RFC 1122 3.2.1.3, RFC 4291 2.7, 2.5.2, 2.5.3 and 2.5.5. Answers and
// flows for it would be misdirected.
AYA_INLINE int aya_is_bad_source_ipv4(be32 src)
{
    u8 first = (u8)src.raw;
    return (u8)(first - 1) >= 223 || first == 127; // 0 and 224 to 255, or loopback
}

AYA_INLINE int aya_is_bad_source_ipv6(const be32 src[4])
{
    return (src[0].raw & 0xff) == 0xff ||
           (src[0].raw == 0 && src[1].raw == 0); // ::, ::1, and embedded IPv4 addresses
}

AYA_INLINE int aya_is_bad_source(const struct aya_flow *flow)
{
    return AYA_LIKELY(flow->family == AYA_IPV4) ? aya_is_bad_source_ipv4(flow->src[3])
                                                : aya_is_bad_source_ipv6(flow->src);
}

// What becomes of a packet that no service takes, for this reason. To a VIP's address it is the kernel's only
// if the kernel has the address itself: one that has not would route the packet, most likely back to where it
// came from, and it would go round until its TTL is used up.
AYA_INLINE enum aya_reason aya_unserved(const struct aya_view *view, const struct aya_flow *flow,
                                        enum aya_reason reason)
{
    u32 address = aya_destination(view, flow);
    return address == AYA_SERVICE_NONE || address & AYA_ADDRESS_LOCAL ? reason : AYA_REASON_UNSERVED;
}

// What becomes of a packet with its ports, for which no VIP was found.
AYA_INLINE enum aya_reason aya_no_vip(const struct aya_view *view, const struct aya_settings *settings,
                                      const struct aya_packet *packet)
{
    enum aya_reason reason = aya_unserved(view, &packet->flow, AYA_REASON_PUNT_NO_VIP);
    int resets = settings->resets && packet->kind == AYA_KIND_DATA && aya_opens(packet);
    if (AYA_LIKELY(!resets) || reason != AYA_REASON_UNSERVED || aya_is_bad_source(&packet->flow))
        return reason;
    return AYA_REASON_REPLY_RESET;
}

// The last word on a packet that aya_parse gave to the kernel, where its address has a say.
AYA_INLINE enum aya_reason aya_punt_reason(const struct aya_view *view, const struct aya_packet *packet,
                                           enum aya_reason reason)
{
    if (reason == AYA_REASON_PUNT_PROTOCOL || reason == AYA_REASON_PUNT_ICMP)
        return aya_unserved(view, &packet->flow, reason);
    return reason;
}

// Finds the service of a parsed packet. NONE: `*service_id` is set and the packet goes on to aya_choose.
AYA_INLINE enum aya_reason aya_classify(const struct aya_view *view, const struct aya_packet *packet,
                                        u16 *service_id)
{
    const struct aya_settings *settings = aya_view_settings(view);
    const struct aya_flow *flow = &packet->flow;
    u32 service;
    if (AYA_UNLIKELY(packet->kind == AYA_KIND_ICMP_ECHO || packet->kind == AYA_KIND_FRAGMENT_LATER)) {
        service = aya_destination(view, flow);
        if (service == AYA_SERVICE_NONE)
            return AYA_REASON_PUNT_NO_VIP;
    } else {
        service = aya_service_search(view, settings, flow->dst, flow->dst_port, flow->protocol);
        if (service == AYA_SERVICE_NONE)
            return aya_no_vip(view, settings, packet);
    }
    if (AYA_UNLIKELY(aya_is_bad_source(flow)))
        return AYA_REASON_BAD_ADDRESS;
    *service_id = (u16)service;
    return packet->kind == AYA_KIND_ICMP_ECHO ? AYA_REASON_REPLY_ECHO : AYA_REASON_NONE;
}

// The key of the flow table: the 5-tuple, whatever the scheduler uses, so that an open connection keeps its
// backend under every scheduler. Later fragments have no ports and are identified by their packet's id.
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

// The hash that the scheduler uses.
AYA_INLINE u64 aya_pick_hash(const struct aya_settings *settings, const struct aya_service *service,
                             const struct aya_packet *packet, u64 flow_hash)
{
    if (AYA_LIKELY(!(service->flags & AYA_SERVICE_AFFINITY_SOURCE)))
        return flow_hash;
    const struct aya_flow *flow = &packet->flow;
    be32 prefix[4];
    for (u32 i = 0; i < 4; i++)
        prefix[i].raw = flow->src[i].raw & ~service->source_ignored_ipv6[i].raw;
    if (flow->family == AYA_IPV4)
        prefix[3].raw = flow->src[3].raw & ~service->source_ignored_ipv4.raw;
    return aya_hash_source(&settings->hash_key, flow, prefix);
}

// What prevents sending `packet` to `backend`, or NONE. No ICMP error about an ICMP error or a later
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
    if (packet->flow.family == AYA_IPV6 && packet->l3_length <= AYA_IPV6_MIN_MTU)
        return AYA_REASON_BELOW_IPV6_MINIMUM;
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

// A packet of a known flow that is not the usual one: whether it goes to the backend that its entry names.
// `*owner`: service of the entry's backend.
AYA_INLINE int aya_goes_on(const struct aya_packet *packet, const struct aya_flow_entry *entry,
                           const struct aya_backend *remembered, u16 now, u16 *owner, u8 *notes)
{
    if (AYA_UNLIKELY(packet->kind == AYA_KIND_FRAGMENT_LATER)) {
        // It does not name its service, and packet ids repeat soon, so that only a fresh entry
        // counts.
        if (!remembered || aya_flow_remaining(entry, now) <= 0)
            return 0;
        *owner = remembered->service;
    }
    if (AYA_UNLIKELY(!aya_is_same_backend(remembered, entry, *owner))) {
        *notes = aya_flow_remaining(entry, now) > 0 ? AYA_NOTE_RESCHEDULED : 0;
        return 0;
    }
    return !aya_starts_over(entry, remembered, packet, now);
}

// A known flow: true if the packet goes to the backend that its entry names.
AYA_INLINE int aya_follow(const struct aya_view *view, const struct aya_service *service, u16 service_id,
                          const struct aya_packet *packet, struct aya_flow_entry *entry,
                          const struct aya_backend *remembered, u16 now, struct aya_verdict *verdict)
{
    u16 owner = service_id;
    if (AYA_UNLIKELY(!aya_is_plain(packet) || !aya_is_up(remembered, entry)) &&
        !aya_goes_on(packet, entry, remembered, now, &owner, &verdict->notes))
        return 0;
    verdict->backend_id = entry->backend;
    verdict->backend = remembered;
    verdict->service = owner;
    enum aya_reason reason = aya_check_fit(packet, remembered);
    if (AYA_LIKELY(reason == AYA_REASON_NONE)) // what is not forwarded proves nothing
        aya_touch(view, entry, service, packet, now);
    aya_settle(verdict, reason);
    return 1;
}

// Schedules a packet of a flow without an entry. A TCP packet of a connection that this box has not seen goes
// to the backend of the previous table while that one lives: its connection is older than the change.
AYA_INLINE void aya_schedule(const struct aya_view *view, const struct aya_service *service, u16 service_id,
                             u64 pick, int asks_previous, struct aya_verdict *verdict)
{
    verdict->backend = NULL;
    if (asks_previous) {
        verdict->backend = aya_lookup(view, service->previous_offset, service->previous_size, pick,
                                      service_id, &verdict->backend_id);
        if (verdict->backend) {
            verdict->notes |= AYA_NOTE_PREVIOUS;
            return;
        }
    }
    verdict->backend = aya_lookup(view, service->lookup_offset, service->lookup_size, pick, service_id,
                                  &verdict->backend_id);
}

// Whether there is anything to remember: not of a packet that ends a flow which is not there, or that has no
// transport header. Nor of a first fragment, if backends are drawn: see draw.h.
AYA_INLINE int aya_is_claim(const struct aya_service *service, const struct aya_packet *packet)
{
    const u8 last_kind = service->flags & AYA_SERVICE_DRAWS ? AYA_KIND_DATA : AYA_KIND_FRAGMENT_FIRST;
    return !(service->flags & AYA_SERVICE_STATELESS) && packet->kind <= last_kind && !aya_closes(packet);
}

// aya_flow_yielding_way out of line: few packets come here, and they cost the others nothing. The BPF program
// brings its own, which the verifier follows once instead of once for each way that leads to it.
#ifndef AYA_FLOW_ROOM_DEFINED
AYA_COLD u32 aya_flow_room(const struct aya_view *view, const struct aya_flow_set *set, u16 now, int needs)
{
    return aya_flow_yielding_way(view, set, now, needs);
}
#endif

// The entry of a full set that yields to a new flow, or NULL. `needs`: see aya_flow_yielding_way.
AYA_INLINE struct aya_flow_entry *aya_make_place(const struct aya_view *view, struct aya_flow_set *set,
                                                 u16 now, int needs, u8 *notes)
{
    const u32 way = aya_flow_room(view, set, now, needs);
    if (way == AYA_FLOW_WAYS)
        return NULL;
    *notes |= way & AYA_FLOW_EVICTS ? AYA_NOTE_EVICTED : 0;
    return &set->way[way & (AYA_FLOW_WAYS - 1)];
}

// A place for an entry, or NULL. `needs`: the entry is the only way to its flow's backend.
AYA_INLINE struct aya_flow_entry *aya_find_place(const struct aya_view *view, struct aya_flow_set *set,
                                                 u16 now, int needs, u8 *notes)
{
    struct aya_flow_entry *place = aya_flow_free_way(set);
    return place ? place : aya_make_place(view, set, now, needs, notes);
}

// The place for a new flow's entry, or NULL. A SYN that finds none goes, as all that follows it will, where
// the tables send packets of unknown flows.
AYA_INLINE struct aya_flow_entry *aya_admit(const struct aya_view *view, const struct aya_service *service,
                                            u16 service_id, const struct aya_packet *packet, u64 pick,
                                            struct aya_flow_set *set, u16 now, struct aya_verdict *verdict)
{
    struct aya_flow_entry *place = set ? aya_flow_free_way(set) : NULL;
    if (AYA_LIKELY(place != NULL))
        return place;
    if (set) {
        // Without a previous table, and for UDP, it is the lookup table that has just answered.
        const int needs = packet->flow.protocol == AYA_PROTO_TCP && aya_has_previous(service) &&
                          !aya_tables_answer(view, service, service_id, pick, verdict->backend_id, 1);
        place = aya_make_place(view, set, now, needs, &verdict->notes);
        if (place)
            return place;
    }
    if (aya_opens(packet) && aya_has_previous(service)) {
        u32 id = AYA_BACKEND_NONE;
        const struct aya_backend *later =
            aya_lookup(view, service->previous_offset, service->previous_size, pick, service_id, &id);
        if (later && id != verdict->backend_id) {
            verdict->backend = later;
            verdict->backend_id = id;
            verdict->notes |= AYA_NOTE_PREVIOUS;
        }
    }
    verdict->notes |= set ? AYA_NOTE_NOT_REMEMBERED : 0;
    return NULL;
}

// Whether a packet of a known flow is answered by a RST: one in the middle of a TCP connection whose backend
// is down, or gone. Not if the backend was down and is back: it may be the one that the tables answer.
AYA_INLINE int aya_is_cut_off(const struct aya_view *view, const struct aya_service *service, u16 service_id,
                              const struct aya_packet *packet, const struct aya_flow_entry *entry)
{
    const u32 middle = packet->tcp_flags & (AYA_TCP_SYN | AYA_TCP_RST | AYA_TCP_ACK);
    if (AYA_LIKELY(!(service->flags & AYA_SERVICE_RESETS)) || packet->kind != AYA_KIND_DATA ||
        middle != AYA_TCP_ACK)
        return 0;
    const struct aya_backend *backend = aya_view_backend(view, entry->backend);
    return !aya_is_alive(backend) || backend->service != service_id;
}

// Steps 5 to 7 of the decision for a packet that aya_classify gave to `service_id`. `known` is what
// aya_flow_locate returns for (hash, aya_flow_service) in `set`; `now` is the tick. With set NULL nothing is
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
    u32 answer = aya_ask_about(view, service, service_id, packet, known, now,
                               AYA_GUARD_ASKS_FLOW | AYA_GUARD_ASKS_OPENING);
    AYA_OPAQUE(answer); // or the verifier follows all that comes once without and once with a guard
    if (AYA_UNLIKELY((answer - 1) < AYA_GUARD_REASON)) {
        aya_refuse(verdict, (enum aya_reason)answer);
        return;
    }
    // An entry that is there can as well be used again.
    const u32 forgets = known ? 0 : answer & AYA_GUARD_FORGETS;
    // An expired entry that is still in place is a better guess than the hash.
    if (AYA_LIKELY(known != NULL) &&
        AYA_LIKELY(aya_follow(view, service, service_id, packet, known,
                              aya_view_backend(view, known->backend), now, verdict)))
        return;
    if (AYA_UNLIKELY(known != NULL) && aya_is_cut_off(view, service, service_id, packet, known)) {
        aya_refuse(verdict, AYA_REASON_REPLY_BACKEND_DOWN);
        return;
    }
    if (AYA_UNLIKELY(packet->kind == AYA_KIND_FRAGMENT_LATER)) {
        // Nothing is known of its first fragment, which the kernel may have got.
        u32 address = aya_destination(view, &packet->flow);
        aya_refuse(verdict, address & AYA_ADDRESS_LOCAL ? AYA_REASON_PUNT_FRAGMENT : AYA_REASON_FRAGMENT);
        return;
    }
    const struct aya_settings *settings = aya_view_settings(view);
    const u64 pick = aya_pick_hash(settings, service, packet, hash);
    struct aya_flow_entry *place = known;
    u64 asks_with = pick;
    if (AYA_UNLIKELY(aya_may_draw(service, packet)) && !forgets) {
        if (!place && set)
            // A SYN without a place stays with the hash; a datagram would be drawn for later.
            place = aya_find_place(view, set, now, packet->flow.protocol != AYA_PROTO_TCP, &verdict->notes);
        if (place)
            asks_with = aya_draw(view, service_id, pick);
    }
    // What is not remembered goes where its later packets will.
    int asks_previous = !known && (!aya_opens(packet) || forgets) && packet->flow.protocol == AYA_PROTO_TCP &&
                        aya_has_previous(service);
    aya_schedule(view, service, service_id, asks_with, asks_previous, verdict);
    if (AYA_UNLIKELY(!verdict->backend)) {
        aya_refuse(verdict, AYA_REASON_NO_BACKEND);
        return;
    }
    if (AYA_UNLIKELY(!aya_is_claim(service, packet) || forgets))
        place = NULL;
    else if (!place)
        place = aya_admit(view, service, service_id, packet, pick, set, now, verdict);
    enum aya_reason reason = aya_check_fit(packet, verdict->backend);
    aya_settle(verdict, reason);
    if (AYA_UNLIKELY(!place || reason != AYA_REASON_NONE)) {
        verdict->notes &= (u8)~AYA_NOTE_EVICTED;
        return;
    }
    aya_let_go(view, place);
    aya_flow_write(place, hash, service_id, verdict->backend_id, verdict->backend->incarnation,
                   AYA_FLOW_EMBRYONIC, (u16)(now + aya_idle_timeout(service, AYA_FLOW_EMBRYONIC)));
    verdict->notes |= AYA_NOTE_NEW;
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

// Whether the flow of a packet may have its entry in another queue's table. NICs spread packets by their
// ports, which ICMP errors lack, as do the later fragments with which a first one is kept together.
AYA_INLINE int aya_may_be_elsewhere(const struct aya_packet *packet)
{
    return packet->kind == AYA_KIND_FRAGMENT_FIRST || packet->kind == AYA_KIND_ICMP_ERROR;
}

// Looks for the flow's entry in the set of another queue's table; true: `*borrowed` is a copy of it, which
// aya_choose takes for an entry. The table's owner may write at the same time, so the copy is what is judged.
AYA_INLINE int aya_flow_borrow(const struct aya_view *view, const struct aya_flow_set *set, u64 hash,
                               u16 service, struct aya_flow_entry *borrowed)
{
    for (u32 i = 0; i < AYA_FLOW_WAYS; i++) {
        *borrowed = set->way[i];
        borrowed->marks |= AYA_FLOW_BORROWED;
        if (aya_flow_matches(borrowed, hash, service) &&
            aya_is_same_backend(aya_view_backend(view, borrowed->backend), borrowed, service))
            return 1;
    }
    return 0;
}

// After a FORWARD verdict on a first fragment, so that the later ones follow it. `set` is that of
// aya_hash_fragment(), `hash` the same.
AYA_INLINE void aya_remember_fragment(const struct aya_view *view, struct aya_flow_set *set, u64 hash,
                                      u16 now, const struct aya_verdict *verdict)
{
    struct aya_flow_entry *entry = aya_flow_locate(set, hash, AYA_SERVICE_FRAGMENT);
    u8 notes = 0;
    if (!entry)
        entry = aya_find_place(view, set, now, 0, &notes);
    if (!entry)
        return;
    aya_let_go(view, entry);
    aya_flow_write(entry, hash, AYA_SERVICE_FRAGMENT, verdict->backend_id, verdict->backend->incarnation,
                   AYA_FLOW_EMBRYONIC, (u16)(now + AYA_FRAGMENT_IDLE));
}

#endif
