// SPDX-License-Identifier: BSD-2-Clause
//
// ICMP replies: how many are sent, and their bytes, in place. The caller cuts the tail of the frame and makes
// room in front of it with what its buffers offer, then calls with the new start.
//
// The offset of the IP header is a compile-time constant inside (14, 18 or 22 by VLAN tags), which is fast,
// and which the BPF verifier can follow.
#ifndef AYA_REPLY_H
#define AYA_REPLY_H

#include "aya/budgets.h"
#include "aya/checksum.h"
#include "aya/flow.h"
#include "aya/hash.h"
#include "aya/headers.h"
#include "aya/reasons.h"

enum {
    AYA_REPLY_TTL = 64,
    // The most bytes of the offending packet that an ICMP error quotes: all headers, constant work. RFC 792
    // requires header + 8; RFC 1812 and RFC 4443 recommend more.
    AYA_REPLY_QUOTE_MAX = 128,
    AYA_REPLY_ROOM_IPV4 = sizeof(struct aya_ipv4) + sizeof(struct aya_icmp),
    AYA_REPLY_ROOM_IPV6 = sizeof(struct aya_ipv6) + sizeof(struct aya_icmp),
};

// AYA sends its own ICMP at a limited rate: RFC 1812 4.3.2.8. Each kind has a budget of its own, so that
// pings cannot take what path MTU discovery needs. Without that, connections hang, so of these each source
// has a budget that it shares with few others: struct aya_source_limits.
enum {
    AYA_REPLIES_PER_SECOND = 1000, // of one kind, per worker
    AYA_REPLIES_BURST = 100,
    AYA_TOO_BIG_PER_SECOND = 100, // per budget
    AYA_TOO_BIG_BURST = 20,
    AYA_BACKEND_DOWN_PER_SECOND = 20000, // all connections of a server, within seconds
    AYA_BACKEND_DOWN_BURST = 2000,
};

AYA_INLINE int aya_reply_allowed(struct aya_limits *limits, enum aya_reason reply,
                                 const struct aya_hash_key *key, const struct aya_packet *packet, u64 now_ns)
{
    if (reply == AYA_REASON_REPLY_TOO_BIG)
        return aya_take_source_token(&limits->reply_too_big, key, &packet->flow, now_ns,
                                     AYA_TOO_BIG_PER_SECOND, AYA_TOO_BIG_BURST);
    if (reply == AYA_REASON_REPLY_BACKEND_DOWN)
        return aya_take_token(&limits->reply_backend_down, now_ns, AYA_BACKEND_DOWN_PER_SECOND,
                              AYA_BACKEND_DOWN_BURST);
    struct aya_limit *limit = &limits->reply_time_exceeded;
    if (reply == AYA_REASON_REPLY_ECHO)
        limit = &limits->reply_echo;
    else if (reply == AYA_REASON_REPLY_RESET)
        limit = &limits->reply_reset;
    return aya_take_token(limit, now_ns, AYA_REPLIES_PER_SECOND, AYA_REPLIES_BURST);
}

// Why a packet that should have got a reply is dropped without one.
AYA_INLINE enum aya_reason aya_reply_refused(enum aya_reason reply)
{
    if (reply == AYA_REASON_REPLY_ECHO)
        return AYA_REASON_REPLY_LIMIT;
    if (reply == AYA_REASON_REPLY_RESET)
        return AYA_REASON_UNSERVED;
    if (reply == AYA_REASON_REPLY_BACKEND_DOWN)
        return AYA_REASON_BACKEND_DOWN;
    return reply == AYA_REASON_REPLY_TIME_EXCEEDED ? AYA_REASON_TTL_EXPIRED : AYA_REASON_TOO_BIG;
}

AYA_INLINE void aya_swap_macs(u8 *to, const u8 *from)
{
    AYA_ALIGNED(8) u8 macs[12];
    aya_copy(macs, from, sizeof(macs));
    aya_copy(to, macs + 6, 6);
    aya_copy(to + 6, macs, 6);
}

AYA_INLINE void aya_swap_halves(u16 *a, u16 *b, const u32 halves)
{
    for (u32 i = 0; i < halves; i++) {
        u16 kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

AYA_INLINE enum aya_reason aya_reply_echo_at(u8 *frame, const u8 *end, const u32 l3,
                                             const struct aya_packet *packet)
{
    struct aya_icmp *icmp;
    u16 type;
    if (packet->flow.family == AYA_IPV4) {
        struct aya_ipv4 *ip = (struct aya_ipv4 *)(frame + l3);
        icmp = (struct aya_icmp *)(ip + 1);
        if ((const u8 *)(icmp + 1) > end)
            return AYA_REASON_TRUNCATED;
        u16 from = aya_word(ip->ttl, ip->protocol);
        ip->ttl = AYA_REPLY_TTL;
        ip->checksum = aya_checksum_update(ip->checksum, from, aya_word(ip->ttl, ip->protocol));
        aya_swap_halves(ip->src, ip->dst, 2);
        type = AYA_ICMP_ECHO_REPLY;
    } else {
        struct aya_ipv6 *ip = (struct aya_ipv6 *)(frame + l3);
        icmp = (struct aya_icmp *)(ip + 1);
        if ((const u8 *)(icmp + 1) > end)
            return AYA_REASON_TRUNCATED;
        ip->hop_limit = AYA_REPLY_TTL;
        aya_swap_halves(ip->src, ip->dst, 8); // the pseudo header's sum is unchanged
        type = AYA_ICMPV6_ECHO_REPLY;
    }
    icmp->checksum =
        aya_checksum_update(icmp->checksum, aya_word(icmp->type, icmp->code), aya_word((u8)type, 0));
    if (icmp->checksum == 0)
        icmp->checksum = 0xffff; // the other zero: also correct for a reply of only zeros
    icmp->type = (u8)type;
    icmp->code = 0;
    aya_swap_macs(frame, frame);
    return AYA_REASON_NONE;
}

// Turns an echo request into its reply, in place.
AYA_INLINE enum aya_reason aya_reply_echo(u8 *frame, const u8 *end, const struct aya_packet *packet)
{
    if (AYA_LIKELY(packet->l3_offset == 14))
        return aya_reply_echo_at(frame, end, 14, packet);
    if (packet->l3_offset == 18)
        return aya_reply_echo_at(frame, end, 18, packet);
    return aya_reply_echo_at(frame, end, 22, packet);
}

// Bytes that an ICMP error needs in front of the frame.
AYA_INLINE u32 aya_reply_room(const struct aya_packet *packet)
{
    return packet->flow.family == AYA_IPV4 ? (u32)AYA_REPLY_ROOM_IPV4 : (u32)AYA_REPLY_ROOM_IPV6;
}

// Bytes of the IP packet that it quotes: a multiple of 4. The caller cuts the frame to l3_offset + this.
AYA_INLINE u32 aya_reply_quote(const struct aya_packet *packet)
{
    u32 length = packet->l3_length;
    return (length < AYA_REPLY_QUOTE_MAX ? length : (u32)AYA_REPLY_QUOTE_MAX) & ~3u;
}

AYA_INLINE enum aya_reason aya_sum_quote(const u8 *quote, const u8 *end, u32 length, u32 *sum)
{
    for (u32 i = 0; i < AYA_REPLY_QUOTE_MAX / 4; i++) {
        AYA_OPAQUE(i); // far from worth unrolling
        const u16 *half = (const u16 *)quote + 2 * i;
        if (4 * i >= length)
            break;
        if ((const u8 *)(half + 2) > end)
            return AYA_REASON_TRUNCATED;
        *sum += (u32)half[0] + half[1];
    }
    return AYA_REASON_NONE;
}

AYA_INLINE enum aya_reason aya_reply_error_ipv4(u8 *frame, const u8 *end, const u32 l3,
                                                const struct aya_packet *packet, enum aya_reason reason,
                                                u16 mtu)
{
    struct aya_ipv4 *ip = (struct aya_ipv4 *)(frame + l3);
    struct aya_icmp *icmp = (struct aya_icmp *)(ip + 1);
    u32 quote = aya_reply_quote(packet);
    int too_big = reason == AYA_REASON_REPLY_TOO_BIG;
    u32 sum = 0;
    if ((const u8 *)(icmp + 1) + sizeof(struct aya_eth) > end)
        return AYA_REASON_TRUNCATED;
    if (aya_sum_quote((const u8 *)(icmp + 1), end, quote, &sum) != AYA_REASON_NONE)
        return AYA_REASON_TRUNCATED;

    aya_swap_macs(frame, frame + AYA_REPLY_ROOM_IPV4);
    aya_write_l2(frame, l3, AYA_REPLY_ROOM_IPV4, aya_cpu_to_be16(AYA_ETHERTYPE_IPV4));
    ip->version_ihl = 0x45;
    ip->tos = 0;
    ip->total_length = aya_cpu_to_be16((u16)(AYA_REPLY_ROOM_IPV4 + quote));
    ip->id = aya_cpu_to_be16(0);
    ip->flags_offset = aya_cpu_to_be16(AYA_IPV4_DF);
    ip->ttl = AYA_REPLY_TTL;
    ip->protocol = AYA_PROTO_ICMP;
    aya_store_be32(ip->src, packet->flow.dst[3]);
    aya_store_be32(ip->dst, packet->flow.src[3]);
    ip->checksum = aya_checksum_fold((u32)aya_word(0x45, 0) + ip->total_length.raw + ip->flags_offset.raw +
                                     aya_word(AYA_REPLY_TTL, AYA_PROTO_ICMP) +
                                     aya_sum_be32(packet->flow.dst[3]) + aya_sum_be32(packet->flow.src[3]));

    icmp->type = too_big ? AYA_ICMP_UNREACHABLE : AYA_ICMP_TIME_EXCEEDED;
    icmp->code = too_big ? AYA_ICMP_FRAG_NEEDED : 0;
    icmp->rest[0] = 0;
    icmp->rest[1] = too_big ? aya_cpu_to_be16(mtu).raw : 0; // RFC 1191 4
    icmp->checksum = aya_checksum_fold(sum + aya_word(icmp->type, icmp->code) + icmp->rest[1]);
    // Where the sender left it open, routers would have fragmented, and it may not heed the error.
    const struct aya_ipv4 *quoted = (const struct aya_ipv4 *)(icmp + 1);
    return too_big && !(aya_read_be16(&quoted->flags_offset) & AYA_IPV4_DF) ? AYA_REASON_REPLY_NO_DF : reason;
}

AYA_INLINE enum aya_reason aya_reply_error_ipv6(u8 *frame, const u8 *end, const u32 l3,
                                                const struct aya_packet *packet, enum aya_reason reason,
                                                u16 mtu)
{
    struct aya_ipv6 *ip = (struct aya_ipv6 *)(frame + l3);
    struct aya_icmp *icmp = (struct aya_icmp *)(ip + 1);
    u32 quote = aya_reply_quote(packet);
    int too_big = reason == AYA_REASON_REPLY_TOO_BIG;
    u32 sum = 0;
    if ((const u8 *)(icmp + 1) + sizeof(struct aya_eth) > end)
        return AYA_REASON_TRUNCATED;
    if (aya_sum_quote((const u8 *)(icmp + 1), end, quote, &sum) != AYA_REASON_NONE)
        return AYA_REASON_TRUNCATED;

    aya_swap_macs(frame, frame + AYA_REPLY_ROOM_IPV6);
    aya_write_l2(frame, l3, AYA_REPLY_ROOM_IPV6, aya_cpu_to_be16(AYA_ETHERTYPE_IPV6));
    ip->version_class[0] = 0x60;
    ip->version_class[1] = 0;
    ip->flow_label = 0;
    ip->payload_length = aya_cpu_to_be16((u16)(sizeof(*icmp) + quote));
    ip->next_header = AYA_PROTO_ICMPV6;
    ip->hop_limit = AYA_REPLY_TTL;
    sum += ip->payload_length.raw + aya_word(0, AYA_PROTO_ICMPV6); // pseudo header, RFC 8200 8.1
    for (u32 i = 0; i < 4; i++) {
        aya_store_be32(ip->src + 2 * i, packet->flow.dst[i]);
        aya_store_be32(ip->dst + 2 * i, packet->flow.src[i]);
        sum += aya_sum_be32(packet->flow.dst[i]) + aya_sum_be32(packet->flow.src[i]);
        AYA_OPAQUE(sum); // one after the other: all at once would fill the stack of a BPF program
    }

    icmp->type = too_big ? AYA_ICMPV6_PACKET_TOO_BIG : AYA_ICMPV6_TIME_EXCEEDED;
    icmp->code = 0;
    icmp->rest[0] = 0;
    icmp->rest[1] = too_big ? aya_cpu_to_be16(mtu).raw : 0; // a 32-bit field, RFC 4443 3.2
    icmp->checksum = aya_checksum_fold(sum + aya_word(icmp->type, 0) + icmp->rest[1]);
    return reason;
}

AYA_INLINE enum aya_reason aya_reply_error_at(u8 *frame, const u8 *end, const u32 l3,
                                              const struct aya_packet *packet, enum aya_reason reason,
                                              u16 mtu)
{
    if (packet->flow.family == AYA_IPV4)
        return aya_reply_error_ipv4(frame, end, l3, packet, reason, mtu);
    return aya_reply_error_ipv6(frame, end, l3, packet, reason, mtu);
}

// Makes the ICMP error for REPLY_TIME_EXCEEDED or REPLY_TOO_BIG (`mtu`: what would fit). The
// caller has cut the frame to l3_offset + aya_reply_quote() and moved its start forward by aya_reply_room();
// `frame` is the new start. The VIP itself is the source: the client knows it, and no address of the balancer
// is needed.
AYA_INLINE enum aya_reason aya_reply_error(u8 *frame, const u8 *end, const struct aya_packet *packet,
                                           enum aya_reason reason, u16 mtu)
{
    if (packet->flow.family == AYA_IPV6 && mtu < AYA_IPV6_MIN_MTU)
        mtu = AYA_IPV6_MIN_MTU; // a sender ignores less: RFC 8201 4
    if (AYA_LIKELY(packet->l3_offset == 14))
        return aya_reply_error_at(frame, end, 14, packet, reason, mtu);
    if (packet->l3_offset == 18)
        return aya_reply_error_at(frame, end, 18, packet, reason, mtu);
    return aya_reply_error_at(frame, end, 22, packet, reason, mtu);
}

#endif
