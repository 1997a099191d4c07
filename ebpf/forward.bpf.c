// SPDX-License-Identifier: BSD-2-Clause
//
// The load balancer at the XDP hook: a shell around the contract's decision. An RX queue is served by one CPU
// at a time, so it owns its range of the flow table and of the counters, as a DPDK worker does. The packets
// of a bond or a bridge come from the queues of several interfaces; there each CPU owns a range.
//
// Where a DPDK data plane has AF_XDP sockets in `xsks_map`, packets for a VIP go to the socket of their
// queue. A socket leaves the map when its process dies, and the next packet is forwarded here.
#include "maps.bpf.h"

#define AYA_LOAD_DEFINED
AYA_INLINE void aya_count_flow(const struct aya_view *view, struct aya_flow_entry *entry, int counts);

#define AYA_GUARD_DEFINED
AYA_INLINE u32 aya_ask_guard(const struct aya_view *view, u32 service, const struct aya_flow *flow, u32 asks);
AYA_INLINE u64 aya_view_now_ns(const struct aya_view *view);
AYA_INLINE void aya_view_count(const struct aya_view *view, enum aya_reason reason);

#define AYA_DRAW_DEFINED
#include "aya/draw.h"
#include "aya/encap.h"
#include "aya/flow_rules.h"
#include "aya/punt.h"
#include "aya/reply.h"
#include "aya/reset.h"

// Not static, so that the verifier follows it once.
u32 aya_find_room(const struct aya_flow_set *set, u32 slot, u32 now, u32 needs)
{
    const struct aya_view view = {.slot = slot & 1, .settings = &settings[slot & 1]};
    return set ? aya_flow_yielding_way(&view, set, (u16)now, (int)needs) : (u32)AYA_FLOW_WAYS;
}

#define AYA_FLOW_ROOM_DEFINED
AYA_INLINE u32 aya_flow_room(const struct aya_view *view, const struct aya_flow_set *set, u16 now, int needs)
{
    return aya_find_room(set, view->slot, now, (u32)needs);
}

// This one, too.
u64 aya_find_draw(u32 service_id, u32 slot, u32 queue, u64 pick)
{
    const struct aya_view view = {.slot = slot & 1, .queue = queue};
    return aya_draw_from(&view, (u16)service_id, pick);
}

AYA_INLINE u64 aya_draw(const struct aya_view *view, u16 service_id, u64 pick)
{
    return aya_find_draw(service_id, view->slot, view->queue, pick);
}

// Not static, so that the verifier follows it once.
int aya_find_load(struct aya_flow_entry *entry, u32 queue, u32 counts)
{
    const struct aya_view view = {.queue = queue};
    if (entry)
        aya_load_set(aya_view_load(&view, entry->backend), entry, (int)counts);
    return 0;
}

AYA_INLINE void aya_count_flow(const struct aya_view *view, struct aya_flow_entry *entry, int counts)
{
    aya_find_load(entry, view->queue, (u32)counts);
}

struct address {
    AYA_ALIGNED(8) be32 words[4];
};

u32 aya_find_prefix(const struct address *address, u32 port_protocol, u32 slot);

#define AYA_WIDE_DEFINED
AYA_INLINE u32 aya_find_wide(const struct aya_view *view, const be32 address[4], be16 port, u8 protocol)
{
    struct address copy; // so that the packet itself may stay in registers
    __builtin_memcpy(copy.words, __builtin_assume_aligned(address, 8), sizeof(copy.words));
    u32 known = aya_find_prefix(&copy, aya_be16_to_cpu(port) | (u32)protocol << 16, view->slot);
    AYA_OPAQUE(known); // or the compilers spread its cases over what follows, each for the verifier to follow
    return known;
}

#define AYA_AES_DEFINED
#include "aya/aes.h"

AYA_INLINE struct aya_block aya_aes_crypt(const struct aya_aes_keys *keys, struct aya_block block,
                                          const int decrypts, struct aya_id_scratch *scratch)
{
    return aya_aes_run(keys, block, decrypts, scratch);
}

#include "aya/forward.h"
#include "aya/plain.h"
#include "aya/quic.h"

// Not static, so that the verifier follows it once.
u32 aya_find_prefix(const struct address *address, u32 port_protocol, u32 slot)
{
    const struct aya_settings *current = &settings[slot & 1];
    AYA_OPAQUE(current); // or clang 14 keeps the address of each of its fields on the stack
    const struct aya_view view = {.slot = slot & 1, .settings = current};
    if (!address)
        return AYA_SERVICE_NONE;
    const struct address copy = *address; // an argument, whose alignment the verifier does not know
    return aya_wide_search(&view, view.settings, copy.words, (u16)port_protocol, (u8)(port_protocol >> 16));
}

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP); // this name is what libxdp looks for
    __uint(max_entries, AYA_XSKS);
    __type(key, u32);
    __type(value, u32);
} xsks_map SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP); // egress port index -> interface
    __uint(max_entries, 16);
    __type(key, u32);
    __type(value, u32);
} tx_ports SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, struct aya_id_scratch);
} id_scratch SEC(".maps");

struct aya_xdp_mode mode AYA_GLOBAL(mode);

AYA_TABLE(limits, struct aya_limits, 64);

// What time it was at a queue's first packet of this jiffy; it may be late by one jiffy. To ask the kernel
// for each packet takes a tenth of the whole program.
struct clock {
    AYA_ALIGNED(AYA_CACHE_LINE) u64 jiffy;
    u64 now_ns; // CLOCK_MONOTONIC_COARSE, which only goes on with the jiffies
};

static struct clock clocks[AYA_XDP_QUEUES] AYA_GLOBAL(clocks);

struct shell {
    struct aya_view view;
    struct aya_worker_totals *totals;
};

AYA_INLINE struct aya_worker_totals *totals_of(u32 queue)
{
    return &totals[queue & (AYA_XDP_QUEUES - 1)];
}

AYA_INLINE void count(struct aya_worker_totals *t, u32 reason)
{
    t->reasons[reason & 63]++;
}

AYA_INLINE int drop(struct aya_worker_totals *t, u32 reason)
{
    count(t, reason);
    return XDP_DROP;
}

AYA_INLINE const u8 *start_of(const struct xdp_md *ctx)
{
    return (const u8 *)(long)ctx->data;
}

AYA_INLINE const u8 *end_of(const struct xdp_md *ctx)
{
    return (const u8 *)(long)ctx->data_end;
}

AYA_INLINE struct aya_flow_set *flow_set(u32 queue, u64 hash)
{
    u32 key = queue * (flow_set_mask + 1) + aya_flow_set_index(hash, flow_set_mask);
    return bpf_map_lookup_elem(&flows, &key);
}

// The entry of a flow in another queue's table, copied to `borrowed`; answers whether there is one. Not
// static, as above.
int aya_borrow_entry(struct aya_flow_entry *borrowed, u64 hash, u32 service, u32 slot, u32 queue)
{
    const struct aya_view view = {.slot = slot & 1, .settings = &settings[slot & 1]};
    if (!borrowed)
        return 0;
    for (u32 other = 0; other < AYA_XDP_QUEUES && other < queue_count; other++) {
        const struct aya_flow_set *set = other == queue ? NULL : flow_set(other, hash);
        if (set && aya_flow_borrow(&view, set, hash, (u16)service, borrowed))
            return 1;
    }
    return 0;
}

#include "quic.bpf.inc"

AYA_INLINE int has_socket(u32 queue)
{
    return !*(const volatile u32 *)&mode.bypass_sockets && bpf_map_lookup_elem(&xsks_map, &queue);
}

AYA_INLINE u64 now_ns(u32 queue)
{
    struct clock *clock = &clocks[queue & (AYA_XDP_QUEUES - 1)];
    u64 jiffy = bpf_jiffies64();
    if (AYA_UNLIKELY(clock->jiffy != jiffy)) {
        clock->now_ns = bpf_ktime_get_coarse_ns();
        clock->jiffy = jiffy;
    }
    return clock->now_ns;
}

AYA_INLINE u64 aya_view_now_ns(const struct aya_view *view)
{
    return now_ns(view->queue);
}

AYA_INLINE void aya_view_count(const struct aya_view *view, enum aya_reason reason)
{
    count(totals_of(view->queue), reason);
}

#include "guard.bpf.inc"

AYA_INLINE void count_forwarded(const struct shell *shell, u16 service_id, u32 backend_id, u16 l3_length)
{
    struct aya_service_counters *service = aya_view_own(&shell->view, service_id);
    if (service) {
        service->packets++;
        service->bytes += l3_length;
    }
    u32 key = shell->view.queue * backend_capacity + backend_id;
    struct aya_backend_counters *backend = bpf_map_lookup_elem(&backend_counters, &key);
    if (backend) {
        backend->packets++;
        backend->bytes += l3_length;
    }
}

AYA_INLINE void count_notes(const struct shell *shell, u16 service_id, u8 notes)
{
    struct aya_service_counters *service = aya_view_own(&shell->view, service_id);
    if (service)
        service->new_flows += notes & AYA_NOTE_NEW;
    if (AYA_LIKELY(notes == AYA_NOTE_NEW)) {
        count(shell->totals, AYA_REASON_FLOW_NEW);
        return;
    }
    for (u32 i = 0; i < AYA_NOTES; i++)
        shell->totals->reasons[AYA_REASON_FLOW_NEW + i] += notes >> i & 1;
}

// By a constant where it can be, so that a processor need not wait for the backend's entry to know where the
// frame now starts.
AYA_INLINE int make_room(struct xdp_md *ctx, u32 room)
{
    if (AYA_LIKELY(room == AYA_OUTER_IPV4))
        return (int)bpf_xdp_adjust_head(ctx, -AYA_OUTER_IPV4);
    return room ? (int)bpf_xdp_adjust_head(ctx, -(int)room) : 0;
}

AYA_INLINE int transmit(struct aya_worker_totals *t, u32 port, u64 bytes)
{
    t->tx_packets++;
    t->tx_bytes += bytes;
    if (AYA_LIKELY(port == port_index))
        return XDP_TX;
    return (int)bpf_redirect_map(&tx_ports, port, XDP_DROP);
}

// Punts and replies are functions of their own (so not static): the verifier follows them once, and not again
// for each (family, offset). Linux 6.1 gives up at a million instructions followed.

// To the kernel, if its class has not had enough.
int aya_punt(struct xdp_md *ctx, const struct aya_packet *packet, u32 queue, u32 reason)
{
    struct aya_worker_totals *t = totals_of(queue);
    struct aya_limits *own = bpf_map_lookup_elem(&limits, &queue);
    struct aya_view view = aya_view_active(queue);
    if (!packet || !own)
        return XDP_DROP;
    const enum aya_punt_class kind =
        aya_punt_class_of(start_of(ctx), end_of(ctx), packet, (enum aya_reason)reason);
    if (!aya_punt_allowed(own, kind, mode.punt_limit, &aya_view_settings(&view)->hash_key, packet,
                          now_ns(queue)))
        return drop(t, aya_punt_refused(kind));
    count(t, reason);
    return XDP_PASS;
}

// What is not forwarded and gets no reply.
AYA_INLINE int leave(struct xdp_md *ctx, const struct shell *shell, const struct aya_packet *packet,
                     enum aya_reason reason)
{
    if (aya_action_of(reason) != AYA_ACTION_PUNT)
        return drop(shell->totals, reason);
    struct aya_packet copy = *packet; // so that the packet itself may stay in registers
    return aya_punt(ctx, &copy, shell->view.queue, reason);
}

// Takes a token of the kind of reply. A function of its own also for its stack, which comes on top of the
// program's.
int aya_may_reply(const struct aya_packet *packet, u32 queue, u32 reason)
{
    struct aya_limits *own = bpf_map_lookup_elem(&limits, &queue);
    struct aya_view view = aya_view_active(queue);
    const struct aya_hash_key *key = &aya_view_settings(&view)->hash_key;
    return packet && own && aya_reply_allowed(own, (enum aya_reason)reason, key, packet, now_ns(queue));
}

// Answers an echo request.
int aya_answer_echo(struct xdp_md *ctx, const struct aya_packet *packet, u32 queue)
{
    struct aya_worker_totals *t = totals_of(queue);
    if (!packet)
        return XDP_DROP;
    const enum aya_reason failed = aya_reply_echo((u8 *)start_of(ctx), end_of(ctx), packet);
    if (failed != AYA_REASON_NONE)
        return drop(t, failed);
    count(t, AYA_REASON_REPLY_ECHO);
    return transmit(t, port_index, (u64)(end_of(ctx) - start_of(ctx)));
}

// Answers a TCP packet with a RST.
int aya_answer_reset(struct xdp_md *ctx, const struct aya_packet *packet, u32 queue, u32 reason)
{
    struct aya_worker_totals *t = totals_of(queue);
    if (!packet)
        return XDP_DROP;
    int length = (int)(end_of(ctx) - start_of(ctx));
    int kept = (int)(packet->l3_offset + aya_reset_length(packet));
    if (length > kept && bpf_xdp_adjust_tail(ctx, kept - length))
        return drop(t, AYA_REASON_NO_HEADROOM);
    const enum aya_reason made =
        aya_reply_reset((u8 *)start_of(ctx), end_of(ctx), packet, (enum aya_reason)reason);
    if (aya_action_of(made) != AYA_ACTION_REPLY)
        return drop(t, made);
    u32 counted = made;
    AYA_OPAQUE(counted); // or clang 14 leaves out the mask that the verifier asks for
    count(t, counted);
    return transmit(t, port_index, (u64)(end_of(ctx) - start_of(ctx)));
}

// Turns the packet into an ICMP error about itself and sends it back.
int aya_answer_error(struct xdp_md *ctx, const struct aya_packet *packet, u32 queue, u32 reason, u32 mtu)
{
    struct aya_worker_totals *t = totals_of(queue);
    if (!packet)
        return XDP_DROP;
    int length = (int)(end_of(ctx) - start_of(ctx));
    int kept = (int)(packet->l3_offset + aya_reply_quote(packet));
    if (length > kept && bpf_xdp_adjust_tail(ctx, kept - length))
        return drop(t, AYA_REASON_NO_HEADROOM);
    if (bpf_xdp_adjust_head(ctx, -(int)aya_reply_room(packet)))
        return drop(t, AYA_REASON_NO_HEADROOM);
    const enum aya_reason made =
        aya_reply_error((u8 *)start_of(ctx), end_of(ctx), packet, (enum aya_reason)reason, (u16)mtu);
    if (aya_action_of(made) != AYA_ACTION_REPLY)
        return drop(t, made);
    u32 counted = made;
    AYA_OPAQUE(counted); // or clang 14 leaves out the mask that the verifier asks for
    count(t, counted);
    return transmit(t, port_index, (u64)(end_of(ctx) - start_of(ctx)));
}

AYA_INLINE int reply(struct xdp_md *ctx, const struct shell *shell, const struct aya_packet *packet,
                     enum aya_reason reason, u16 mtu)
{
    struct aya_packet copy = *packet; // so that the packet itself may stay in registers
    if (!aya_may_reply(&copy, shell->view.queue, reason))
        return drop(shell->totals, aya_reply_refused(reason));
    if (reason == AYA_REASON_REPLY_ECHO)
        return aya_answer_echo(ctx, &copy, shell->view.queue);
    if (aya_is_reset(reason))
        return aya_answer_reset(ctx, &copy, shell->view.queue, reason);
    return aya_answer_error(ctx, &copy, shell->view.queue, reason, mtu);
}

// The short way of a plain packet: aya/plain.h. LONG_WAY: nothing has happened yet.
enum { LONG_WAY = -1 };

AYA_INLINE u32 read_plain(const struct xdp_md *ctx, const struct shell *shell, const int is_ipv6,
                          struct aya_plain *plain)
{
    const int is_plain = is_ipv6 ? aya_plain_read_ipv6(start_of(ctx), end_of(ctx), &mode.stations, plain)
                                 : aya_plain_read_ipv4(start_of(ctx), end_of(ctx), &mode.stations, plain);
    if (!is_plain || !(aya_plain_goes_on(plain) || aya_plain_opens(plain)))
        return AYA_SERVICE_NONE;
    return is_ipv6 ? aya_plain_service_ipv6(&shell->view, plain)
                   : aya_plain_service_ipv4(&shell->view, aya_plain_vip(plain));
}

AYA_INLINE void encap_plain(u8 *frame, const struct aya_plain *plain, const struct aya_backend *backend,
                            const u32 room, const int is_ipv6)
{
    if (is_ipv6)
        aya_plain_encap_ipv6(frame, plain->l3_length, backend, room);
    else
        aya_plain_encap_ipv4(frame, plain->l3_length, backend, room);
}

AYA_INLINE int forward_plain(struct xdp_md *ctx, const struct shell *shell, const int is_ipv6)
{
    const struct aya_settings *current = aya_view_settings(&shell->view);
    struct aya_plain plain;
    const u32 service_id = read_plain(ctx, shell, is_ipv6, &plain);
    if (service_id == AYA_SERVICE_NONE)
        return LONG_WAY;
    if (has_socket(shell->view.queue))
        return (int)bpf_redirect_map(&xsks_map, shell->view.queue, XDP_DROP);
    const struct aya_service *service = aya_view_service(&shell->view, service_id);
    const u64 hash = is_ipv6 ? aya_plain_hash_ipv6(current, &plain) : aya_plain_hash_ipv4(current, &plain);
    struct aya_flow_set *set = flow_set(shell->view.queue, hash);
    if (AYA_UNLIKELY(!set || !service))
        return LONG_WAY;
    struct aya_flow_entry *entry = aya_flow_locate(set, hash, (u16)service_id);
    const u16 now = aya_tick(now_ns(shell->view.queue));
    const struct aya_backend *backend = NULL;
    u32 backend_id = AYA_BACKEND_NONE;
    if (AYA_LIKELY(entry != NULL)) {
        backend_id = entry->backend;
        if (AYA_LIKELY(aya_plain_goes_on(&plain)))
            backend = aya_plain_follow(&shell->view, service, plain.l3_length, entry, now);
    } else {
        u8 notes = 0;
        backend = aya_plain_begin(&shell->view, service, (u16)service_id, plain.l3_length, hash, set, now,
                                  &backend_id, &notes);
        if (notes)
            count_notes(shell, (u16)service_id, notes);
    }
    if (AYA_UNLIKELY(!backend))
        return LONG_WAY;

    const u32 is_ipip = backend->outer_length == AYA_OUTER_IPV4;
    const u32 headers =
        sizeof(struct aya_eth) + (is_ipv6 ? sizeof(struct aya_ipv6) : sizeof(struct aya_ipv4));
    if (is_ipip && bpf_xdp_adjust_head(ctx, -AYA_OUTER_IPV4))
        return drop(shell->totals, AYA_REASON_NO_HEADROOM);
    u8 *frame = (u8 *)start_of(ctx);
    if (frame + headers + (is_ipip ? AYA_OUTER_IPV4 : 0) > end_of(ctx))
        return drop(shell->totals, AYA_REASON_TRUNCATED);
    if (AYA_LIKELY(is_ipip))
        encap_plain(frame, &plain, backend, AYA_OUTER_IPV4, is_ipv6);
    else
        encap_plain(frame, &plain, backend, AYA_OUTER_NONE, is_ipv6);
    count(shell->totals, AYA_REASON_NONE);
    count_forwarded(shell, (u16)service_id, backend_id, plain.l3_length);
    return transmit(shell->totals, backend->egress_port, (u64)(end_of(ctx) - start_of(ctx)));
}

// aya_choose_by_id for packets that may have an id, aya_decide for the others. What is said of an id has been
// counted.
AYA_INLINE void decide(struct xdp_md *ctx, const struct shell *shell, const struct aya_packet *packet,
                       u16 service, u64 hash, struct aya_flow_set *set, struct aya_flow_entry *entry, u16 now,
                       struct aya_verdict *verdict)
{
    u32 named = AYA_BACKEND_NONE;
    if (AYA_UNLIKELY(packet->flow.protocol == AYA_PROTO_UDP) &&
        aya_may_have_id(aya_view_service(&shell->view, service), packet))
        named = find_named(ctx, shell, packet->l3_offset, service);
    if (AYA_UNLIKELY(named != AYA_BACKEND_NONE))
        aya_follow_id(&shell->view, packet, service, hash, set, entry, now, named, verdict);
    else
        aya_decide(&shell->view, packet, service, hash, set, entry, now, verdict);
}

// Everything after the parser. Inlined once for each (family, tagged or not).
AYA_INLINE int forward(struct xdp_md *ctx, struct shell *shell, struct aya_packet *packet)
{
    struct aya_worker_totals *t = shell->totals;
    struct aya_verdict verdict;
    u16 service = 0;
    enum aya_reason reason = aya_classify(&shell->view, packet, &service);
    if (AYA_UNLIKELY(aya_action_of(reason) == AYA_ACTION_PUNT || aya_action_of(reason) == AYA_ACTION_DROP))
        return leave(ctx, shell, packet, reason);
    if (has_socket(shell->view.queue))
        return (int)bpf_redirect_map(&xsks_map, shell->view.queue, XDP_DROP);
    const struct aya_settings *current = aya_view_settings(&shell->view);
    if (AYA_UNLIKELY(reason != AYA_REASON_NONE))
        return reply(ctx, shell, packet, reason, 0);

    u16 now = aya_tick(now_ns(shell->view.queue));
    u64 hash = aya_flow_hash(current, packet);
    struct aya_flow_set *set = flow_set(shell->view.queue, hash);
    struct aya_flow_entry *entry = NULL;
    if (AYA_LIKELY(set))
        entry = aya_flow_locate(set, hash, aya_flow_service(packet, service));
    struct aya_flow_entry borrowed = {0};
    if (AYA_UNLIKELY(!entry && queue_count > 1 && aya_may_be_elsewhere(packet)) &&
        aya_borrow_entry(&borrowed, hash, service, shell->view.slot, shell->view.queue))
        entry = &borrowed;
    decide(ctx, shell, packet, service, hash, set, entry, now, &verdict);
    if (AYA_UNLIKELY(verdict.notes))
        count_notes(shell, verdict.service, verdict.notes);
    if (AYA_UNLIKELY(verdict.action != AYA_ACTION_FORWARD || !verdict.backend)) {
        if (verdict.action == AYA_ACTION_REPLY)
            return reply(ctx, shell, packet, verdict.reason, verdict.backend ? verdict.backend->mtu : 0);
        return leave(ctx, shell, packet, verdict.reason);
    }
    if (AYA_UNLIKELY(packet->kind == AYA_KIND_FRAGMENT_FIRST)) {
        u64 fragment_hash = aya_hash_fragment(&current->hash_key, packet);
        struct aya_flow_set *fragment_set = flow_set(shell->view.queue, fragment_hash);
        if (fragment_set)
            aya_remember_fragment(&shell->view, fragment_set, fragment_hash, now, &verdict);
    }
    if (make_room(ctx, verdict.backend->outer_length))
        return drop(t, AYA_REASON_NO_HEADROOM);
    const struct aya_tunnel *tunnel = NULL;
    if (AYA_UNLIKELY(aya_needs_tunnel(verdict.backend)))
        tunnel = aya_view_tunnel(&shell->view, verdict.backend_id);
    reason = aya_encap((u8 *)start_of(ctx), end_of(ctx), packet, verdict.backend, tunnel, hash);
    if (AYA_UNLIKELY(reason != AYA_REASON_NONE))
        return drop(t, reason);
    count(t, AYA_REASON_NONE);
    count_forwarded(shell, verdict.service, verdict.backend_id, packet->l3_length);
    return transmit(t, verdict.backend->egress_port, (u64)(end_of(ctx) - start_of(ctx)));
}

AYA_INLINE int parse_and_forward(struct xdp_md *ctx, struct shell *shell, struct aya_packet *packet,
                                 const u32 type, const u16 l3_offset)
{
    const u8 *l3 = start_of(ctx) + l3_offset;
    const u8 *end = end_of(ctx);
    if (l3 > end)
        return drop(shell->totals, AYA_REASON_TRUNCATED);
    u32 room = (u32)(end - l3);
    packet->l3_offset = l3_offset;
    enum aya_reason reason = type == AYA_ETHERTYPE_IPV4 ? aya_parse_ipv4(l3, end, room, packet)
                                                        : aya_parse_ipv6(l3, end, room, packet);
    if (AYA_UNLIKELY(reason != AYA_REASON_NONE))
        return leave(ctx, shell, packet, aya_punt_reason(&shell->view, packet, reason));
    packet->flow.family = type == AYA_ETHERTYPE_IPV4 ? AYA_IPV4 : AYA_IPV6;
    u32 kind = packet->kind;
    AYA_OPAQUE(kind); // or the verifier follows everything after this once for each kind
    packet->kind = (u8)kind;
    return forward(ctx, shell, packet);
}

// Where the IP header is after one or two tags, computed so that the verifier knows only that it is 18
// or 22: if it knew which, it would follow everything after this once for each.
AYA_INLINE u16 tagged_offset(const struct xdp_md *ctx)
{
    const struct aya_vlan *tag = (const struct aya_vlan *)(start_of(ctx) + sizeof(struct aya_eth));
    if ((const u8 *)(tag + 1) > end_of(ctx))
        return 18;
    u64 differs = (u64)(tag->type.raw ^ aya_cpu_to_be16(AYA_ETHERTYPE_VLAN).raw) *
                  (u64)(tag->type.raw ^ aya_cpu_to_be16(AYA_ETHERTYPE_QINQ).raw);
    AYA_OPAQUE(differs);
    return (u16)(18 + (((differs - 1) >> 63) << 2));
}

// This name and the version below are how libxdp, and with it DPDK's AF_XDP driver, tells a program whose
// `xsks_map` it may put its sockets into; it then leaves the program alone.
SEC("xdp")
int xsk_def_prog(struct xdp_md *ctx)
{
    struct aya_packet packet = {0};
    struct shell shell = {
        .view = aya_view_active(by_processor ? bpf_get_smp_processor_id() : ctx->rx_queue_index)};
    if (AYA_UNLIKELY(shell.view.queue >= queue_count))
        return XDP_PASS; // the loader did not know of it
    struct aya_worker_totals *t = shell.totals = totals_of(shell.view.queue);
    t->rx_packets++;
    t->rx_bytes += (u64)(end_of(ctx) - start_of(ctx));

    int code = forward_plain(ctx, &shell, 0);
    if (AYA_UNLIKELY(code == LONG_WAY))
        code = forward_plain(ctx, &shell, 1);
    if (AYA_LIKELY(code != LONG_WAY))
        return code;
    if (AYA_UNLIKELY(!aya_is_for_us(start_of(ctx), end_of(ctx), &mode.stations))) {
        count(t, AYA_REASON_OTHER_STATION);
        return XDP_PASS; // the kernel knows stations that we do not: macvlan, bridges
    }
    u32 type = 0;
    enum aya_reason reason = aya_parse_l2(start_of(ctx), end_of(ctx), &packet, &type);
    if (reason != AYA_REASON_NONE)
        return leave(ctx, &shell, &packet, reason);
    if (AYA_LIKELY(packet.l3_offset == 14)) {
        if (AYA_LIKELY(type == AYA_ETHERTYPE_IPV4))
            return parse_and_forward(ctx, &shell, &packet, AYA_ETHERTYPE_IPV4, 14);
        return parse_and_forward(ctx, &shell, &packet, AYA_ETHERTYPE_IPV6, 14);
    }
    const u16 offset = tagged_offset(ctx);
    if (type == AYA_ETHERTYPE_IPV4)
        return parse_and_forward(ctx, &shell, &packet, AYA_ETHERTYPE_IPV4, offset);
    return parse_and_forward(ctx, &shell, &packet, AYA_ETHERTYPE_IPV6, offset);
}

__uint(xsk_prog_version, 1) SEC("xdp_metadata");

char _license[] SEC("license") = "Dual BSD/GPL";
