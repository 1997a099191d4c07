// SPDX-License-Identifier: BSD-2-Clause
//
// The RST that answers a SYN to a port of a VIP's address that no service takes, or a packet of a connection
// whose backend is down, in place: RFC 9293 3.10.7.1. No longer than what it answers, and one for one, so
// that it amplifies nothing.
#ifndef AYA_RESET_H
#define AYA_RESET_H

#include "aya/checksum.h"
#include "aya/flow.h"
#include "aya/headers.h"
#include "aya/reasons.h"
#include "aya/reply.h"

// Bytes of the IP packet that is the RST. The caller cuts the frame to l3_offset + this.
AYA_INLINE u32 aya_reset_length(const struct aya_packet *packet)
{
    return (u32)sizeof(struct aya_tcp) +
           (packet->flow.family == AYA_IPV4 ? (u32)sizeof(struct aya_ipv4) : (u32)sizeof(struct aya_ipv6));
}

// What a packet without ACK acknowledges is all of it, and SYN and FIN count as one each. One with ACK says
// which sequence number its sender takes a RST with: RFC 5961 3.2. `headers`: bytes before the TCP header;
// `pseudo`: sum of the pseudo header.
AYA_INLINE void aya_reset_tcp(struct aya_tcp *tcp, const struct aya_packet *packet, const u32 headers,
                              u32 pseudo)
{
    const u32 data = packet->l3_length - headers - (u32)(tcp->data_offset >> 4) * 4;
    const u32 controls = !!(tcp->flags & AYA_TCP_SYN) + (u32) !!(tcp->flags & AYA_TCP_FIN);
    const be32 none = {0};
    const be32 expected = aya_load_be32(tcp->acknowledgement);
    const be32 end = aya_cpu_to_be32(aya_be32_to_cpu(aya_load_be32(tcp->sequence)) + data + controls);
    const int acknowledges = tcp->flags & AYA_TCP_ACK;
    be16 port = tcp->src_port;
    tcp->src_port = tcp->dst_port;
    tcp->dst_port = port;
    aya_store_be32(tcp->sequence, acknowledges ? expected : none);
    aya_store_be32(tcp->acknowledgement, acknowledges ? none : end);
    tcp->data_offset = (sizeof(*tcp) / 4) << 4;
    tcp->flags = acknowledges ? AYA_TCP_RST : AYA_TCP_RST | AYA_TCP_ACK;
    tcp->window = tcp->urgent = aya_cpu_to_be16(0);
    tcp->checksum = aya_checksum_fold(
        pseudo + aya_word(0, AYA_PROTO_TCP) + aya_cpu_to_be16(sizeof(*tcp)).raw + tcp->src_port.raw +
        tcp->dst_port.raw + tcp->sequence[0] + tcp->sequence[1] + tcp->acknowledgement[0] +
        tcp->acknowledgement[1] + aya_word(tcp->data_offset, tcp->flags));
}

AYA_INLINE enum aya_reason aya_reset_ipv4(u8 *frame, const u8 *end, const u32 l3,
                                          const struct aya_packet *packet, enum aya_reason reply)
{
    struct aya_ipv4 *ip = (struct aya_ipv4 *)(frame + l3);
    struct aya_tcp *tcp = (struct aya_tcp *)(ip + 1);
    if ((const u8 *)(tcp + 1) > end)
        return AYA_REASON_TRUNCATED;
    if (ip->version_ihl != 0x45)
        return aya_reply_refused(reply); // no stack sends options with TCP
    u32 addresses = aya_sum_be32(packet->flow.src[3]) + aya_sum_be32(packet->flow.dst[3]);
    ip->tos = 0;
    ip->total_length = aya_cpu_to_be16(sizeof(*ip) + sizeof(*tcp));
    ip->id = aya_cpu_to_be16(0);
    ip->flags_offset = aya_cpu_to_be16(AYA_IPV4_DF);
    ip->ttl = AYA_REPLY_TTL;
    aya_store_be32(ip->src, packet->flow.dst[3]);
    aya_store_be32(ip->dst, packet->flow.src[3]);
    ip->checksum = aya_checksum_fold(addresses + aya_word(0x45, 0) + ip->total_length.raw +
                                     ip->flags_offset.raw + aya_word(AYA_REPLY_TTL, AYA_PROTO_TCP));
    aya_reset_tcp(tcp, packet, sizeof(*ip), addresses);
    aya_swap_macs(frame, frame);
    return reply;
}

AYA_INLINE enum aya_reason aya_reset_ipv6(u8 *frame, const u8 *end, const u32 l3,
                                          const struct aya_packet *packet, enum aya_reason reply)
{
    struct aya_ipv6 *ip = (struct aya_ipv6 *)(frame + l3);
    struct aya_tcp *tcp = (struct aya_tcp *)(ip + 1);
    if ((const u8 *)(tcp + 1) > end)
        return AYA_REASON_TRUNCATED;
    if (ip->next_header != AYA_PROTO_TCP)
        return aya_reply_refused(reply); // behind extension headers
    u32 sum = 0;
    for (u32 i = 0; i < 4; i++) {
        aya_store_be32(ip->src + 2 * i, packet->flow.dst[i]);
        aya_store_be32(ip->dst + 2 * i, packet->flow.src[i]);
        sum += aya_sum_be32(packet->flow.src[i]) + aya_sum_be32(packet->flow.dst[i]);
        AYA_OPAQUE(sum); // one after the other: all at once would fill the stack of a BPF program
    }
    ip->version_class[0] = 0x60;
    ip->version_class[1] = 0;
    ip->flow_label = 0;
    ip->payload_length = aya_cpu_to_be16(sizeof(*tcp));
    ip->hop_limit = AYA_REPLY_TTL;
    aya_reset_tcp(tcp, packet, sizeof(*ip), sum);
    aya_swap_macs(frame, frame);
    return reply;
}

AYA_INLINE enum aya_reason aya_reset_at(u8 *frame, const u8 *end, const u32 l3,
                                        const struct aya_packet *packet, enum aya_reason reply)
{
    return packet->flow.family == AYA_IPV4 ? aya_reset_ipv4(frame, end, l3, packet, reply)
                                           : aya_reset_ipv6(frame, end, l3, packet, reply);
}

// Whether this reply is a RST.
AYA_INLINE int aya_is_reset(enum aya_reason reply)
{
    return reply == AYA_REASON_REPLY_RESET || reply == AYA_REASON_REPLY_BACKEND_DOWN;
}

// Turns a TCP packet into the RST that answers it. Returns `reply`, or why there is none.
AYA_INLINE enum aya_reason aya_reply_reset(u8 *frame, const u8 *end, const struct aya_packet *packet,
                                           enum aya_reason reply)
{
    if (AYA_LIKELY(packet->l3_offset == 14))
        return aya_reset_at(frame, end, 14, packet, reply);
    if (packet->l3_offset == 18)
        return aya_reset_at(frame, end, 18, packet, reply);
    return aya_reset_at(frame, end, 22, packet, reply);
}

#endif
