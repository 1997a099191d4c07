// SPDX-License-Identifier: BSD-2-Clause
//
// The rules of flow state: what a packet does to the entry of its flow, what an entry is worth, and whose
// place a new one may take.
//
// With direct server return the balancer never sees a handshake complete, so an entry is a stranger's claim.
// What makes it worth keeping is not who made it, but what would happen without it. The tables answer for a
// flow that has no entry: a SYN goes by the lookup table, any other TCP packet by the previous lookup table
// while there is one. An entry with the same backend as the tables' answer can be lost: the next packet goes
// to the same place. An entry with another backend is the only record of that fact, and is never given up
// while it may be a connection.
//
// A new entry therefore takes, in this order: a free way; an expired one; a first packet's, if the tables
// answer for it; one that was closed, or whose packets came in a single tick, and that has been silent for a
// while, if the tables answer for it. If the tables do not answer for the new flow, it also takes any other
// that they answer for, and a first packet's that was never followed by a second. If there is none, the flow
// is not remembered, and aya_decide sends it where the tables will send its later packets.
#ifndef AYA_FLOW_RULES_H
#define AYA_FLOW_RULES_H

#include "aya/flow.h"
#include "aya/flow_load.h"
#include "aya/flow_table.h"
#include "aya/hash.h"
#include "aya/tables.h"

#ifndef AYA_VIEW_DEFINED
#include "aya/view.h"
#endif

enum {
    // Silence, in ticks, after which a handshake has failed, or a connection that was closed is over.
    AYA_FLOW_GRACE = 4,
    // How long to wait for the later fragments of a packet: as long as hosts do (RFC 791 3.2: 15 s, Linux:
    // 30 s).
    AYA_FRAGMENT_IDLE = 28,
};

// A TCP segment that opens a connection.
AYA_INLINE int aya_opens(const struct aya_packet *packet)
{
    return (packet->tcp_flags & (AYA_TCP_SYN | AYA_TCP_ACK | AYA_TCP_RST | AYA_TCP_FIN)) == AYA_TCP_SYN;
}

// A segment that ends a connection.
AYA_INLINE int aya_closes(const struct aya_packet *packet)
{
    return packet->tcp_flags & (AYA_TCP_FIN | AYA_TCP_RST);
}

AYA_INLINE int aya_is_alive(const struct aya_backend *backend)
{
    return backend && backend->state >= AYA_BACKEND_DRAINING;
}

// State of an entry in `state` after one more packet that is not a SYN. Anyone can forge a FIN or an RST, and
// only the server knows better. A client that continues to send data (which ends in a PSH) has not closed.
// One that only acknowledges may have closed its half, and stays closing.
AYA_INLINE u8 aya_next_flow_state(u8 state, const struct aya_packet *packet)
{
    if (packet->flow.protocol != AYA_PROTO_TCP)
        return AYA_FLOW_DATAGRAM;
    if (AYA_UNLIKELY(aya_closes(packet)))
        return AYA_FLOW_CLOSING;
    return state == AYA_FLOW_EMBRYONIC || packet->tcp_flags & AYA_TCP_PSH ? (u8)AYA_FLOW_ESTABLISHED : state;
}

AYA_INLINE u16 aya_idle_timeout(const struct aya_service *service, u8 state)
{
    return service->idle_timeout[state & (AYA_FLOW_STATES - 1)];
}

// Ticks since the entry's last packet.
AYA_INLINE int aya_flow_silence(const struct aya_flow_entry *entry, const struct aya_service *service,
                                u16 now)
{
    return aya_idle_timeout(service, entry->state) - aya_flow_remaining(entry, now);
}

// Whether the packet neither opens nor closes anything and has its transport header, as almost all do. One
// test.
AYA_INLINE int aya_is_plain(const struct aya_packet *packet)
{
    u16 kind_and_flags;
    __builtin_memcpy(&kind_and_flags, __builtin_assume_aligned(&packet->kind, 2), sizeof(kind_and_flags));
    const u32 no_transport_header = 0xff & ~(u32)AYA_KIND_FRAGMENT_FIRST;
    const u32 opens_or_closes = AYA_TCP_SYN | AYA_TCP_FIN | AYA_TCP_RST;
    return (kind_and_flags & (no_transport_header | opens_or_closes << 8)) == 0;
}

AYA_STATIC_ASSERT(AYA_KIND_DATA == 0 && AYA_KIND_FRAGMENT_FIRST == 1, "aya_is_plain tests one bit");
AYA_STATIC_ASSERT(offsetof(struct aya_packet, kind) % 2 == 0 &&
                      offsetof(struct aya_packet, tcp_flags) == offsetof(struct aya_packet, kind) + 1,
                  "aya_is_plain loads both at once");

// An entry in `state` lives on. Writes only what differs: within one tick a busy flow's cache line stays
// clean.
AYA_INLINE void aya_renew(const struct aya_view *view, struct aya_flow_entry *entry,
                          const struct aya_service *service, u8 state, u16 now)
{
    u16 expires = (u16)(now + aya_idle_timeout(service, state));
    if (AYA_LIKELY(expires == entry->expires && state == entry->state))
        return;
    if (aya_flow_silence(entry, service, now) > 0)
        entry->marks |= AYA_FLOW_PROVEN;
    entry->expires = expires;
    entry->state = state;
    if (AYA_UNLIKELY(service->flags & AYA_SERVICE_LEAST_FLOWS))
        aya_count_flow(view, entry, state >= AYA_FLOW_ESTABLISHED);
}

// One more packet of a flow that has an entry was forwarded. A SYN proves nothing and leaves no trace.
AYA_INLINE void aya_touch(const struct aya_view *view, struct aya_flow_entry *entry,
                          const struct aya_service *service, const struct aya_packet *packet, u16 now)
{
    u8 state = entry->state;
    const int is_settled = state >= AYA_FLOW_ESTABLISHED && aya_is_plain(packet); // and stays in its state
    if (AYA_UNLIKELY(!is_settled)) {
        if (packet->kind > AYA_KIND_FRAGMENT_FIRST || aya_opens(packet))
            return;
        state = aya_next_flow_state(state, packet);
    }
    aya_renew(view, entry, service, state, now);
}

// Whether the backend is the one that `entry` means: alive, of the service, not another that got its id, and
// not down since.
AYA_INLINE int aya_is_same_backend(const struct aya_backend *backend, const struct aya_flow_entry *entry,
                                   u16 service_id)
{
    if (AYA_UNLIKELY(!backend))
        return 0;
    u64 head; // state, outer_length, incarnation, service
    __builtin_memcpy(&head, __builtin_assume_aligned(backend, 8), sizeof(head));
    u32 wanted = entry->incarnation | (u32)service_id << 16;
    return (u32)(head >> 16) == wanted && (u8)head >= AYA_BACKEND_DRAINING;
}

// The same for a packet whose service is the entry's, and up, not only draining: the usual case, in one
// comparison.
AYA_INLINE int aya_is_up(const struct aya_backend *backend, const struct aya_flow_entry *entry)
{
    if (AYA_UNLIKELY(!backend))
        return 0;
    u64 head; // state, outer_length, incarnation, service
    __builtin_memcpy(&head, __builtin_assume_aligned(backend, 8), sizeof(head));
    const u64 outer_length_and_port = 0xffff00000000ff00ull;
    return (head & ~outer_length_and_port) ==
           ((u64)entry->service << 32 | (u64)entry->incarnation << 16 | AYA_BACKEND_UP);
}

// The cases in which a packet does not follow the entry of its flow to a living backend, because it begins
// something new. A SYN on an open connection is a forgery or a client that lost its state, and the backend
// tells the two apart (RFC 9293 3.10.7.4: a challenge ACK); to send it elsewhere would break the connection
// if it is the former. So a SYN is scheduled only after a close, since clients reuse their ports, or after a
// long silence. Without a SYN (UDP) a draining backend loses flows that were idle for too long.
AYA_INLINE int aya_starts_over(const struct aya_flow_entry *entry, const struct aya_backend *backend,
                               const struct aya_packet *packet, u16 now)
{
    int has_expired = aya_flow_remaining(entry, now) <= 0;
    if (!aya_opens(packet))
        return has_expired && backend->state == AYA_BACKEND_DRAINING &&
               packet->flow.protocol != AYA_PROTO_TCP;
    return has_expired || entry->state == AYA_FLOW_CLOSING;
}

// The backend that a lookup table names for this pick hash, if it is alive and of the service; else NULL.
AYA_INLINE const struct aya_backend *aya_lookup(const struct aya_view *view, u32 offset, u32 size, u64 pick,
                                                u16 service_id, u32 *id)
{
    if (size == 0)
        return NULL;
    const u32 *slot = aya_view_lookup(view, offset + aya_slot(pick, size));
    if (!slot)
        return NULL;
    const u32 named = *slot; // once: another process writes there
    *id = named;
    const struct aya_backend *backend = aya_view_backend(view, named);
    return aya_is_alive(backend) && backend->service == service_id ? backend : NULL;
}

// Whether the previous lookup table is asked for packets of unknown connections. A service without
// memory would send a SYN by one table and what follows by the other.
AYA_INLINE int aya_has_previous(const struct aya_service *service)
{
    return service->previous_size != 0 && !(service->flags & AYA_SERVICE_STATELESS);
}

// Whether the tables answer for a flow: without an entry its packets would go to this backend now, and also
// after the next change, when the lookup table of today is the previous one. Datagrams are an exception:
// nothing tells the first of a flow from the others, so the previous table is not asked, and a flow without
// an entry moves with the next change. `pick` is what lookup tables are asked with.
AYA_INLINE int aya_tables_answer(const struct aya_view *view, const struct aya_service *service,
                                 u16 service_id, u64 pick, u32 backend_id, int asks_previous)
{
    u32 id = AYA_BACKEND_NONE;
    if (!aya_lookup(view, service->lookup_offset, service->lookup_size, pick, service_id, &id) ||
        id != backend_id)
        return 0;
    if (!asks_previous || !aya_has_previous(service))
        return 1;
    return !aya_lookup(view, service->previous_offset, service->previous_size, pick, service_id, &id) ||
           id == backend_id;
}

// The same for the flow of an entry, whose tag is the part of the hash that picks the slot. Under source
// affinity the entry does not know what was asked with. Where backends are drawn the next packet of a flow
// may draw another one, unless it is one of a connection, which goes by the hash. Packets with a connection
// id find their backend without an entry.
AYA_INLINE int aya_tables_answer_for(const struct aya_view *view, const struct aya_service *service,
                                     const struct aya_flow_entry *entry)
{
    if (entry->marks & AYA_FLOW_NAMED)
        return 1;
    if (service->flags & AYA_SERVICE_DRAWS && entry->state != AYA_FLOW_CLOSING &&
        entry->state != AYA_FLOW_ESTABLISHED)
        return 0;
    return !(service->flags & AYA_SERVICE_AFFINITY_SOURCE) &&
           aya_tables_answer(view, service, entry->service, (u64)entry->tag << 32, entry->backend,
                             entry->state != AYA_FLOW_DATAGRAM);
}

// How readily a way is given up, greater first; equal ones by silence.
enum aya_flow_order {
    AYA_FLOW_KEPT,            // never
    AYA_FLOW_LAST_RESORT,     // a first packet's that no second followed, and the tables do not answer for it
    AYA_FLOW_FOR_THE_NEEDY,   // the tables answer for it
    AYA_FLOW_FOR_ALL_SILENT,  // and it is silent, and closed or not proven
    AYA_FLOW_FOR_ALL,         // and it is a first packet's
    AYA_FLOW_GONE,            // its backend is gone
    AYA_FLOW_FOR_ALL_AT_ONCE, // a first packet's while there is no previous table: no need to ask
    AYA_FLOW_OVER,            // expired
};

// `needs`: see aya_flow_yielding_way.
AYA_INLINE enum aya_flow_order aya_flow_order(const struct aya_view *view, const struct aya_service *service,
                                              const struct aya_flow_entry *entry, int silence, int needs)
{
    if (!aya_is_same_backend(aya_view_backend(view, entry->backend), entry, entry->service))
        return AYA_FLOW_GONE;
    int is_silent = silence >= AYA_FLOW_GRACE;
    int is_first = entry->state == AYA_FLOW_EMBRYONIC;
    int is_doubtful = is_silent && (entry->state == AYA_FLOW_CLOSING || !(entry->marks & AYA_FLOW_PROVEN));
    if (!needs && !is_first && !is_doubtful)
        return AYA_FLOW_KEPT; // the tables are not in the cache, and their answer would change nothing
    if (!aya_tables_answer_for(view, service, entry))
        return is_first && is_silent ? AYA_FLOW_LAST_RESORT : AYA_FLOW_KEPT;
    if (is_first)
        return AYA_FLOW_FOR_ALL;
    return is_doubtful ? AYA_FLOW_FOR_ALL_SILENT : AYA_FLOW_FOR_THE_NEEDY;
}

// What is known of an entry without asking the lookup tables. Closed flows may be half-closed, with a client
// that waits for an answer: if nothing else remembers them, they last as long as open ones, up to
// AYA_FLOW_KEEP.
AYA_INLINE enum aya_flow_order aya_flow_order_at_sight(const struct aya_service *service,
                                                       const struct aya_flow_entry *entry, int silence)
{
    int idle =
        aya_idle_timeout(service, entry->state == AYA_FLOW_CLOSING ? (u8)AYA_FLOW_ESTABLISHED : entry->state);
    if (silence >= idle)
        return AYA_FLOW_OVER;
    // No previous table: nothing has changed lately, so what chose this backend would choose it again.
    if (entry->state == AYA_FLOW_EMBRYONIC && !aya_has_previous(service) &&
        !(service->flags & AYA_SERVICE_DRAWS))
        return AYA_FLOW_FOR_ALL_AT_ONCE;
    return AYA_FLOW_KEPT;
}

// Rank of one way of a full set: its order and, below, its silence. `asks_tables`: not only what is known at
// once.
AYA_INLINE u32 aya_flow_rank(const struct aya_view *view, const struct aya_flow_entry *entry, u16 now,
                             int needs, int asks_tables)
{
    if (entry->service == AYA_SERVICE_FRAGMENT) {
        int age = AYA_FRAGMENT_IDLE - aya_flow_remaining(entry, now);
        u32 order = age >= AYA_FRAGMENT_IDLE ? AYA_FLOW_OVER : AYA_FLOW_FOR_ALL;
        return age >= AYA_FLOW_GRACE ? order << 16 | (u32)(age & 0xffff) : 0;
    }
    const struct aya_service *service = aya_view_service(view, entry->service);
    if (!service)
        return (u32)AYA_FLOW_OVER << 16;
    int silence = aya_flow_silence(entry, service, now);
    enum aya_flow_order order = asks_tables ? aya_flow_order(view, service, entry, silence, needs)
                                            : aya_flow_order_at_sight(service, entry, silence);
    return order == AYA_FLOW_KEPT ? 0 : (u32)order << 16 | (u32)(silence < 0 ? 0 : silence & 0xffff);
}

enum { AYA_FLOW_EVICTS = 0x10 }; // added to the number of a way: its entry is live

// The way of a full set that a new entry takes, or AYA_FLOW_WAYS; `needs`: the tables do not answer for the
// new flow.
AYA_INLINE u32 aya_flow_yielding_way(const struct aya_view *view, const struct aya_flow_set *set, u16 now,
                                     int needs)
{
    const u32 least = (u32)(needs ? AYA_FLOW_LAST_RESORT : AYA_FLOW_FOR_ALL_SILENT) << 16;
    for (int asks_tables = 0; asks_tables < 2; asks_tables++) {
        // The greatest rank; of equal ones the first way's. Which it is cannot be predicted, so it is
        // computed.
        u32 best = least << 3;
        for (u32 i = 0; i < AYA_FLOW_WAYS; i++) {
            u32 candidate =
                aya_flow_rank(view, &set->way[i], now, needs, asks_tables) << 3 | (AYA_FLOW_WAYS - i);
            best = candidate > best ? candidate : best;
        }
        const u32 way = AYA_FLOW_WAYS - (best & 7);
        if (way < AYA_FLOW_WAYS) {
            u32 order = best >> 19;
            return order == AYA_FLOW_OVER || order == AYA_FLOW_GONE ? way : way | AYA_FLOW_EVICTS;
        }
    }
    return AYA_FLOW_WAYS;
}

#endif
