// SPDX-License-Identifier: BSD-2-Clause
//
// Wire headers as structs. All fields are naturally aligned relative to a 2-byte boundary, which is what a
// frame in a buffer guarantees. Multi-byte fields that are not are declared as arrays.
#ifndef AYA_HEADERS_H
#define AYA_HEADERS_H

#include "aya/types.h"

// IANA numbers, host order.
enum {
    AYA_ETHERTYPE_IPV4 = 0x0800,
    AYA_ETHERTYPE_ARP = 0x0806,
    AYA_ETHERTYPE_IPV6 = 0x86dd,
    AYA_ETHERTYPE_VLAN = 0x8100, // 802.1Q
    AYA_ETHERTYPE_QINQ = 0x88a8, // 802.1ad

    AYA_PROTO_HOPOPTS = 0,
    AYA_PROTO_ICMP = 1,
    AYA_PROTO_IPIP = 4,
    AYA_PROTO_TCP = 6,
    AYA_PROTO_UDP = 17,
    AYA_PROTO_IPV6 = 41,
    AYA_PROTO_ROUTING = 43,
    AYA_PROTO_FRAGMENT = 44,
    AYA_PROTO_ICMPV6 = 58,
    AYA_PROTO_VRRP = 112,
    AYA_PROTO_DSTOPTS = 60,

    AYA_IPV4_DF = 0x4000,
    AYA_IPV4_MF = 0x2000,
    AYA_IPV4_OFFSET_MASK = 0x1fff,

    AYA_TCP_FIN = 0x01,
    AYA_TCP_SYN = 0x02,
    AYA_TCP_RST = 0x04,
    AYA_TCP_PSH = 0x08,
    AYA_TCP_ACK = 0x10,

    AYA_ICMP_ECHO_REPLY = 0,
    AYA_ICMP_UNREACHABLE = 3,
    AYA_ICMP_FRAG_NEEDED = 4, // code of UNREACHABLE, RFC 1191
    AYA_ICMP_ECHO = 8,
    AYA_ICMP_TIME_EXCEEDED = 11,
    AYA_ICMP_PARAMETER_PROBLEM = 12,

    AYA_ICMPV6_UNREACHABLE = 1,
    AYA_ICMPV6_PACKET_TOO_BIG = 2,
    AYA_ICMPV6_TIME_EXCEEDED = 3,
    AYA_ICMPV6_PARAMETER_PROBLEM = 4,
    AYA_ICMPV6_ECHO = 128,
    AYA_ICMPV6_ECHO_REPLY = 129,
    AYA_ICMPV6_ROUTER_SOLICITATION = 133, // the first of neighbour discovery, RFC 4861
    AYA_ICMPV6_REDIRECT = 137,            // the last

    AYA_GUE_PORT = 6080,
    AYA_ENTROPY_PORT = 49152, // first of the dynamic ports, RFC 6335 6; a tunnel's source port is one of them
    AYA_ENTROPY_MASK = 0x3fff,
};

struct aya_eth {
    u8 dst[6];
    u8 src[6];
    be16 type;
};

struct aya_vlan { // follows the type that announced it
    be16 tci;
    be16 type;
};

struct aya_ipv4 { // RFC 791
    u8 version_ihl;
    u8 tos; // DSCP and ECN, RFC 2474, RFC 3168
    be16 total_length;
    be16 id;
    be16 flags_offset;
    u8 ttl;
    u8 protocol;
    u16 checksum; // one's complement: the same in either byte order
    u16 src[2];   // be32, on a 2-byte boundary
    u16 dst[2];
};

struct aya_ipv6 {        // RFC 8200
    u8 version_class[2]; // version (4 bits), traffic class (8), flow label (4 of 20)
    u16 flow_label;
    be16 payload_length;
    u8 next_header;
    u8 hop_limit;
    u16 src[8];
    u16 dst[8];
};

AYA_INLINE u8 aya_traffic_class(const struct aya_ipv6 *ip)
{
    return (u8)(((ip->version_class[0] & 0x0f) << 4) | (ip->version_class[1] >> 4));
}

struct aya_ipv6_extension { // hop-by-hop, routing, destination options
    u8 next_header;
    u8 length; // in 8-byte units, not counting the first 8 bytes
};

struct aya_ipv6_fragment {
    u8 next_header;
    u8 reserved;
    be16 offset_more; // offset (13 bits), reserved (2), more fragments (1)
    u16 id[2];
};

struct aya_tcp { // RFC 9293
    be16 src_port;
    be16 dst_port;
    u16 sequence[2];
    u16 acknowledgement[2];
    u8 data_offset; // upper 4 bits, in 4-byte units
    u8 flags;
    be16 window;
    u16 checksum;
    be16 urgent;
};

struct aya_udp { // RFC 768
    be16 src_port;
    be16 dst_port;
    be16 length;
    u16 checksum;
};

// Generic UDP Encapsulation, draft-ietf-intarea-gue, variant 0. Variant 1 has no header: in place of the
// variant, 0 or 1, it has the version of the inner IP header, 4 or 6.
struct aya_gue {
    u8 variant_length; // variant (2 bits), control (1), optional fields (5) in 4-byte units
    u8 protocol;
    be16 flags;
};

// Every link takes packets of this size, and no sender need send less: RFC 8200 5.
enum { AYA_IPV6_MIN_MTU = 1280 };

struct aya_icmp { // RFC 792, RFC 4443
    u8 type;
    u8 code;
    u16 checksum;
    u16 rest[2]; // identifier and sequence, or MTU, by type
};

AYA_STATIC_ASSERT(sizeof(struct aya_eth) == 14, "wire layout");
AYA_STATIC_ASSERT(sizeof(struct aya_vlan) == 4, "wire layout");
AYA_STATIC_ASSERT(sizeof(struct aya_ipv4) == 20, "wire layout");
AYA_STATIC_ASSERT(sizeof(struct aya_ipv6) == 40, "wire layout");
AYA_STATIC_ASSERT(sizeof(struct aya_ipv6_fragment) == 8, "wire layout");
AYA_STATIC_ASSERT(sizeof(struct aya_tcp) == 20, "wire layout");
AYA_STATIC_ASSERT(sizeof(struct aya_udp) == 8, "wire layout");
AYA_STATIC_ASSERT(sizeof(struct aya_gue) == 4, "wire layout");
AYA_STATIC_ASSERT(sizeof(struct aya_icmp) == 8, "wire layout");

// Reads a 32-bit word on a 2-byte boundary, keeping its byte order.
AYA_INLINE be32 aya_load_be32(const u16 half[2])
{
    be32 r;
    aya_copy(&r, half, sizeof(r));
    return r;
}

AYA_INLINE void aya_store_be32(u16 half[2], be32 word)
{
    half[0] = (u16)word.raw;
    half[1] = (u16)(word.raw >> 16);
}

// Moves the VLAN tags of the frame that now stands `room` bytes further to the new start and writes `type`
// after them.
AYA_INLINE void aya_write_l2(u8 *frame, const u32 l3, const u32 room, be16 type)
{
    if (l3 == 18)
        aya_copy(frame + 12, frame + room + 12, 4);
    else if (l3 == 22)
        aya_copy(frame + 12, frame + room + 12, 8);
    *(be16 *)(frame + l3 - 2) = type;
}

#endif
