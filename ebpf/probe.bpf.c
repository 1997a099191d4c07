// SPDX-License-Identifier: BSD-2-Clause
//
// Health probes through the tunnel, at tc egress of an interface that only probes are routed to: each packet
// gets the outer headers, or the MAC addresses, that a client's packet gets on its way to the same backend,
// by the same code, and leaves by the interface that leads there. Which backend it is for, its mark says.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "aya/encap.h"
#include "probe.h"

enum {
    TC_DROP = 2, // TC_ACT_SHOT
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, AYA_PROBE_MOST);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, u32); // mark
    __type(value, struct aya_probe_way);
} probe_ways SEC(".maps");

AYA_INLINE u8 *start_of(const struct __sk_buff *skb)
{
    return (u8 *)(long)skb->data;
}

AYA_INLINE const u8 *end_of(const struct __sk_buff *skb)
{
    return (const u8 *)(long)skb->data_end;
}

// What the encapsulation has to know. The packet is this kernel's own, so its lengths are right.
AYA_INLINE int read_packet(const struct __sk_buff *skb, struct aya_packet *packet)
{
    const u8 *l3 = start_of(skb) + sizeof(struct aya_eth);
    const struct aya_ipv4 *ip4 = (const struct aya_ipv4 *)l3;
    const struct aya_ipv6 *ip6 = (const struct aya_ipv6 *)l3;
    packet->l3_offset = sizeof(struct aya_eth);
    if (skb->protocol == aya_cpu_to_be16(AYA_ETHERTYPE_IPV4).raw && (const u8 *)(ip4 + 1) <= end_of(skb)) {
        packet->flow.family = AYA_IPV4;
        packet->l3_length = aya_be16_to_cpu(ip4->total_length);
        packet->tos = ip4->tos;
        return 1;
    }
    if (skb->protocol == aya_cpu_to_be16(AYA_ETHERTYPE_IPV6).raw && (const u8 *)(ip6 + 1) <= end_of(skb)) {
        packet->flow.family = AYA_IPV6;
        packet->l3_length = (u16)(aya_be16_to_cpu(ip6->payload_length) + sizeof(*ip6));
        packet->tos = aya_traffic_class(ip6);
        return 1;
    }
    return 0;
}

// The flags tell the kernel where the inner headers are, for checksums that a NIC has yet to fill in.
AYA_INLINE long make_room(struct __sk_buff *skb, u32 room)
{
    if (room == AYA_OUTER_NONE)
        return 0;
    const int over_ipv4 = room == AYA_OUTER_IPV4 || room == AYA_OUTER_GUE_IPV4;
    const int over_udp = room == AYA_OUTER_GUE_IPV4 || room == AYA_OUTER_GUE_IPV6;
    u64 flags = over_ipv4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
    if (over_udp)
        flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
    return bpf_skb_adjust_room(skb, (int)room, BPF_ADJ_ROOM_MAC, flags);
}

SEC("tc")
int probe_tc(struct __sk_buff *skb)
{
    const u32 mark = skb->mark;
    const struct aya_probe_way *way = bpf_map_lookup_elem(&probe_ways, &mark);
    struct aya_packet packet = {0};
    const u32 headers = sizeof(struct aya_eth) + sizeof(struct aya_ipv6);
    if (!way || skb->gso_size != 0)
        return TC_DROP;
    if (bpf_skb_pull_data(skb, skb->len < headers ? skb->len : headers) || !read_packet(skb, &packet) ||
        packet.l3_length > way->backend.mtu)
        return TC_DROP;
    const u64 hash = bpf_get_hash_recalc(skb);
    if (make_room(skb, way->backend.outer_length) ||
        bpf_skb_pull_data(skb,
                          headers + AYA_OUTER_GUE_IPV6 < skb->len ? headers + AYA_OUTER_GUE_IPV6 : skb->len))
        return TC_DROP;
    if (aya_encap_at(start_of(skb), end_of(skb), sizeof(struct aya_eth), &packet, &way->backend, &way->tunnel,
                     hash) != AYA_REASON_NONE)
        return TC_DROP;
    skb->mark = 0;
    return (int)bpf_redirect(way->interface, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
