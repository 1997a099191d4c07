// SPDX-License-Identifier: BSD-2-Clause
//
// For backends: takes the outer headers off IP in IP packets (4in4, 6in6, 4in6, 6in4), and off the same with
// UDP between (Generic UDP Encapsulation, draft-ietf-intarea-gue), so that a backend needs neither a tunnel
// device nor a kernel module. A packet is stripped only if its outer destination is in map `decap_local`, its
// inner one in `decap_vips` or `decap_prefixes`, its sender in `decap_balancers`, and all headers are whole.
// The loader fills the maps: a program cannot ask the kernel which addresses are its own.
//
// What is not for a VIP passes untouched, because the host may have tunnels of its own. What is for a VIP but
// from a stranger is dropped: a tunnel device would decapsulate it after all.
//
// GUE comes as variant 1 (the IP packet follows UDP at once: AYA, Katran) or as variant 0 without optional
// fields (a header of 4 bytes: Linux). Its UDP checksum is not looked at: the client's packet has its own,
// and a tunnel's may be 0 over IPv6 as well (RFC 6935), which a socket would refuse; this runs before any
// socket.
//
// Two programs, one decision:
//
// * decap_tc, for tc ingress (clsact, direct-action), is the one to use. It works on every device, whatever
//   its MTU, its receive offloads and the XDP program it may carry: GRO has joined segments by then, and
//   the kernel keeps length and checksum state of a joined packet right. 4in6 and 6in4 need kernel 6.3,
//   which can tell the stack of the other protocol; older ones refuse, and the refusal is counted.
// * decap_xdp, for native XDP, where the driver has it: cheaper, and every mix of families from kernel 5.15
//   on. Not for generic XDP, which runs after GRO and does not repair a joined packet.
//
// tc sees VLAN tags as metadata; with XDP they are in the frame, and a tagged frame passes untouched.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "aya/headers.h"
#include "aya/types.h"
#include "decap.h"

enum {
    TC_PASS = -1, // TC_ACT_UNSPEC: on to the next filter, if there is one; TC_ACT_OK would skip it
    TC_DROP = 2,  // TC_ACT_SHOT

    ECN_MASK = 3,
    ECN_CE = 3,

    IPV4_NO_OPTIONS = 0x45,

    LONGEST_OUTER = sizeof(struct aya_ipv6) + sizeof(struct aya_udp) + sizeof(struct aya_gue),
    LONGEST_HEADERS = sizeof(struct aya_eth) + LONGEST_OUTER + sizeof(struct aya_ipv6),
    OUTER_MASK = 63, // not less than LONGEST_OUTER: for verifiers that forget constants on the stack
};

// Since kernel 6.3; younger than the kernel headers of the distributions that we build on.
#define ADJ_ROOM_DECAP_L3_IPV4 (1ULL << 7)
#define ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8)

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, AYA_DECAP_MAX_ADDRESSES);
    __type(key, struct aya_decap_address);
    __type(value, struct aya_decap_local);
} decap_local SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, AYA_DECAP_MAX_VIPS);
    __type(key, struct aya_decap_address);
    __type(value, u32); // without meaning
} decap_vips SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, AYA_DECAP_MAX_VIPS);
    __uint(map_flags, BPF_F_NO_PREALLOC); // the kernel insists
    __type(key, struct aya_decap_prefix);
    __type(value, u32); // without meaning
} decap_prefixes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, AYA_DECAP_MAX_BALANCERS);
    __uint(map_flags, BPF_F_NO_PREALLOC); // the kernel insists
    __type(key, struct aya_decap_prefix);
    __type(value, u32); // without meaning
} decap_balancers SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, AYA_DECAP_OUTCOME_COUNT);
    __type(key, u32);
    __type(value, u64);
} decap_counters SEC(".maps");

struct tunnel {
    u32 outer_length; // of the headers to take away
    u32 inner_length; // bytes of their payload
    u8 inner_protocol;
    u8 outer_tos;
    u8 inner_ecn;
    u8 is_gue;
    u8 set_ce; // the inner packet has to take over a congestion mark
    struct aya_decap_prefix sender;
};

AYA_INLINE void count(u32 outcome)
{
    u64 *counter = bpf_map_lookup_elem(&decap_counters, &outcome);
    if (counter)
        (*counter)++;
}

AYA_INLINE int is_ip_in_ip(u8 protocol)
{
    return protocol == AYA_PROTO_IPIP || protocol == AYA_PROTO_IPV6;
}

AYA_INLINE int may_be_tunnel(u8 protocol)
{
    return is_ip_in_ip(protocol) || protocol == AYA_PROTO_UDP;
}

// From 4 bytes of a packet, mapped; and from 16.
AYA_INLINE struct aya_decap_address address_ipv4(const u16 *from)
{
    return (struct aya_decap_address){
        .word = {{0}, {0}, {__builtin_bswap32(0xffff)}, aya_load_be32(from)},
    };
}

AYA_INLINE struct aya_decap_address address_ipv6(const u16 *from)
{
    return (struct aya_decap_address){
        .word = {aya_load_be32(from), aya_load_be32(from + 2), aya_load_be32(from + 4),
                 aya_load_be32(from + 6)},
    };
}

AYA_INLINE const struct aya_decap_local *find_local(const struct aya_decap_address address)
{
    return bpf_map_lookup_elem(&decap_local, &address);
}

// The longest, for a look-up.
AYA_INLINE struct aya_decap_prefix whole(u32 family, const struct aya_decap_address address)
{
    return (struct aya_decap_prefix){
        .length = (sizeof(struct aya_decap_prefix) - sizeof(u32)) * 8,
        .family = {__builtin_bswap32(family)},
        .address = address,
    };
}

AYA_INLINE int is_vip(u32 family, const struct aya_decap_address address)
{
    if (bpf_map_lookup_elem(&decap_vips, &address))
        return 1;
    const struct aya_decap_prefix key = whole(family, address);
    return bpf_map_lookup_elem(&decap_prefixes, &key) != NULL;
}

AYA_INLINE int is_balancer(const struct aya_decap_prefix *from)
{
    return bpf_map_lookup_elem(&decap_balancers, from) != NULL;
}

AYA_INLINE int goes_to_gue(const struct aya_udp *udp, const void *end, const struct aya_decap_local *local)
{
    return local->gue_port.raw != 0 && (const void *)(udp + 1) <= end &&
           udp->dst_port.raw == local->gue_port.raw;
}

// Where there is UDP: a port follows the header directly, unless options or an earlier fragment intervene.
AYA_INLINE int is_gue_ipv4(const struct aya_ipv4 *ip, const void *end, const struct aya_decap_local *local)
{
    return ip->version_ihl == IPV4_NO_OPTIONS &&
           (aya_be16_to_cpu(ip->flags_offset) & AYA_IPV4_OFFSET_MASK) == 0 &&
           goes_to_gue((const struct aya_udp *)(ip + 1), end, local);
}

// RFC 1071: over a header that is as it was sent, the one's complement sum is all ones.
AYA_INLINE int has_good_checksum(const struct aya_ipv4 *ip)
{
    const u16 *word = (const u16 *)ip;
    u32 sum = 0;
#pragma unroll
    for (int i = 0; i < (int)(sizeof(*ip) / sizeof(*word)); i++)
        sum += word[i];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

// What follows an outer IP header that is in order: adds UDP and, in variant 0, GUE to what is taken away.
AYA_INLINE u32 check_gue(const struct aya_udp *udp, const void *end, struct tunnel *t)
{
    const struct aya_gue *gue = (const struct aya_gue *)(udp + 1);
    if ((const void *)(gue + 1) > end)
        return AYA_DECAP_BAD_GUE;
    u32 length = aya_be16_to_cpu(udp->length);
    if (length < sizeof(*udp) + sizeof(*gue) || length > t->inner_length)
        return AYA_DECAP_BAD_GUE;

    t->is_gue = 1;
    t->outer_length += sizeof(*udp);
    t->inner_length = length - sizeof(*udp);
    u8 version = gue->variant_length >> 4;
    if (version == 4 || version == 6) {
        t->inner_protocol = version == 4 ? AYA_PROTO_IPIP : AYA_PROTO_IPV6;
        return AYA_DECAP_STRIPPED;
    }
    if (gue->variant_length != 0 || gue->flags.raw != 0 || !is_ip_in_ip(gue->protocol))
        return AYA_DECAP_BAD_GUE;
    t->outer_length += sizeof(*gue);
    t->inner_length -= sizeof(*gue);
    t->inner_protocol = gue->protocol;
    return AYA_DECAP_STRIPPED;
}

// `length`: bytes from the outer header to the end of the packet.
AYA_INLINE u32 check_outer_ipv4(const struct aya_ipv4 *ip, const void *end, u32 length, struct tunnel *t)
{
    if ((const void *)(ip + 1) > end || !may_be_tunnel(ip->protocol))
        return AYA_DECAP_NOT_OURS;
    const struct aya_decap_local *local = find_local(address_ipv4(ip->dst));
    if (!local || (ip->protocol == AYA_PROTO_UDP && !is_gue_ipv4(ip, end, local)))
        return AYA_DECAP_NOT_OURS;

    u32 total = aya_be16_to_cpu(ip->total_length);
    if (ip->version_ihl != IPV4_NO_OPTIONS || total < sizeof(*ip) || total > length || !has_good_checksum(ip))
        return AYA_DECAP_BAD_OUTER;
    if (aya_be16_to_cpu(ip->flags_offset) & (AYA_IPV4_MF | AYA_IPV4_OFFSET_MASK))
        return AYA_DECAP_FRAGMENT;

    t->outer_length = sizeof(*ip);
    t->inner_length = total - sizeof(*ip);
    t->inner_protocol = ip->protocol;
    t->outer_tos = ip->tos;
    t->sender = whole(4, address_ipv4(ip->src));
    if (ip->protocol == AYA_PROTO_UDP)
        return check_gue((const struct aya_udp *)(ip + 1), end, t);
    return AYA_DECAP_STRIPPED;
}

// Extension headers are not walked: a fragment has one and so is no tunnel packet here.
AYA_INLINE u32 check_outer_ipv6(const struct aya_ipv6 *ip, const void *end, u32 length, struct tunnel *t)
{
    if ((const void *)(ip + 1) > end || !may_be_tunnel(ip->next_header))
        return AYA_DECAP_NOT_OURS;
    const struct aya_udp *udp = (const struct aya_udp *)(ip + 1);
    const struct aya_decap_local *local = find_local(address_ipv6(ip->dst));
    if (!local || (ip->next_header == AYA_PROTO_UDP && !goes_to_gue(udp, end, local)))
        return AYA_DECAP_NOT_OURS;

    u32 payload = aya_be16_to_cpu(ip->payload_length);
    if (ip->version_class[0] >> 4 != 6 || payload + sizeof(*ip) > length)
        return AYA_DECAP_BAD_OUTER;

    t->outer_length = sizeof(*ip);
    t->inner_length = payload;
    t->inner_protocol = ip->next_header;
    t->outer_tos = (u8)(ip->version_class[0] << 4 | ip->version_class[1] >> 4);
    t->sender = whole(6, address_ipv6(ip->src));
    if (ip->next_header == AYA_PROTO_UDP)
        return check_gue(udp, end, t);
    return AYA_DECAP_STRIPPED;
}

// RFC 6040 4.2: a congestion mark on the way must reach the endpoints. Where they would not understand it,
// the packet is dropped, as the router that marked it would have done.
AYA_INLINE u32 carry_ecn(struct tunnel *t)
{
    if ((t->outer_tos & ECN_MASK) != ECN_CE || t->inner_ecn == ECN_CE)
        return AYA_DECAP_STRIPPED;
    if (t->inner_ecn == 0)
        return AYA_DECAP_ECN;
    t->set_ce = 1;
    return AYA_DECAP_STRIPPED;
}

AYA_INLINE u32 check_inner(const void *inner, const void *end, struct tunnel *t)
{
    if (t->inner_protocol == AYA_PROTO_IPIP) {
        const struct aya_ipv4 *ip = inner;
        if ((const void *)(ip + 1) > end || ip->version_ihl >> 4 != 4)
            return AYA_DECAP_BAD_INNER;
        u32 header = (ip->version_ihl & 0xf) * 4u;
        u32 total = aya_be16_to_cpu(ip->total_length);
        if (header < sizeof(*ip) || total < header || total > t->inner_length)
            return AYA_DECAP_BAD_INNER;
        t->inner_ecn = ip->tos & ECN_MASK;
        return is_vip(4, address_ipv4(ip->dst)) ? AYA_DECAP_STRIPPED : AYA_DECAP_NO_VIP;
    }
    const struct aya_ipv6 *ip = inner;
    if ((const void *)(ip + 1) > end || ip->version_class[0] >> 4 != 6 ||
        aya_be16_to_cpu(ip->payload_length) + sizeof(*ip) > t->inner_length)
        return AYA_DECAP_BAD_INNER;
    t->inner_ecn = ip->version_class[1] >> 4 & ECN_MASK;
    return is_vip(6, address_ipv6(ip->dst)) ? AYA_DECAP_STRIPPED : AYA_DECAP_NO_VIP;
}

// The decision. `packet`..`end` can be read; `length` is the frame's, which may go on beyond `end`.
AYA_INLINE u32 examine(const void *packet, const void *end, u32 length, struct tunnel *t)
{
    const struct aya_eth *eth = packet;
    if ((const void *)(eth + 1) > end)
        return AYA_DECAP_NOT_OURS;

    const void *outer = eth + 1;
    u32 outcome = AYA_DECAP_NOT_OURS;
    length -= sizeof(*eth);
    if (aya_be16_to_cpu(eth->type) == AYA_ETHERTYPE_IPV4) {
        outcome = check_outer_ipv4(outer, end, length, t);
    } else if (aya_be16_to_cpu(eth->type) == AYA_ETHERTYPE_IPV6) {
        outcome = check_outer_ipv6(outer, end, length, t);
    }
    if (outcome != AYA_DECAP_STRIPPED)
        return outcome;
    outcome = check_inner(outer + (t->outer_length & OUTER_MASK), end, t);
    if (outcome != AYA_DECAP_STRIPPED)
        return outcome;
    return is_balancer(&t->sender) ? carry_ecn(t) : AYA_DECAP_STRANGER;
}

AYA_INLINE int is_dropped(u32 outcome)
{
    return outcome == AYA_DECAP_ECN || outcome == AYA_DECAP_STRANGER;
}

AYA_INLINE be16 inner_type(const struct tunnel *t)
{
    return aya_cpu_to_be16(t->inner_protocol == AYA_PROTO_IPIP ? AYA_ETHERTYPE_IPV4 : AYA_ETHERTYPE_IPV6);
}

// Where ECN is in the first two bytes of an IP header: IPv4's TOS, IPv6's traffic class.
AYA_INLINE u8 ce_bits(const struct tunnel *t)
{
    return t->inner_protocol == AYA_PROTO_IPIP ? ECN_CE : ECN_CE << 4;
}

// IPv4's header checksum makes up for the mark. IPv6 has none, so there a checksum over the whole packet,
// which some NICs deliver (CHECKSUM_COMPLETE), has to follow.
AYA_INLINE void mark_ce_tc(struct __sk_buff *skb, const struct tunnel *t)
{
    const u32 offset = sizeof(struct aya_eth);
    u16 before;
    if (bpf_skb_load_bytes(skb, offset, &before, sizeof(before)) != 0)
        return;
    u16 after = before | (u16)(ce_bits(t) << 8);
    if (t->inner_protocol == AYA_PROTO_IPIP) {
        bpf_l3_csum_replace(skb, offset + offsetof(struct aya_ipv4, checksum), before, after, sizeof(after));
        bpf_skb_store_bytes(skb, offset, &after, sizeof(after), 0);
    } else {
        bpf_skb_store_bytes(skb, offset, &after, sizeof(after), BPF_F_RECOMPUTE_CSUM);
    }
}

// The stack must hear of the new protocol; the type in the frame is for captures. The segment size
// of a joined packet is that of the inner packets already, and an offloaded checksum was the inner
// transport's: IP in IP has no other. With GUE, what the NIC has seen to be right may be the outer UDP alone,
// so that the stack has to look again; and merged datagrams are several tunnel packets after one header.
AYA_INLINE u32 strip_tc(struct __sk_buff *skb, const struct tunnel *t)
{
    if (t->is_gue && skb->gso_size != 0)
        return AYA_DECAP_JOINED;

    be16 type = inner_type(t);
    int changes_type = type.raw != skb->protocol;
    u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;
    if (!t->is_gue)
        flags |= BPF_F_ADJ_ROOM_NO_CSUM_RESET;
    if (changes_type)
        flags |= t->inner_protocol == AYA_PROTO_IPIP ? ADJ_ROOM_DECAP_L3_IPV4 : ADJ_ROOM_DECAP_L3_IPV6;

    if (bpf_skb_adjust_room(skb, -(int)t->outer_length, BPF_ADJ_ROOM_MAC, flags) != 0)
        return AYA_DECAP_REFUSED;
    if (changes_type)
        bpf_skb_store_bytes(skb, offsetof(struct aya_eth, type), &type, sizeof(type), 0);
    if (t->set_ce)
        mark_ce_tc(skb, t);
    return AYA_DECAP_STRIPPED;
}

SEC("tc")
int decap_tc(struct __sk_buff *skb)
{
    if (skb->protocol != __builtin_bswap16(AYA_ETHERTYPE_IPV4) &&
        skb->protocol != __builtin_bswap16(AYA_ETHERTYPE_IPV6))
        return TC_PASS;

    // The headers can lie beyond the linear part of the buffer.
    u32 wanted = skb->len < LONGEST_HEADERS ? skb->len : LONGEST_HEADERS;
    if (skb->data_end - skb->data < wanted && bpf_skb_pull_data(skb, wanted) != 0)
        return TC_PASS;

    struct tunnel t = {0};
    u32 outcome = examine((void *)(long)skb->data, (void *)(long)skb->data_end, skb->len, &t);
    if (outcome == AYA_DECAP_STRIPPED)
        outcome = strip_tc(skb, &t);
    if (outcome != AYA_DECAP_NOT_OURS)
        count(outcome);
    return is_dropped(outcome) ? TC_DROP : TC_PASS;
}

AYA_INLINE void mark_ce_xdp(void *inner, const void *end, const struct tunnel *t)
{
    struct aya_ipv4 *ip4 = inner;
    struct aya_ipv6 *ip6 = inner;
    if (t->inner_protocol == AYA_PROTO_IPIP && (void *)(ip4 + 1) <= end) {
        u8 tos = ip4->tos | ce_bits(t);
        u32 sum =
            (u16)~ip4->checksum + ((u32)(tos - ip4->tos) << 8); // RFC 1624; TOS is the word's upper byte
        ip4->checksum = (u16) ~((sum & 0xffff) + (sum >> 16));
        ip4->tos = tos;
    } else if (t->inner_protocol == AYA_PROTO_IPV6 && (void *)(ip6 + 1) <= end) {
        ip6->version_class[1] |= ce_bits(t);
    }
}

AYA_INLINE u32 strip_xdp(struct xdp_md *ctx, const struct tunnel *t)
{
    struct aya_eth *eth = (void *)(long)ctx->data;
    if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
        return AYA_DECAP_REFUSED;
    struct aya_eth saved = *eth;
    saved.type = inner_type(t);

    if (bpf_xdp_adjust_head(ctx, (int)t->outer_length) != 0)
        return AYA_DECAP_REFUSED;

    eth = (void *)(long)ctx->data;
    if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
        return AYA_DECAP_REFUSED; // cannot be: the inner header was there
    *eth = saved;
    if (t->set_ce)
        mark_ce_xdp(eth + 1, (void *)(long)ctx->data_end, t);
    return AYA_DECAP_STRIPPED;
}

SEC("xdp")
int decap_xdp(struct xdp_md *ctx)
{
    struct tunnel t = {0};
    void *packet = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    u32 outcome = examine(packet, end, (u32)(end - packet), &t);
    if (outcome == AYA_DECAP_STRIPPED)
        outcome = strip_xdp(ctx, &t);
    if (outcome != AYA_DECAP_NOT_OURS)
        count(outcome);
    return is_dropped(outcome) ? XDP_DROP : XDP_PASS;
}

// No helper here is for GPL programs only.
char decap_license[] SEC("license") = "BSD-2-Clause";
