// SPDX-License-Identifier: BSD-2-Clause
#include "burst.hpp"

#include "aya/reset.h"
#include "packets_of.hpp"
#include "plain_lanes.hpp"
#include "quic.hpp"

#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

namespace aya
{

namespace
{

u8 *frame_of(const rte_mbuf *mbuf)
{
    return rte_pktmbuf_mtod(mbuf, u8 *);
}

const u8 *end_of(const rte_mbuf *mbuf)
{
    return rte_pktmbuf_mtod(mbuf, const u8 *) + mbuf->data_len;
}

void set_aside(Burst &burst, u32 i, aya_reason reason)
{
    aya_verdict &verdict = burst.verdict[i];
    verdict = {};
    aya_settle(&verdict, reason);
    burst.rest[burst.rest_count++] = static_cast<u8>(i);
}

// Frees the packet at the end of the burst.
void drop(Burst &burst, u32 i)
{
    burst.drop[burst.drop_count++] = burst.mbuf[i];
}

// Moves the start of the frame forward by `room` bytes.
aya_reason make_room(rte_mbuf *mbuf, u32 room)
{
    if (AYA_UNLIKELY(mbuf->data_off < room))
        return AYA_REASON_NO_HEADROOM;
    mbuf->data_off = static_cast<u16>(mbuf->data_off - room);
    mbuf->data_len = static_cast<u16>(mbuf->data_len + room);
    mbuf->pkt_len += room;
    return AYA_REASON_NONE;
}

aya_reason check_egress(const rte_mbuf *mbuf, u32 egress, const BurstContext &context)
{
    if (AYA_UNLIKELY(egress >= context.port_count))
        return AYA_REASON_INTERNAL;
    if (AYA_UNLIKELY(mbuf->nb_segs > 1 && !context.sends_segments[egress]))
        return AYA_REASON_TOO_BIG;
    return AYA_REASON_NONE;
}

aya_reason rewrite(rte_mbuf *mbuf, const aya_packet &packet, const aya_verdict &verdict, u64 hash,
                   const BurstContext &context)
{
    const aya_backend &backend = *verdict.backend;
    const aya_reason reason = make_room(mbuf, backend.outer_length);
    if (AYA_UNLIKELY(reason != AYA_REASON_NONE))
        return reason;
    const aya_tunnel *tunnel = AYA_UNLIKELY(aya_needs_tunnel(&backend))
                                   ? aya_view_tunnel(context.view, verdict.backend_id)
                                   : nullptr;
    return aya_encap(frame_of(mbuf), end_of(mbuf), &packet, &backend, tunnel, hash);
}

// The egress port of packet i, sent the long way, or the reason not to send it.
struct Sent {
    aya_reason reason;
    u16 egress;
};

Sent rewrite_packet(Burst &burst, u32 i, const BurstContext &context)
{
    rte_mbuf *mbuf = burst.mbuf[i];
    const aya_verdict &verdict = burst.verdict[i];
    // Read once: if this worker slept, the entry may change between the check and the use.
    const u16 egress = __atomic_load_n(&verdict.backend->egress_port, __ATOMIC_RELAXED);
    aya_reason reason = check_egress(mbuf, egress, context);
    if (AYA_LIKELY(reason == AYA_REASON_NONE))
        reason = rewrite(mbuf, burst.packet[i], verdict, burst.hash[i], context);
    if (AYA_LIKELY(reason == AYA_REASON_NONE))
        context.counters.count_forwarded(verdict.service, verdict.backend_id, burst.packet[i].l3_length);
    return {reason, egress};
}

// The later fragments of this packet shall follow.
void remember_fragment(const aya_packet &packet, const aya_verdict &verdict, const BurstContext &context)
{
    const u64 hash = aya_hash_fragment(&context.view->settings->hash_key, &packet);
    aya_flow_set *set = &context.sets[aya_flow_set_index(hash, context.set_mask)];
    aya_remember_fragment(context.view, set, hash, context.tick, &verdict);
}

// Takes back an entry that a packet of this burst has made.
void take_back(const aya_view *view, aya_flow_set *set, u64 hash, u16 key_service)
{
    aya_flow_entry *entry = aya_flow_locate(set, hash, key_service);
    if (entry == nullptr)
        return;
    aya_let_go(view, entry);
    entry->state = AYA_FLOW_FREE;
}

// Takes back what a packet of this burst that went the long way has made the flow table remember.
void forget(const Burst &burst, u32 i, const BurstContext &context)
{
    const aya_packet &packet = burst.packet[i];
    const u16 key_service = aya_flow_service(&packet, burst.service[i]);
    if (burst.verdict[i].notes & AYA_NOTE_NEW)
        take_back(context.view, burst.set[i], burst.hash[i], key_service);
    if (packet.kind != AYA_KIND_FRAGMENT_FIRST)
        return;
    const u64 hash = aya_hash_fragment(&context.view->settings->hash_key, &packet);
    aya_flow_set *set = &context.sets[aya_flow_set_index(hash, context.set_mask)];
    take_back(context.view, set, hash, AYA_SERVICE_FRAGMENT);
}

// The entry of packet i's flow, in this queue's table (where an earlier packet of the burst may have put it)
// or, as a copy, in another's; nullptr: there is none.
aya_flow_entry *find_elsewhere(Burst &burst, u32 i, const BurstContext &context)
{
    if (aya_flow_entry *entry = aya_flow_locate(burst.set[i], burst.hash[i], burst.service[i]))
        return entry;
    for (const SiblingFlows &sibling : context.siblings) {
        const aya_flow_set *set = &sibling.sets[aya_flow_set_index(burst.hash[i], sibling.set_mask)];
        if (set != burst.set[i] &&
            aya_flow_borrow(context.view, set, burst.hash[i], burst.service[i], &burst.borrowed[i]))
            return &burst.borrowed[i];
    }
    return nullptr;
}

void count_notes(u8 notes, u16 service, const WorkerCounters &counters)
{
    if (notes & AYA_NOTE_NEW)
        counters.count_new_flow(service);
    for (u32 bit = 0; notes >> bit; bit++) {
        if (notes >> bit & 1)
            counters.count_reason(static_cast<u8>(AYA_REASON_FLOW_NEW + bit));
    }
}

// Cuts the frame to the IP packet's first `kept` bytes. False: they are not all in the first segment.
bool cut_packet(rte_mbuf *mbuf, const aya_packet &packet, u32 kept)
{
    if (mbuf->nb_segs > 1) {
        rte_pktmbuf_free(mbuf->next);
        mbuf->next = nullptr;
        mbuf->nb_segs = 1;
    }
    const u32 length = u32{packet.l3_offset} + kept;
    if (mbuf->data_len < length)
        return false;
    mbuf->data_len = static_cast<u16>(length);
    mbuf->pkt_len = length;
    return true;
}

aya_reason write_reply(rte_mbuf *mbuf, const aya_packet &packet, const aya_verdict &verdict)
{
    const auto reason = static_cast<aya_reason>(verdict.reason);
    if (reason == AYA_REASON_REPLY_ECHO) {
        const aya_reason failed = aya_reply_echo(frame_of(mbuf), end_of(mbuf), &packet);
        return failed == AYA_REASON_NONE ? reason : failed;
    }
    if (aya_is_reset(reason)) {
        const bool is_cut = cut_packet(mbuf, packet, aya_reset_length(&packet));
        return is_cut ? aya_reply_reset(frame_of(mbuf), end_of(mbuf), &packet, reason) : AYA_REASON_TRUNCATED;
    }
    if (!cut_packet(mbuf, packet, aya_reply_quote(&packet)))
        return AYA_REASON_TRUNCATED;
    if (make_room(mbuf, aya_reply_room(&packet)) != AYA_REASON_NONE)
        return AYA_REASON_NO_HEADROOM;
    const u16 mtu = verdict.backend != nullptr ? verdict.backend->mtu : u16{0};
    return aya_reply_error(frame_of(mbuf), end_of(mbuf), &packet, reason, mtu);
}

// Answers go out of the port that the packet came in at. What they count is settled when they are sent.
aya_reason reply(Burst &burst, u32 i, BurstContext &context)
{
    rte_mbuf *mbuf = burst.mbuf[i];
    const auto wanted = static_cast<aya_reason>(burst.verdict[i].reason);
    if (mbuf->nb_segs > 1 && wanted == AYA_REASON_REPLY_ECHO && !context.sends_segments[context.port])
        return AYA_REASON_TOO_BIG;
    const aya_packet &packet = burst.packet[i];
    const aya_hash_key *key = &context.view->settings->hash_key;
    if (!aya_reply_allowed(&context.limits, wanted, key, &packet, context.now_ns))
        return aya_reply_refused(wanted);
    return write_reply(mbuf, packet, burst.verdict[i]);
}

aya_reason punt(const Burst &burst, u32 i, aya_reason reason, BurstContext &context)
{
    if (context.punt == nullptr)
        return AYA_REASON_PUNT_NONE;
    rte_mbuf *mbuf = burst.mbuf[i];
    const aya_packet &packet = burst.packet[i];
    const aya_punt_class kind = aya_punt_class_of(frame_of(mbuf), end_of(mbuf), &packet, reason);
    const aya_hash_key *key = &context.view->settings->hash_key;
    if (!aya_punt_allowed(&context.limits, kind, context.punt_limit, key, &packet, context.now_ns))
        return aya_punt_refused(kind);
    if (rte_ring_enqueue((*context.punt)[kind], mbuf) == 0)
        return reason;
    return kind == AYA_PUNT_REST ? AYA_REASON_PUNT_LIMIT : AYA_REASON_PUNT_FULL;
}

u32 all_of(const Burst &burst)
{
    return static_cast<u32>((u64{1} << burst.count) - 1);
}

inline void prefetch_set(Burst &burst, u32 i, const BurstContext &context)
{
    aya_flow_set *set = &context.sets[aya_flow_set_index(burst.hash[i], context.set_mask)];
    rte_prefetch0(set);
    burst.set[i] = set;
}

// Service and hash of parsed packets. Not in one loop with the parser: to look an address up right after its
// words were stored would wait for the stores.
void classify(Burst &burst, u32 parsed, const BurstContext &context)
{
    const aya_view *view = context.view;
    const aya_settings *settings = view->settings;
    for (const u32 i : packets_of(parsed)) {
        const aya_packet *packet = &burst.packet[i];
        const aya_reason reason = aya_classify(view, packet, &burst.service[i]);
        if (AYA_UNLIKELY(reason != AYA_REASON_NONE)) {
            set_aside(burst, i, reason);
            continue;
        }
        burst.hash[i] = aya_flow_hash(settings, packet);
        prefetch_set(burst, i, context);
        burst.live |= 1u << i;
    }
}

// True: plain packet i goes to burst.backend[i]. An earlier packet of the burst may have put another flow in
// its entry's place.
inline bool follow_plain(Burst &burst, u32 i, const aya_view *view, u16 tick)
{
    aya_flow_entry *entry = burst.entry[i];
    const aya_service *service = aya_view_service(view, burst.service[i]);
    if (AYA_UNLIKELY(entry == nullptr || service == nullptr ||
                     !aya_flow_matches(entry, burst.hash[i], burst.service[i])))
        return false;
    const aya_backend *backend = aya_plain_follow(view, service, burst.l3_length[i], entry, tick);
    burst.backend[i] = backend;
    return AYA_LIKELY(backend != nullptr);
}

// True: plain packet i, of a flow that is not known, goes to burst.backend[i]. An earlier packet of the burst
// may have made the flow known. Few packets come here, and shall not cost the others registers.
[[gnu::noinline]] bool begin_plain(Burst &burst, u32 i, const BurstContext &context)
{
    const u16 service_id = burst.service[i];
    const aya_service *service = aya_view_service(context.view, service_id);
    if (service == nullptr || !aya_plain_may_begin(service) ||
        aya_flow_locate(burst.set[i], burst.hash[i], service_id) != nullptr)
        return false;
    u32 backend_id = AYA_BACKEND_NONE;
    u8 notes = 0;
    const aya_backend *backend =
        aya_plain_begin(context.view, service, service_id, burst.l3_length[i], burst.hash[i], burst.set[i],
                        context.tick, &backend_id, &notes);
    if (AYA_UNLIKELY(backend == nullptr))
        return false;
    burst.backend[i] = backend;
    burst.begun |= static_cast<u32>(notes & AYA_NOTE_NEW) << i;
    count_notes(notes, service_id, context.counters);
    return true;
}

// The service of a VIP that is not in the memo, or AYA_SERVICE_NONE.
AYA_COLD u32 look_up(VipMemo &vips, const aya_view *view, u64 vip)
{
    const u32 service = aya_plain_service_ipv4(view, vip);
    if (service != AYA_SERVICE_NONE)
        vips.remember(vip, service);
    return service;
}

// A packet that was read as a plain one goes the long way from here.
void parse_again(Burst &burst, u32 i)
{
    const rte_mbuf *mbuf = burst.mbuf[i];
    aya_parse(frame_of(mbuf), end_of(mbuf), mbuf->pkt_len, &burst.packet[i]);
    burst.plain &= ~(1u << i);
}

// What stands for a frame that is too short, or not for us, or in parts: no plain packet.
alignas(AYA_CACHE_LINE) constexpr u8 kNoFrame[AYA_CACHE_LINE] = {};

// The frames of a burst, and how many bytes of each one's IP packet have arrived. In whole groups of kLanes.
struct Frames {
    const u8 *start[kBurst];
    u32 room[kBurst];
};

inline void list_frames(Burst &burst, const aya_stations &stations, Frames &frames)
{
    u64 bytes = 0;
    for (u32 i = 0; i < burst.count; i++) {
        const rte_mbuf *mbuf = burst.mbuf[i];
        bytes += mbuf->pkt_len;
        const u8 *frame = frame_of(mbuf);
        const bool readable =
            mbuf->nb_segs == 1 && aya_plain_link(frame, end_of(mbuf), &stations, AYA_PLAIN_HEADERS);
        frames.start[i] = AYA_LIKELY(readable) ? frame : kNoFrame;
        frames.room[i] = u32{mbuf->data_len} - u32{sizeof(aya_eth)};
    }
    for (u32 i = burst.count; i % kLanes != 0; i++) {
        frames.start[i] = kNoFrame;
        frames.room[i] = 0;
    }
    burst.bytes = bytes;
}

// With the widest vectors that the processor has.
#ifdef __x86_64__
[[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#endif
void read_frames(const Frames &frames, const BurstContext &context, Burst &burst)
{
    const aya_hash_key &key = context.view->settings->hash_key;
    u32 live = 0, opens = 0, plain = 0;
    for (u32 first = 0; first < burst.count; first += kLanes) {
        PlainLanes lanes;
        read_plain_lanes(&frames.start[first], &frames.room[first], key, lanes);
        live |= lanes.is_plain << first;
        opens |= lanes.opens << first;
        plain |= (lanes.opens | lanes.goes_on) << first;
        __builtin_memcpy(&burst.l3_length[first], lanes.l3_length, sizeof(lanes.l3_length));
        __builtin_memcpy(&burst.vip[first], lanes.vip, sizeof(lanes.vip));
        __builtin_memcpy(&burst.hash[first], lanes.hash, sizeof(lanes.hash));
        for (const u32 i : packets_of(lanes.is_plain << first))
            prefetch_set(burst, i, context);
    }
    burst.live = live;
    burst.opens = opens;
    burst.plain = plain;
}

void choose_backend(Burst &burst, u32 i, const BurstContext &context)
{
    const aya_view *view = context.view;
    const aya_packet *packet = &burst.packet[i];
    aya_verdict *verdict = &burst.verdict[i];
    if (AYA_UNLIKELY(burst.entry[i] == nullptr && aya_may_be_elsewhere(packet)))
        burst.entry[i] = find_elsewhere(burst, i, context);
    if (AYA_UNLIKELY(aya_may_have_id(aya_view_service(view, burst.service[i]), packet)))
        aya_choose_by_id(view, packet, frame_of(burst.mbuf[i]), end_of(burst.mbuf[i]), burst.service[i],
                         burst.hash[i], burst.set[i], burst.entry[i], context.tick, verdict);
    else
        aya_choose(view, packet, burst.service[i], burst.hash[i], burst.set[i], burst.entry[i], context.tick,
                   verdict);
    if (AYA_UNLIKELY(verdict->notes))
        count_notes(verdict->notes, verdict->service, context.counters);
    if (AYA_UNLIKELY(verdict->action != AYA_ACTION_FORWARD)) {
        burst.rest[burst.rest_count++] = static_cast<u8>(i);
        burst.live &= ~(1u << i);
        return;
    }
    if (AYA_UNLIKELY(packet->kind == AYA_KIND_FRAGMENT_FIRST))
        remember_fragment(*packet, *verdict, context);
    if (AYA_UNLIKELY(aya_needs_tunnel(verdict->backend)))
        rte_prefetch0(aya_view_tunnel(view, verdict->backend_id));
}

} // namespace

void read_plain_ipv4(Burst &burst, const BurstContext &context) noexcept
{
    const aya_view *view = context.view;
    const u32 count = burst.count;
    for (u32 i = 0; i < count; i++) // a NIC writes to the last-level cache at best
        rte_prefetch0(frame_of(burst.mbuf[i]));
    Frames frames;
    list_frames(burst, context.stations, frames);
    read_frames(frames, context, burst);
    u32 live = burst.live;
    for (const u32 i : packets_of(live)) {
        const u64 vip = burst.vip[i];
        u32 service = burst.vips.find(vip);
        if (AYA_UNLIKELY(service == AYA_SERVICE_NONE)) {
            service = look_up(burst.vips, view, vip);
            if (service == AYA_SERVICE_NONE) {
                live &= ~(1u << i);
                continue;
            }
        }
        burst.service[i] = static_cast<u16>(service);
    }
    burst.live = live;
    burst.opens &= live;
    burst.plain &= live;
    burst.ipv6 = burst.begun = 0;
}

void read_plain_ipv6(Burst &burst, const BurstContext &context) noexcept
{
    const aya_view *view = context.view;
    const u32 others = all_of(burst) & ~burst.live;
    for (const u32 i : packets_of(others)) // a TCP header behind IPv6 is not in the first line
        rte_prefetch0(frame_of(burst.mbuf[i]) + RTE_CACHE_LINE_SIZE);
    for (const u32 i : packets_of(others)) {
        const rte_mbuf *mbuf = burst.mbuf[i];
        aya_plain plain;
        if (mbuf->nb_segs != 1 ||
            !aya_plain_read_ipv6(frame_of(mbuf), end_of(mbuf), &context.stations, &plain))
            continue;
        const u32 service = aya_plain_service_ipv6(view, &plain);
        if (AYA_UNLIKELY(service == AYA_SERVICE_NONE))
            continue;
        burst.hash[i] = aya_plain_hash_ipv6(view->settings, &plain);
        burst.l3_length[i] = plain.l3_length;
        burst.service[i] = static_cast<u16>(service);
        prefetch_set(burst, i, context);
        const bool opens = aya_plain_opens(&plain), goes_on = aya_plain_goes_on(&plain);
        burst.live |= 1u << i;
        burst.opens |= static_cast<u32>(opens) << i;
        burst.plain |= static_cast<u32>(opens || goes_on) << i;
        burst.ipv6 |= 1u << i;
    }
}

void read_others(Burst &burst, const BurstContext &context) noexcept
{
    for (const u32 i : packets_of(burst.live & ~burst.plain)) // closes a connection
        parse_again(burst, i);
    u32 parsed = 0;
    for (const u32 i : packets_of(all_of(burst) & ~burst.live)) {
        const rte_mbuf *mbuf = burst.mbuf[i];
        const u8 *frame = frame_of(mbuf), *end = end_of(mbuf);
        const aya_reason reason = AYA_LIKELY(aya_is_for_us(frame, end, &context.stations))
                                      ? aya_parse(frame, end, mbuf->pkt_len, &burst.packet[i])
                                      : AYA_REASON_OTHER_STATION;
        if (AYA_LIKELY(reason == AYA_REASON_NONE))
            parsed |= 1u << i;
        else
            set_aside(burst, i, aya_punt_reason(context.view, &burst.packet[i], reason));
    }
    classify(burst, parsed, context);
}

void find_flows(Burst &burst, const BurstContext &context) noexcept
{
    const aya_view *view = context.view;
    const u32 plain = burst.plain;
    for (const u32 i : packets_of(burst.live)) {
        const u16 key_service =
            plain >> i & 1 ? burst.service[i] : aya_flow_service(&burst.packet[i], burst.service[i]);
        aya_flow_entry *entry = aya_flow_locate(burst.set[i], burst.hash[i], key_service);
        burst.entry[i] = entry;
        if (AYA_LIKELY(entry != nullptr)) {
            if (const aya_backend *backend = aya_view_backend(view, entry->backend))
                rte_prefetch0(backend);
            continue;
        }
        const aya_service *service = aya_view_service(view, burst.service[i]);
        if (service == nullptr || service->lookup_size == 0)
            continue;
        const u32 slot = service->lookup_offset + aya_slot(burst.hash[i], service->lookup_size);
        if (const u32 *line = aya_view_lookup(view, slot))
            rte_prefetch0(line);
    }
}

void choose_backends(Burst &burst, const BurstContext &context) noexcept
{
    const aya_view *view = context.view;
    const u16 tick = context.tick;
    for (const u32 i : packets_of(burst.live)) {
        if (AYA_LIKELY(burst.plain >> i & 1)) {
            if (AYA_LIKELY(!(burst.opens >> i & 1) && follow_plain(burst, i, view, tick)))
                continue;
            if (begin_plain(burst, i, context))
                continue;
            parse_again(burst, i);
        }
        choose_backend(burst, i, context);
    }
}

void rewrite_packets(Burst &burst, BurstContext &context) noexcept
{
    const aya_backend *const backends = context.view->backends;
    const WorkerCounters counters = context.counters;
    Outbox *const outboxes = context.outboxes;
    const u32 port_count = context.port_count;
    for (const u32 i : packets_of(burst.live)) {
        rte_mbuf *mbuf = burst.mbuf[i];
        Sent sent{AYA_REASON_NONE, 0};
        if (AYA_LIKELY(burst.plain >> i & 1)) {
            const aya_backend *backend = burst.backend[i];
            const u16 length = burst.l3_length[i];
            // Read once, as above.
            sent.egress = __atomic_load_n(&backend->egress_port, __ATOMIC_RELAXED);
            const u8 room = __atomic_load_n(&backend->outer_length, __ATOMIC_RELAXED);
            sent.reason = sent.egress < port_count ? make_room(mbuf, room) : AYA_REASON_INTERNAL;
            if (AYA_LIKELY(sent.reason == AYA_REASON_NONE)) {
                if (AYA_UNLIKELY(burst.ipv6 >> i & 1))
                    aya_plain_encap_ipv6(frame_of(mbuf), length, backend, room);
                else
                    aya_plain_encap_ipv4(frame_of(mbuf), length, backend, room);
                counters.count_forwarded(burst.service[i], static_cast<u32>(backend - backends), length);
            }
        } else {
            sent = rewrite_packet(burst, i, context);
        }
        if (AYA_UNLIKELY(sent.reason != AYA_REASON_NONE)) {
            counters.count_reason(static_cast<u8>(sent.reason));
            drop(burst, i);
            continue;
        }
        Outbox &outbox = outboxes[sent.egress];
        outbox.packets[outbox.count++] = mbuf;
        outbox.bytes += mbuf->pkt_len;
    }
}

void dispatch_rest(Burst &burst, BurstContext &context) noexcept
{
    for (u32 k = 0; k < burst.rest_count; k++) {
        const u32 i = burst.rest[k];
        auto reason = static_cast<aya_reason>(burst.verdict[i].reason);
        if (burst.verdict[i].action == AYA_ACTION_PUNT)
            reason = punt(burst, i, reason, context);
        else if (burst.verdict[i].action == AYA_ACTION_REPLY)
            reason = reply(burst, i, context);
        burst.verdict[i].reason = static_cast<u8>(reason);
        const aya_action action = aya_action_of(reason);
        if (action == AYA_ACTION_REPLY)
            continue; // sent and counted by the worker
        context.counters.count_reason(static_cast<u8>(reason));
        if (action == AYA_ACTION_DROP)
            drop(burst, i);
    }
    if (burst.drop_count != 0)
        rte_pktmbuf_free_bulk(burst.drop, burst.drop_count);
}

void decide_burst(Burst &burst, BurstContext &context) noexcept
{
    burst.rest_count = burst.drop_count = 0;
    read_plain_ipv4(burst, context);
    read_plain_ipv6(burst, context);
    read_others(burst, context);
    find_flows(burst, context);
    choose_backends(burst, context);
    rewrite_packets(burst, context);
}

void release_burst(Burst &burst, BurstContext &context) noexcept
{
    if (burst.rest_count != 0 || burst.drop_count != 0)
        dispatch_rest(burst, context);
}

void abandon_burst(Burst &burst, BurstContext &context) noexcept
{
    for (const u32 i : packets_of(burst.begun))
        take_back(context.view, burst.set[i], burst.hash[i], burst.service[i]);
    for (const u32 i : packets_of(burst.live & ~burst.plain))
        forget(burst, i, context);
    for (u32 port = 0; port < context.port_count; port++)
        context.outboxes[port].count = context.outboxes[port].bytes = 0;
    context.counters.count_reason(AYA_REASON_TAKEN_OVER, burst.count);
    rte_pktmbuf_free_bulk(burst.mbuf, burst.count);
}

void process_burst(Burst &burst, BurstContext &context) noexcept
{
    decide_burst(burst, context);
    release_burst(burst, context);
}

} // namespace aya
