// SPDX-License-Identifier: BSD-2-Clause
//
// From a verdict to the bytes that go to the backend, in place. The caller makes room in front of the frame
// with what its buffers offer, then calls with the new start.
//
// The offset of the IP header is a compile-time constant inside (14, 18 or 22 by VLAN tags), which is fast,
// and which the BPF verifier can follow.
#ifndef AYA_ENCAP_H
#define AYA_ENCAP_H

#include "aya/checksum.h"
#include "aya/flow.h"
#include "aya/headers.h"
#include "aya/reasons.h"
#include "aya/tables.h"

enum {
    AYA_OUTER_TTL = 64,
};

// The TTL is the low byte of its word here, so decrementing it increments the checksum by one: RFC 1141. TTL,
// protocol and checksum are one word, whose upper half is the checksum.
AYA_INLINE void aya_decrement_ttl_ipv4(struct aya_ipv4 *ip)
{
    u32 word = aya_load_u32(&ip->ttl);
    u32 carry = word >= 0xfffe0000u;
    aya_store_u32(&ip->ttl, word + 0x10000 + (carry << 16) - 1);
}

// MACs, the VLAN tags of the frame, and the `type` of what follows.
AYA_INLINE void aya_write_outer_l2(u8 *frame, const u32 l3, const u32 room, const struct aya_backend *backend,
                                   u16 type)
{
    aya_write_l2(frame, l3, room, aya_cpu_to_be16(type));
    aya_copy(frame, backend->macs, sizeof(backend->macs));
}

// The protocol in an outer IP header that is directly followed by the client's packet.
AYA_INLINE u8 aya_ip_in_ip(const struct aya_packet *packet)
{
    return packet->flow.family == AYA_IPV4 ? AYA_PROTO_IPIP : AYA_PROTO_IPV6;
}

// The whole outer header, in words. `room`: bytes of all outer headers. Must not be fragmented, so that the
// id may be 0: RFC 6864 4.1.
AYA_INLINE void aya_write_outer_ipv4(u8 *outer, const struct aya_packet *packet,
                                     const struct aya_backend *backend, const u32 room, u8 protocol)
{
    const u16 length = aya_cpu_to_be16((u16)(packet->l3_length + room)).raw;
    const u16 tos = aya_word(0, packet->tos); // RFC 6040 normal mode: ECN is copied outward
    const u16 checksum =
        aya_checksum_fold((u32)backend->partial_checksum + length + tos + aya_word(0, protocol));
    aya_store_u64(outer, (u64)aya_cpu_to_be16(AYA_IPV4_DF).raw << 48 | (u32)length << 16 | tos | 0x45);
    aya_store_u32(outer + 8, (u32)checksum << 16 | aya_word(AYA_OUTER_TTL, protocol));
    aya_copy(outer + 12, &backend->outer_src, 8);
}

// The flow label carries entropy for load sharing in the network: RFC 6438.
AYA_INLINE void aya_patch_outer_ipv6(struct aya_ipv6 *outer, const struct aya_packet *packet, u64 hash,
                                     const u32 room, u8 protocol)
{
    outer->version_class[0] = (u8)(0x60 | (packet->tos >> 4));
    outer->version_class[1] = (u8)((u32)packet->tos << 4 | (u32)(hash & 0x0f));
    outer->flow_label = (u16)(hash >> 16);
    outer->payload_length = aya_cpu_to_be16((u16)(packet->l3_length + room - sizeof(*outer)));
    outer->next_header = protocol;
}

// The source port carries entropy, for RSS and for load sharing in the network: draft-ietf-intarea-gue 5.11.
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
    // Every inner packet has at least an IPv4 header, so this one check covers everything, including the
    // byte of an IPv6 hop limit, which is within that length.
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
        return AYA_REASON_INTERNAL; // our control plane never writes such an entry
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
// backend->outer_length bytes; `frame` is the new start, and the packet's own bytes follow that room.
// `tunnel` is the backend's if aya_needs_tunnel(), else ignored. Returns NONE, or TRUNCATED if the buffer is
// not as parsed, or INTERNAL if the entry is not one of ours (then nothing may be sent).
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

#endif
