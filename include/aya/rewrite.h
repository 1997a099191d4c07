// SPDX-License-Identifier: BSD-2-Clause
//
// From a verdict to the bytes that leave: encapsulation and ICMP replies, in place. The caller makes room in
// front of the frame (and trims its tail) with what its buffers offer, then calls with the new start.
//
// The offset of the IP header is a compile-time constant inside (14, 18 or 22 by VLAN tags), which is fast,
// and which the BPF verifier can follow.
#ifndef AYA_REWRITE_H
#define AYA_REWRITE_H

#include "aya/flow.h"
#include "aya/headers.h"
#include "aya/reasons.h"
#include "aya/tables.h"

enum {
    AYA_OUTER_TTL = 64,
    AYA_REPLY_TTL = 64,
    // Bytes of the offending packet that an ICMP error quotes at most: all headers, constant work. RFC 792
    // asks for header + 8; RFC 1812 and RFC 4443 would like more.
    AYA_REPLY_QUOTE_MAX = 128,
    AYA_REPLY_ROOM_IPV4 = sizeof(struct aya_ipv4) + sizeof(struct aya_icmp),
    AYA_REPLY_ROOM_IPV6 = sizeof(struct aya_ipv6) + sizeof(struct aya_icmp),
};

// RFC 1071. `sum` of at most 2^16 words.
AYA_INLINE u16 aya_checksum_fold(u32 sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (u16)~sum;
}

// RFC 1624 eqn. 3: the checksum after one 16-bit word changed; all in the byte order of the packet.
AYA_INLINE u16 aya_checksum_update(u16 checksum, u16 from, u16 to)
{
    return aya_checksum_fold((u32)(u16)~checksum + (u16)~from + to);
}

AYA_INLINE u16 aya_word(u8 first, u8 second)
{
    return (u16)(first | (second << 8));
}

// The TTL is the low byte of its word here, so one less there is one more in the checksum: RFC 1141.
AYA_INLINE void aya_decrement_ttl_ipv4(struct aya_ipv4 *ip)
{
    u32 checksum = (u32)ip->checksum + 1;
    ip->ttl--;
    ip->checksum = (u16)(checksum + (checksum >= 0xffff));
}

// Moves the VLAN tags of the frame that now stands `room` bytes further to the new start and writes `type`
// behind.
AYA_INLINE void aya_write_l2(u8 *frame, const u32 l3, const u32 room, be16 type)
{
    if (l3 == 18)
        aya_copy(frame + 12, frame + room + 12, 4);
    else if (l3 == 22)
        aya_copy(frame + 12, frame + room + 12, 8);
    *(be16 *)(frame + l3 - 2) = type;
}

// MACs, the VLAN tags of the frame, and the `type` of what stands behind.
AYA_INLINE void aya_write_outer_l2(u8 *frame, const u32 l3, const u32 room, const struct aya_backend *backend,
                                   u16 type)
{
    aya_write_l2(frame, l3, room, aya_cpu_to_be16(type));
    aya_copy(frame, backend->macs, sizeof(backend->macs));
}

// What an outer IP header names as its payload where nothing stands between it and the client's packet.
AYA_INLINE u8 aya_ip_in_ip(const struct aya_packet *packet)
{
    return packet->flow.family == AYA_IPV4 ? AYA_PROTO_IPIP : AYA_PROTO_IPV6;
}

// The whole outer header, in words. `room`: bytes of all outer headers. Not to be fragmented, so that the id
// may be 0: RFC 6864 4.1.
AYA_INLINE void aya_write_outer_ipv4(u8 *outer, const struct aya_packet *packet,
                                     const struct aya_backend *backend, const u32 room, u8 protocol)
{
    const u16 length = aya_cpu_to_be16((u16)(packet->l3_length + room)).raw;
    const u16 tos = aya_word(0, packet->tos); // RFC 6040 normal mode: ECN goes outward as it is
    const u16 checksum =
        aya_checksum_fold((u32)backend->partial_checksum + length + tos + aya_word(0, protocol));
    aya_store_u32(outer, (u32)length << 16 | tos | 0x45);
    aya_store_u32(outer + 4, (u32)aya_cpu_to_be16(AYA_IPV4_DF).raw << 16);
    aya_store_u32(outer + 8, (u32)checksum << 16 | aya_word(AYA_OUTER_TTL, protocol));
    aya_copy(outer + 12, &backend->outer_src, 8);
}

// The flow label carries entropy for the network's own load sharing: RFC 6438.
AYA_INLINE void aya_patch_outer_ipv6(struct aya_ipv6 *outer, const struct aya_packet *packet, u64 hash,
                                     const u32 room, u8 protocol)
{
    outer->version_class[0] = (u8)(0x60 | (packet->tos >> 4));
    outer->version_class[1] = (u8)((u32)packet->tos << 4 | (u32)(hash & 0x0f));
    outer->flow_label = (u16)(hash >> 16);
    outer->payload_length = aya_cpu_to_be16((u16)(packet->l3_length + room - sizeof(*outer)));
    outer->next_header = protocol;
}

// The source port carries entropy, for RSS and for the network's load sharing: draft-ietf-intarea-gue 5.11.
// The checksum stays 0, over IPv6 as well: RFC 6935 5.
AYA_INLINE void aya_patch_outer_udp(struct aya_udp *outer, const struct aya_packet *packet, u64 hash)
{
    outer->src_port = aya_cpu_to_be16((u16)(AYA_ENTROPY_PORT | (hash & AYA_ENTROPY_MASK)));
    outer->length = aya_cpu_to_be16((u16)(packet->l3_length + sizeof(*outer)));
}

AYA_INLINE void aya_encap_gue_ipv4(u8 *frame, const u32 l3, const struct aya_packet *packet,
                                   const struct aya_backend *backend, const struct aya_tunnel *tunnel,
                                   u64 hash)
{
    u8 *udp = frame + l3 + sizeof(struct aya_ipv4);
    aya_write_outer_l2(frame, l3, AYA_OUTER_GUE_IPV4, backend, AYA_ETHERTYPE_IPV4);
    aya_write_outer_ipv4(frame + l3, packet, backend, AYA_OUTER_GUE_IPV4, AYA_PROTO_UDP);
    aya_copy(udp, tunnel->udp, sizeof(tunnel->udp));
    aya_patch_outer_udp((struct aya_udp *)udp, packet, hash);
}

AYA_INLINE void aya_encap_ipv6(u8 *frame, const u32 l3, const struct aya_packet *packet,
                               const struct aya_backend *backend, const struct aya_tunnel *tunnel, u64 hash)
{
    aya_write_outer_l2(frame, l3, AYA_OUTER_IPV6, backend, AYA_ETHERTYPE_IPV6);
    aya_copy(frame + l3, tunnel->ipv6, sizeof(tunnel->ipv6));
    aya_patch_outer_ipv6((struct aya_ipv6 *)(frame + l3), packet, hash, AYA_OUTER_IPV6, aya_ip_in_ip(packet));
}

AYA_INLINE void aya_encap_gue_ipv6(u8 *frame, const u32 l3, const struct aya_packet *packet,
                                   const struct aya_backend *backend, const struct aya_tunnel *tunnel,
                                   u64 hash)
{
    struct aya_ipv6 *outer = (struct aya_ipv6 *)(frame + l3);
    aya_write_outer_l2(frame, l3, AYA_OUTER_GUE_IPV6, backend, AYA_ETHERTYPE_IPV6);
    aya_copy(outer, tunnel->ipv6, AYA_OUTER_GUE_IPV6);
    aya_patch_outer_ipv6(outer, packet, hash, AYA_OUTER_GUE_IPV6, AYA_PROTO_UDP);
    aya_patch_outer_udp((struct aya_udp *)(outer + 1), packet, hash);
}

AYA_INLINE enum aya_reason aya_encap_at(u8 *frame, const u8 *end, const u32 l3,
                                        const struct aya_packet *packet, const struct aya_backend *backend,
                                        const struct aya_tunnel *tunnel, u64 hash)
{
    // Every inner packet has at least an IPv4 header, so that this one check covers all but an IPv6 hop
    // limit's byte, which lies before it as well.
    const u32 room = backend->outer_length;
    u8 *inner = frame + l3;
    if (AYA_LIKELY(room == AYA_OUTER_IPV4)) {
        inner += AYA_OUTER_IPV4;
        if (inner + sizeof(struct aya_ipv4) > end)
            return AYA_REASON_TRUNCATED;
        aya_write_outer_l2(frame, l3, AYA_OUTER_IPV4, backend, AYA_ETHERTYPE_IPV4);
        aya_write_outer_ipv4(frame + l3, packet, backend, AYA_OUTER_IPV4, aya_ip_in_ip(packet));
    } else if (room == AYA_OUTER_NONE) {
        if (inner + sizeof(struct aya_ipv4) > end)
            return AYA_REASON_TRUNCATED;
        aya_copy(frame, backend->macs, sizeof(backend->macs));
    } else if (!tunnel) {
        return AYA_REASON_INTERNAL;
    } else if (room == AYA_OUTER_IPV6) {
        inner += AYA_OUTER_IPV6;
        if (inner + sizeof(struct aya_ipv4) > end)
            return AYA_REASON_TRUNCATED;
        aya_encap_ipv6(frame, l3, packet, backend, tunnel, hash);
    } else if (room == AYA_OUTER_GUE_IPV4) {
        inner += AYA_OUTER_GUE_IPV4;
        if (inner + sizeof(struct aya_ipv4) > end)
            return AYA_REASON_TRUNCATED;
        aya_encap_gue_ipv4(frame, l3, packet, backend, tunnel, hash);
    } else if (room == AYA_OUTER_GUE_IPV6) {
        inner += AYA_OUTER_GUE_IPV6;
        if (inner + sizeof(struct aya_ipv4) > end)
            return AYA_REASON_TRUNCATED;
        aya_encap_gue_ipv6(frame, l3, packet, backend, tunnel, hash);
    } else {
        return AYA_REASON_INTERNAL; // no control plane of ours writes such an entry
    }
    if (AYA_LIKELY(packet->flow.family == AYA_IPV4))
        aya_decrement_ttl_ipv4((struct aya_ipv4 *)inner);
    else
        ((struct aya_ipv6 *)inner)->hop_limit--;
    return AYA_REASON_NONE;
}

AYA_INLINE int aya_needs_tunnel(const struct aya_backend *backend)
{
    return backend->outer_length > AYA_OUTER_IPV4;
}

// Makes the frame that goes to `backend`. The caller has moved the start of the frame forward by
// backend->outer_length bytes; `frame` is the new start, the packet's own bytes follow that room. `tunnel` is
// the backend's if aya_needs_tunnel(), else anything. NONE, or TRUNCATED if the buffer is not as parsed, or
// INTERNAL if the entry is none of ours (then nothing may be sent).
AYA_INLINE enum aya_reason aya_encap(u8 *frame, const u8 *end, const struct aya_packet *packet,
                                     const struct aya_backend *backend, const struct aya_tunnel *tunnel,
                                     u64 hash)
{
    if (AYA_LIKELY(packet->l3_offset == 14))
        return aya_encap_at(frame, end, 14, packet, backend, tunnel, hash);
    if (packet->l3_offset == 18)
        return aya_encap_at(frame, end, 18, packet, backend, tunnel, hash);
    return aya_encap_at(frame, end, 22, packet, backend, tunnel, hash);
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
        aya_swap_halves(ip->src, ip->dst, 8); // the pseudo header's sum stays
        type = AYA_ICMPV6_ECHO_REPLY;
    }
    icmp->checksum =
        aya_checksum_update(icmp->checksum, aya_word(icmp->type, icmp->code), aya_word((u8)type, 0));
    if (icmp->checksum == 0)
        icmp->checksum = 0xffff; // the other zero: right also for a reply of nothing but zeros
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
        AYA_OPAQUE(i); // not worth unrolling, by far
        const u16 *half = (const u16 *)quote + 2 * i;
        if (4 * i >= length)
            break;
        if ((const u8 *)(half + 2) > end)
            return AYA_REASON_TRUNCATED;
        *sum += (u32)half[0] + half[1];
    }
    return AYA_REASON_NONE;
}

// The 32-bit word in two raw halves, for a checksum.
AYA_INLINE u32 aya_sum_be32(be32 word)
{
    return (word.raw & 0xffff) + (word.raw >> 16);
}

AYA_INLINE void aya_store_be32(u16 half[2], be32 word)
{
    half[0] = (u16)word.raw;
    half[1] = (u16)(word.raw >> 16);
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
    return AYA_REASON_NONE;
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
        AYA_OPAQUE(sum); // one after the other: all at once they fill the stack of a BPF program
    }

    icmp->type = too_big ? AYA_ICMPV6_PACKET_TOO_BIG : AYA_ICMPV6_TIME_EXCEEDED;
    icmp->code = 0;
    icmp->rest[0] = 0;
    icmp->rest[1] = too_big ? aya_cpu_to_be16(mtu).raw : 0; // a 32-bit field, RFC 4443 3.2
    icmp->checksum = aya_checksum_fold(sum + aya_word(icmp->type, 0) + icmp->rest[1]);
    return AYA_REASON_NONE;
}

AYA_INLINE enum aya_reason aya_reply_error_at(u8 *frame, const u8 *end, const u32 l3,
                                              const struct aya_packet *packet, enum aya_reason reason,
                                              u16 mtu)
{
    if (packet->flow.family == AYA_IPV4)
        return aya_reply_error_ipv4(frame, end, l3, packet, reason, mtu);
    return aya_reply_error_ipv6(frame, end, l3, packet, reason, mtu);
}

// Makes the ICMP error for REPLY_TIME_EXCEEDED or REPLY_TOO_BIG (`mtu`: what would fit). The caller has cut
// the frame to l3_offset + aya_reply_quote() and moved its start forward by aya_reply_room(); `frame` is the
// new start. The VIP itself is the source: the client knows it, and it needs no address of the balancer's.
AYA_INLINE enum aya_reason aya_reply_error(u8 *frame, const u8 *end, const struct aya_packet *packet,
                                           enum aya_reason reason, u16 mtu)
{
    if (AYA_LIKELY(packet->l3_offset == 14))
        return aya_reply_error_at(frame, end, 14, packet, reason, mtu);
    if (packet->l3_offset == 18)
        return aya_reply_error_at(frame, end, 18, packet, reason, mtu);
    return aya_reply_error_at(frame, end, 22, packet, reason, mtu);
}

#endif
