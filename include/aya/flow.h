// SPDX-License-Identifier: BSD-2-Clause
//
// From the bytes of a frame to the flow it belongs to. Every read is bounds-checked against `end`, because
// the bytes are untrusted and because the BPF verifier requires it.
#ifndef AYA_FLOW_H
#define AYA_FLOW_H

#include "aya/headers.h"
#include "aya/reasons.h"
#include "aya/types.h"

enum {
    AYA_IPV4 = 4,
    AYA_IPV6 = 6,

    AYA_MAX_VLAN_TAGS = 2,
    AYA_MAX_IPV6_EXTENSIONS = 4,
};

enum { AYA_OTHER_MACS = 7 };

// The MAC addresses that frames for a port have, each in the upper 48 bits, as a little-endian load of the
// frame's first 8 bytes has it after a shift.
struct aya_stations {
    AYA_ALIGNED(AYA_CACHE_LINE) u64 own; // 0: not known, every frame is taken
    u64 others[AYA_OTHER_MACS];          // 0: unused
};

AYA_STATIC_ASSERT(sizeof(struct aya_stations) == AYA_CACHE_LINE, "one cache line");

// The 5-tuple, client to VIP. IPv4 addresses are v4-mapped (::ffff:a.b.c.d, RFC 4291 2.5.5.2).
struct aya_flow {
    AYA_ALIGNED(8) be32 src[4]; // 8: addresses are compared as two words
    be32 dst[4];
    be16 src_port;
    be16 dst_port;
    u8 protocol; // AYA_PROTO_*
    u8 family;   // AYA_IPV4 or AYA_IPV6
    u16 unused;
};

// Kinds up to FRAGMENT_FIRST carry a client's transport header; the others prove nothing about their flow.
enum aya_packet_kind {
    AYA_KIND_DATA,           // TCP or UDP, whole
    AYA_KIND_FRAGMENT_FIRST, // TCP or UDP with its ports; fragment_id is set
    AYA_KIND_FRAGMENT_LATER, // ports are 0; fragment_id is set
    AYA_KIND_ICMP_ERROR,     // flow is the one that the error quotes, reversed to client -> VIP
    AYA_KIND_ICMP_ECHO,      // echo request without IP options; ports are 0
};

struct aya_packet {
    struct aya_flow flow;
    be32 fragment_id;
    u16 l3_length; // bytes of the IP packet, header included, according to the IP header
    u16 l3_offset; // of the IP header in the frame: 14, 18 or 22
    u8 kind;       // enum aya_packet_kind
    u8 tcp_flags;  // 0 unless TCP
    u8 ttl;        // or hop limit
    u8 tos;        // or traffic class: DSCP and ECN
};

AYA_STATIC_ASSERT(sizeof(struct aya_packet) == 56, "a burst of 32 stays well inside the L1 cache");

AYA_INLINE void aya_map_ipv4(be32 mapped[4], const u16 address[2])
{
    mapped[0].raw = 0;
    mapped[1].raw = 0;
    mapped[2] = aya_cpu_to_be32(0xffff);
    mapped[3] = aya_load_be32(address);
}

AYA_INLINE void aya_copy_ipv6(be32 to[4], const u16 address[8])
{
    to[0] = aya_load_be32(address);
    to[1] = aya_load_be32(address + 2);
    to[2] = aya_load_be32(address + 4);
    to[3] = aya_load_be32(address + 6);
}

// Reads ports and TCP flags at `l4`, of which `l4_length` bytes belong to the packet. RFC 9293 3.1: a TCP
// header has at least 20 bytes; RFC 768: a UDP length is at least 8 (and covers all fragments, of which the
// first holds the whole header).
AYA_INLINE enum aya_reason aya_parse_transport(const u8 *l4, const u8 *end, u32 l4_length,
                                               struct aya_packet *packet)
{
    if (packet->flow.protocol == AYA_PROTO_TCP) {
        const struct aya_tcp *tcp = (const struct aya_tcp *)l4;
        if ((const u8 *)(tcp + 1) > end)
            return AYA_REASON_TRUNCATED;
        u32 header_length = (u32)(tcp->data_offset >> 4) * 4;
        if (header_length < sizeof(*tcp) || header_length > l4_length)
            return AYA_REASON_BAD_L4_HEADER;
        packet->flow.src_port = tcp->src_port;
        packet->flow.dst_port = tcp->dst_port;
        packet->tcp_flags = tcp->flags;
        return AYA_REASON_NONE;
    }
    const struct aya_udp *udp = (const struct aya_udp *)l4;
    if ((const u8 *)(udp + 1) > end)
        return AYA_REASON_TRUNCATED;
    u32 length = aya_read_be16(&udp->length);
    if (length < sizeof(*udp) ||
        (length > l4_length && (packet->kind == AYA_KIND_DATA || l4_length < sizeof(*udp))))
        return AYA_REASON_BAD_L4_HEADER;
    packet->flow.src_port = udp->src_port;
    packet->flow.dst_port = udp->dst_port;
    return AYA_REASON_NONE;
}

// The quoted header of an ICMP error is as the VIP (or its backend) sent it. Source and destination are
// swapped, so that the error finds the client's flow. Only the first 8 bytes after the quoted IP header are
// guaranteed (RFC 792), and the ports are in the first 4.
AYA_INLINE void aya_take_quoted_ports(const u16 *quoted_l4, struct aya_packet *packet)
{
    packet->flow.src_port.raw = quoted_l4[1];
    packet->flow.dst_port.raw = quoted_l4[0];
    packet->kind = AYA_KIND_ICMP_ERROR;
}

// `headers_length`: bytes before the ICMP header.
AYA_INLINE enum aya_reason aya_parse_icmp(const u8 *l4, const u8 *end, u32 headers_length,
                                          struct aya_packet *packet)
{
    const struct aya_icmp *icmp = (const struct aya_icmp *)l4;
    if ((const u8 *)(icmp + 1) > end)
        return AYA_REASON_TRUNCATED;
    if (headers_length + sizeof(*icmp) > packet->l3_length)
        return AYA_REASON_BAD_IP_LENGTH;
    if (icmp->type == AYA_ICMP_ECHO) {
        packet->kind = AYA_KIND_ICMP_ECHO;
        return headers_length == sizeof(struct aya_ipv4) ? AYA_REASON_NONE : AYA_REASON_PUNT_ICMP;
    }
    if (icmp->type != AYA_ICMP_UNREACHABLE && icmp->type != AYA_ICMP_TIME_EXCEEDED &&
        icmp->type != AYA_ICMP_PARAMETER_PROBLEM)
        return AYA_REASON_PUNT_ICMP;

    const struct aya_ipv4 *quoted = (const struct aya_ipv4 *)(icmp + 1);
    if ((const u8 *)(quoted + 1) > end)
        return AYA_REASON_PUNT_ICMP;
    u32 header_length = (u32)(quoted->version_ihl & 0x0f) * 4;
    if (quoted->version_ihl >> 4 != 4 || header_length < sizeof(*quoted))
        return AYA_REASON_PUNT_ICMP;
    if (quoted->protocol != AYA_PROTO_TCP && quoted->protocol != AYA_PROTO_UDP)
        return AYA_REASON_PUNT_ICMP;
    if (aya_read_be16(&quoted->flags_offset) & AYA_IPV4_OFFSET_MASK)
        return AYA_REASON_PUNT_ICMP; // a later fragment quotes no ports
    if (aya_load_be32(quoted->src).raw != packet->flow.dst[3].raw)
        return AYA_REASON_PUNT_ICMP; // quotes a packet that the VIP never sent
    const u8 *quoted_l4 = (const u8 *)quoted + header_length;
    if (quoted_l4 + 8 > end)
        return AYA_REASON_PUNT_ICMP;
    packet->flow.protocol = quoted->protocol;
    aya_map_ipv4(packet->flow.src, quoted->dst);
    aya_take_quoted_ports((const u16 *)quoted_l4, packet);
    return AYA_REASON_NONE;
}

AYA_INLINE int aya_is_ipv6_extension(u8 next_header)
{
    return next_header == AYA_PROTO_HOPOPTS || next_header == AYA_PROTO_ROUTING ||
           next_header == AYA_PROTO_DSTOPTS || next_header == AYA_PROTO_FRAGMENT;
}

// Which part of a packet a fragment header says that this is.
struct aya_ipv6_piece {
    u32 offset_more; // offset in bytes; lowest bit: more fragments follow
    be32 id;
};

// Skips the extension header at *at, which is of type *next, and leaves there the type of what follows;
// RFC 8200 4. Only a fragment header writes to `piece`.
AYA_INLINE enum aya_reason aya_skip_ipv6_extension(const u8 **at, const u8 *end, u8 *next,
                                                   struct aya_ipv6_piece *piece)
{
    if (*at + sizeof(struct aya_ipv6_fragment) > end)
        return AYA_REASON_TRUNCATED;
    if (*next != AYA_PROTO_FRAGMENT) {
        const struct aya_ipv6_extension *extension = (const struct aya_ipv6_extension *)*at;
        *next = extension->next_header;
        *at += ((u32)extension->length + 1) * 8;
        return AYA_REASON_NONE;
    }
    const struct aya_ipv6_fragment *fragment = (const struct aya_ipv6_fragment *)*at;
    piece->offset_more = aya_read_be16(&fragment->offset_more);
    piece->id = aya_load_be32(fragment->id);
    *next = fragment->next_header;
    *at += sizeof(*fragment);
    return AYA_REASON_NONE;
}

AYA_INLINE enum aya_reason aya_parse_icmpv6(const u8 *l4, const u8 *end, u32 headers_length,
                                            struct aya_packet *packet)
{
    const struct aya_icmp *icmp = (const struct aya_icmp *)l4;
    if ((const u8 *)(icmp + 1) > end)
        return AYA_REASON_TRUNCATED;
    if (headers_length + sizeof(*icmp) > packet->l3_length)
        return AYA_REASON_BAD_IP_LENGTH;
    if (icmp->type == AYA_ICMPV6_ECHO) {
        packet->kind = AYA_KIND_ICMP_ECHO;
        return headers_length == sizeof(struct aya_ipv6) ? AYA_REASON_NONE : AYA_REASON_PUNT_ICMP;
    }
    // With any other hop limit it has come through a router and is not valid: RFC 4861 7.1.
    if (icmp->type >= AYA_ICMPV6_ROUTER_SOLICITATION && icmp->type <= AYA_ICMPV6_REDIRECT &&
        packet->ttl == 255)
        return AYA_REASON_PUNT_NEIGHBOUR;
    if (icmp->type < AYA_ICMPV6_UNREACHABLE || icmp->type > AYA_ICMPV6_PARAMETER_PROBLEM)
        return AYA_REASON_PUNT_ICMP;

    const struct aya_ipv6 *quoted = (const struct aya_ipv6 *)(icmp + 1);
    const u8 *quoted_l4 = (const u8 *)(quoted + 1);
    if (quoted_l4 > end)
        return AYA_REASON_PUNT_ICMP;
    if (quoted->version_class[0] >> 4 != 6)
        return AYA_REASON_PUNT_ICMP;
    be32 sender[4];
    aya_copy_ipv6(sender, quoted->src);
    if (sender[0].raw != packet->flow.dst[0].raw || sender[1].raw != packet->flow.dst[1].raw ||
        sender[2].raw != packet->flow.dst[2].raw || sender[3].raw != packet->flow.dst[3].raw)
        return AYA_REASON_PUNT_ICMP;
    u8 protocol = quoted->next_header;
    struct aya_ipv6_piece piece = {0, {0}};
    for (u32 i = 0; i < AYA_MAX_IPV6_EXTENSIONS && aya_is_ipv6_extension(protocol); i++)
        if (aya_skip_ipv6_extension(&quoted_l4, end, &protocol, &piece) != AYA_REASON_NONE)
            return AYA_REASON_PUNT_ICMP;
    if ((protocol != AYA_PROTO_TCP && protocol != AYA_PROTO_UDP) || piece.offset_more & 0xfff8)
        return AYA_REASON_PUNT_ICMP;
    if (quoted_l4 + 8 > end)
        return AYA_REASON_PUNT_ICMP;
    packet->flow.protocol = protocol;
    aya_copy_ipv6(packet->flow.src, quoted->dst);
    aya_take_quoted_ports((const u16 *)quoted_l4, packet);
    return AYA_REASON_NONE;
}

AYA_INLINE enum aya_reason aya_parse_ipv4(const u8 *l3, const u8 *end, u32 l3_room, struct aya_packet *packet)
{
    const struct aya_ipv4 *ip = (const struct aya_ipv4 *)l3;
    if ((const u8 *)(ip + 1) > end)
        return AYA_REASON_TRUNCATED;
    if (ip->version_ihl >> 4 != 4)
        return AYA_REASON_BAD_IP_VERSION;
    u32 header_length = (u32)(ip->version_ihl & 0x0f) * 4;
    u32 length = aya_read_be16(&ip->total_length);
    if (header_length < sizeof(*ip))
        return AYA_REASON_BAD_IP_HEADER;
    if (length < header_length || length > l3_room)
        return AYA_REASON_BAD_IP_LENGTH;

    packet->l3_length = (u16)length;
    packet->ttl = ip->ttl;
    packet->tos = ip->tos;
    packet->flow.family = AYA_IPV4;
    packet->flow.protocol = ip->protocol;
    aya_map_ipv4(packet->flow.src, ip->src);
    aya_map_ipv4(packet->flow.dst, ip->dst);

    u32 flags_offset = aya_read_be16(&ip->flags_offset);
    if (AYA_UNLIKELY(flags_offset & (AYA_IPV4_MF | AYA_IPV4_OFFSET_MASK))) {
        packet->fragment_id.raw = ip->id.raw;
        packet->kind = AYA_KIND_FRAGMENT_FIRST;
        if (flags_offset & AYA_IPV4_OFFSET_MASK) {
            packet->kind = AYA_KIND_FRAGMENT_LATER;
            return AYA_REASON_NONE;
        }
    }
    const u8 *l4 = l3 + header_length;
    if (AYA_LIKELY(ip->protocol == AYA_PROTO_TCP || ip->protocol == AYA_PROTO_UDP))
        return aya_parse_transport(l4, end, length - header_length, packet);
    if (ip->protocol == AYA_PROTO_ICMP && packet->kind == AYA_KIND_DATA)
        return aya_parse_icmp(l4, end, header_length, packet);
    return AYA_REASON_PUNT_PROTOCOL;
}

// Skips one extension header at *l4; RFC 8200 4. Answers FRAGMENT_LATER packets by kind.
AYA_INLINE enum aya_reason aya_parse_ipv6_extension(const u8 **l4, const u8 *end, struct aya_packet *packet)
{
    struct aya_ipv6_piece piece = {0, {0}};
    enum aya_reason reason = aya_skip_ipv6_extension(l4, end, &packet->flow.protocol, &piece);
    if (reason != AYA_REASON_NONE || (piece.offset_more & 0xfff9) == 0)
        return reason; // an atomic fragment, RFC 6946, is a whole packet
    packet->fragment_id = piece.id;
    packet->kind = piece.offset_more & 0xfff8 ? AYA_KIND_FRAGMENT_LATER : AYA_KIND_FRAGMENT_FIRST;
    return AYA_REASON_NONE;
}

AYA_INLINE enum aya_reason aya_parse_ipv6(const u8 *l3, const u8 *end, u32 l3_room, struct aya_packet *packet)
{
    const struct aya_ipv6 *ip = (const struct aya_ipv6 *)l3;
    if ((const u8 *)(ip + 1) > end)
        return AYA_REASON_TRUNCATED;
    if (ip->version_class[0] >> 4 != 6)
        return AYA_REASON_BAD_IP_VERSION;
    u32 length = (u32)sizeof(*ip) + aya_read_be16(&ip->payload_length);
    if (length > l3_room || length > 0xffff)
        return AYA_REASON_BAD_IP_LENGTH;

    packet->l3_length = (u16)length;
    packet->ttl = ip->hop_limit;
    packet->tos = aya_traffic_class(ip);
    packet->flow.family = AYA_IPV6;
    packet->flow.protocol = ip->next_header;
    aya_copy_ipv6(packet->flow.src, ip->src);
    aya_copy_ipv6(packet->flow.dst, ip->dst);

    const u8 *l4 = (const u8 *)(ip + 1);
    for (u32 i = 0; i < AYA_MAX_IPV6_EXTENSIONS && aya_is_ipv6_extension(packet->flow.protocol); i++) {
        enum aya_reason reason = aya_parse_ipv6_extension(&l4, end, packet);
        if (reason != AYA_REASON_NONE)
            return reason;
        if (packet->kind == AYA_KIND_FRAGMENT_LATER)
            return AYA_REASON_NONE;
    }
    if (AYA_UNLIKELY(aya_is_ipv6_extension(packet->flow.protocol)))
        return AYA_REASON_IPV6_EXTENSIONS;
    u32 headers_length = (u32)(l4 - l3);
    if (headers_length > length)
        return AYA_REASON_BAD_IP_LENGTH;
    if (AYA_LIKELY(packet->flow.protocol == AYA_PROTO_TCP || packet->flow.protocol == AYA_PROTO_UDP))
        return aya_parse_transport(l4, end, length - headers_length, packet);
    if (packet->flow.protocol == AYA_PROTO_ICMPV6 && packet->kind == AYA_KIND_DATA)
        return aya_parse_icmpv6(l4, end, headers_length, packet);
    return AYA_REASON_PUNT_PROTOCOL;
}

AYA_INLINE u64 aya_station(const u8 mac[8])
{
    u64 word;
    aya_copy(&word, mac, sizeof(word));
    return word << 16;
}

AYA_INLINE int aya_is_other_mac(const struct aya_stations *stations, u64 station)
{
    for (u32 i = 0; i < AYA_OTHER_MACS; i++)
        if (stations->others[i] == station && station)
            return 1;
    return 0;
}

// Whether a frame is for this port. A switch floods frames for stations that it does not know, and whoever
// forwarded them would duplicate them. Groups are left to the parser, and so is what is too short.
AYA_INLINE int aya_is_for_us(const u8 *frame, const u8 *end, const struct aya_stations *stations)
{
    if (frame + sizeof(struct aya_eth) > end)
        return 1;
    u64 station = aya_station(frame);
    return AYA_LIKELY(station == stations->own) || stations->own == 0 || frame[0] & 1 ||
           aya_is_other_mac(stations, station);
}

// Skips up to two VLAN tags: `*type` and `*offset` are those of the Ethernet header, and then of what
// follows.
AYA_INLINE enum aya_reason aya_skip_tags(const u8 *frame, const u8 *end, u32 *type, u32 *offset)
{
    for (u32 i = 0; i < AYA_MAX_VLAN_TAGS && (*type == AYA_ETHERTYPE_VLAN || *type == AYA_ETHERTYPE_QINQ);
         i++) {
        const struct aya_vlan *vlan = (const struct aya_vlan *)(frame + *offset);
        if ((const u8 *)(vlan + 1) > end)
            return AYA_REASON_TRUNCATED;
        *type = aya_read_be16(&vlan->type);
        *offset += sizeof(*vlan);
    }
    return AYA_REASON_NONE;
}

// Skips the Ethernet header and up to two VLAN tags. NONE: `*type` is IPv4 or IPv6, and packet->l3_offset is
// set.
AYA_INLINE enum aya_reason aya_parse_l2(const u8 *frame, const u8 *end, struct aya_packet *packet, u32 *type)
{
    const struct aya_eth *eth = (const struct aya_eth *)frame;
    if ((const u8 *)(eth + 1) > end)
        return AYA_REASON_TRUNCATED;
    if (eth->dst[0] & 1)
        return AYA_REASON_PUNT_MULTICAST;
    packet->flow.src_port.raw = 0;
    packet->flow.dst_port.raw = 0;
    packet->flow.unused = 0;
    packet->fragment_id.raw = 0;
    packet->kind = AYA_KIND_DATA;
    packet->tcp_flags = 0;

    *type = aya_read_be16(&eth->type);
    u32 offset = sizeof(*eth);
    packet->l3_offset = sizeof(*eth);
    if (AYA_LIKELY(*type == AYA_ETHERTYPE_IPV4))
        return AYA_REASON_NONE;
    if (aya_skip_tags(frame, end, type, &offset) != AYA_REASON_NONE)
        return AYA_REASON_TRUNCATED;
    packet->l3_offset = (u16)offset;
    if (AYA_LIKELY(*type == AYA_ETHERTYPE_IPV4 || *type == AYA_ETHERTYPE_IPV6))
        return AYA_REASON_NONE;
    if (*type == AYA_ETHERTYPE_VLAN || *type == AYA_ETHERTYPE_QINQ)
        return AYA_REASON_VLAN_DEPTH;
    return AYA_REASON_PUNT_NOT_IP;
}

// Parses the frame [frame, end). A buffer chain may hold more of the frame: `frame_length` counts all of it.
// NONE: `packet` is filled and may be for a VIP. Otherwise the reason to punt or drop; of `packet` only the
// destination address is filled, and only for those that aya_punt_reason() asks about.
AYA_INLINE enum aya_reason aya_parse(const u8 *frame, const u8 *end, u32 frame_length,
                                     struct aya_packet *packet)
{
    u32 type;
    enum aya_reason reason = aya_parse_l2(frame, end, packet, &type);
    if (AYA_UNLIKELY(reason != AYA_REASON_NONE))
        return reason;
    const u8 *l3 = frame + packet->l3_offset;
    u32 l3_room = frame_length - packet->l3_offset;
    if (type == AYA_ETHERTYPE_IPV4)
        return aya_parse_ipv4(l3, end, l3_room, packet);
    return aya_parse_ipv6(l3, end, l3_room, packet);
}

#endif
