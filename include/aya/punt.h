// SPDX-License-Identifier: BSD-2-Clause
//
// What goes to the kernel, by what depends on it, and how much of it. A class whose packets only neighbours
// or open connections can have is not limited; strangers fill nothing but their own.
#ifndef AYA_PUNT_H
#define AYA_PUNT_H

#include "aya/budgets.h"
#include "aya/flow.h"
#include "aya/reasons.h"

enum aya_punt_class {
    AYA_PUNT_NEIGHBOURS, // ARP, neighbour discovery
    AYA_PUNT_LINK, // other talk of neighbours, which no router passes on: BFD on the link, OSPF, VRRP, LLDP
    AYA_PUNT_ROUTING, // open BGP sessions, BFD over several hops
    AYA_PUNT_ANSWERS, // TCP that does not open a connection: ssh sessions, answers to health probes
    AYA_PUNT_OPENING, // TCP that does: ssh logins, BGP neighbours that come up
    AYA_PUNT_REST,
    AYA_PUNT_CLASSES,
};

enum { // per worker and budget
    AYA_PUNT_OPENING_PER_SECOND = 1000,
    AYA_PUNT_OPENING_BURST = 100,
};

enum {
    AYA_PORT_BGP = 179,
    AYA_PORT_BFD = 3784, // RFC 5881
    AYA_PORT_BFD_ECHO = 3785,
    AYA_PORT_BFD_MULTIHOP = 4784, // RFC 5883
    AYA_TTL_NEVER_ROUTED = 255,   // no packet has it that a router passed on: RFC 5082
};

AYA_INLINE enum aya_punt_class aya_punt_class_of_tcp(const struct aya_packet *packet)
{
    if (!(packet->tcp_flags & (AYA_TCP_ACK | AYA_TCP_RST)))
        return AYA_PUNT_OPENING;
    if (aya_be16_to_cpu(packet->flow.dst_port) == AYA_PORT_BGP ||
        aya_be16_to_cpu(packet->flow.src_port) == AYA_PORT_BGP)
        return AYA_PUNT_ROUTING;
    return AYA_PUNT_ANSWERS;
}

AYA_INLINE enum aya_punt_class aya_punt_class_of_udp(const struct aya_packet *packet)
{
    u32 port = aya_be16_to_cpu(packet->flow.dst_port);
    if (port == AYA_PORT_BFD_MULTIHOP)
        return AYA_PUNT_ROUTING;
    int is_bfd = port == AYA_PORT_BFD || port == AYA_PORT_BFD_ECHO;
    return is_bfd && packet->ttl == AYA_TTL_NEVER_ROUTED ? AYA_PUNT_LINK : AYA_PUNT_REST;
}

AYA_INLINE enum aya_punt_class aya_punt_class_of_ip(const u8 *l3, const u8 *end, u32 type)
{
    if (type == AYA_ETHERTYPE_IPV4) {
        const struct aya_ipv4 *ip = (const struct aya_ipv4 *)l3;
        int is_link = (const u8 *)(ip + 1) <= end &&
                      aya_be32_to_cpu(aya_load_be32(ip->dst)) >> 8 == 0xe00000; // 224.0.0.0/24
        return is_link ? AYA_PUNT_LINK : AYA_PUNT_REST;
    }
    const struct aya_ipv6 *ip = (const struct aya_ipv6 *)l3;
    if ((const u8 *)(ip + 1) > end || aya_be32_to_cpu(aya_load_be32(ip->dst)) >> 16 != 0xff02)
        return AYA_PUNT_REST;
    return ip->next_header == AYA_PROTO_ICMPV6 ? AYA_PUNT_NEIGHBOURS : AYA_PUNT_LINK;
}

// Of a frame to a group, or of what is not IP: the parser does not look into these.
AYA_INLINE enum aya_punt_class aya_punt_class_of_frame(const u8 *frame, const u8 *end)
{
    const struct aya_eth *eth = (const struct aya_eth *)frame;
    if ((const u8 *)(eth + 1) > end)
        return AYA_PUNT_REST;
    if (eth->dst[0] == 0x01 && eth->dst[1] == 0x80 && eth->dst[2] == 0xc2)
        return AYA_PUNT_LINK; // LLDP, LACP, IS-IS: no bridge passes them on, IEEE 802.1Q 8.6.3
    u32 type = aya_read_be16(&eth->type), offset = sizeof(*eth);
    if (aya_skip_tags(frame, end, &type, &offset) != AYA_REASON_NONE)
        return AYA_PUNT_REST;
    if (type == AYA_ETHERTYPE_ARP)
        return AYA_PUNT_NEIGHBOURS;
    if (type == AYA_ETHERTYPE_IPV4 || type == AYA_ETHERTYPE_IPV6)
        return aya_punt_class_of_ip(frame + offset, end, type);
    return AYA_PUNT_REST;
}

// `packet` and `reason`: what aya_parse and aya_classify have made of the frame.
AYA_INLINE enum aya_punt_class aya_punt_class_of(const u8 *frame, const u8 *end,
                                                 const struct aya_packet *packet, enum aya_reason reason)
{
    if (reason == AYA_REASON_PUNT_MULTICAST || reason == AYA_REASON_PUNT_NOT_IP)
        return aya_punt_class_of_frame(frame, end);
    if (reason == AYA_REASON_PUNT_NEIGHBOUR)
        return AYA_PUNT_NEIGHBOURS;
    if (reason == AYA_REASON_PUNT_PROTOCOL && packet->kind == AYA_KIND_DATA &&
        packet->flow.protocol == AYA_PROTO_VRRP && packet->ttl == AYA_TTL_NEVER_ROUTED)
        return AYA_PUNT_LINK; // unicast VRRP
    if (reason != AYA_REASON_PUNT_NO_VIP || packet->kind > AYA_KIND_FRAGMENT_FIRST)
        return AYA_PUNT_REST;
    return packet->flow.protocol == AYA_PROTO_TCP ? aya_punt_class_of_tcp(packet)
                                                  : aya_punt_class_of_udp(packet);
}

// `rest_per_second`: of AYA_PUNT_REST; 0: no limits.
AYA_INLINE int aya_punt_allowed(struct aya_limits *limits, enum aya_punt_class punt_class,
                                u32 rest_per_second, const struct aya_hash_key *key,
                                const struct aya_packet *packet, u64 now_ns)
{
    if (punt_class < AYA_PUNT_OPENING || rest_per_second == 0)
        return 1;
    if (punt_class == AYA_PUNT_OPENING)
        return aya_take_source_token(&limits->punt_opening, key, &packet->flow, now_ns,
                                     AYA_PUNT_OPENING_PER_SECOND, AYA_PUNT_OPENING_BURST);
    u32 burst = 32 + rest_per_second / 32; // some jiffies: with XDP the clock goes on with these
    return aya_take_token(&limits->punt_rest, now_ns, rest_per_second, burst);
}

// Why a packet of this class is dropped instead.
AYA_INLINE enum aya_reason aya_punt_refused(enum aya_punt_class punt_class)
{
    return punt_class == AYA_PUNT_OPENING ? AYA_REASON_PUNT_SOURCE_LIMIT : AYA_REASON_PUNT_LIMIT;
}

#endif
