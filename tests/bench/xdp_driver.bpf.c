// SPDX-License-Identifier: BSD-2-Clause
//
// Drives a program under BPF_PROG_TEST_RUN: restores the frame that the last run changed, makes it one of
// another flow, and tail-calls the target. Without it `repeat` would feed the program its own output.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "aya/headers.h"

const volatile u64 flows = 1; // 0: never the same twice
const volatile u32 services = 100;
const volatile u32 is_ipv6 = 0;
const volatile u32 protocol = AYA_PROTO_TCP;
const volatile u32 tcp_flags = AYA_TCP_ACK;
const volatile u32 first_vip = 0; // beyond the services: no VIP

u64 next_flow = 0;

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u32);
} target SEC(".maps");

struct frame_ipv4 {
    struct aya_eth eth;
    struct aya_ipv4 ip;
    struct aya_tcp tcp; // or UDP and 12 bytes of it
    u8 padding[6];
};

struct frame_ipv6 {
    struct aya_eth eth;
    struct aya_ipv6 ip;
    struct aya_tcp tcp;
};

AYA_INLINE void fill_transport(struct aya_tcp *tcp, u32 flow)
{
    __builtin_memset(tcp, 0, sizeof(*tcp));
    tcp->src_port.raw = (u16)flow;
    tcp->dst_port = aya_cpu_to_be16(443);
    if (protocol == AYA_PROTO_TCP) {
        tcp->data_offset = 0x50;
        tcp->flags = (u8)tcp_flags;
    } else {
        ((struct aya_udp *)tcp)->length = aya_cpu_to_be16(sizeof(*tcp));
    }
}

AYA_INLINE int restore(struct xdp_md *ctx, u32 length)
{
    u32 now = (u32)(ctx->data_end - ctx->data);
    return now == length ? 0 : (int)bpf_xdp_adjust_head(ctx, (int)(now - length));
}

SEC("xdp")
int drive(struct xdp_md *ctx)
{
    if (restore(ctx, is_ipv6 ? sizeof(struct frame_ipv6) : sizeof(struct frame_ipv4)))
        return XDP_ABORTED;
    u64 flow = next_flow++;
    if (flows && next_flow >= flows)
        next_flow = 0;
    u32 mixed = (u32)flow * 2654435761u; // Knuth: scatters clients' addresses
    u16 vip = (u16)(first_vip + flow % services);
    if (is_ipv6) {
        struct frame_ipv6 *frame = (void *)(long)ctx->data;
        if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
            return XDP_ABORTED;
        __builtin_memset(frame, 0, sizeof(frame->eth) + sizeof(frame->ip));
        frame->eth.type = aya_cpu_to_be16(AYA_ETHERTYPE_IPV6);
        frame->ip.version_class[0] = 0x60;
        frame->ip.payload_length = aya_cpu_to_be16(sizeof(frame->tcp));
        frame->ip.next_header = (u8)protocol;
        frame->ip.hop_limit = 64;
        frame->ip.src[0] = 0x20;
        frame->ip.src[6] = (u16)mixed;
        frame->ip.src[7] = (u16)(mixed >> 16);
        frame->ip.dst[0] = 0x0120;
        frame->ip.dst[1] = 0xb80d;
        frame->ip.dst[7] = aya_cpu_to_be16(vip).raw;
        fill_transport(&frame->tcp, (u32)flow);
    } else {
        struct frame_ipv4 *frame = (void *)(long)ctx->data;
        if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
            return XDP_ABORTED;
        __builtin_memset(frame, 0, sizeof(frame->eth) + sizeof(frame->ip));
        frame->eth.type = aya_cpu_to_be16(AYA_ETHERTYPE_IPV4);
        frame->ip.version_ihl = 0x45;
        frame->ip.total_length = aya_cpu_to_be16(sizeof(frame->ip) + sizeof(frame->tcp));
        frame->ip.ttl = 64;
        frame->ip.protocol = (u8)protocol;
        frame->ip.src[0] = (u16)(10 | (mixed & 0xff00));
        frame->ip.src[1] = (u16)(mixed >> 16);
        frame->ip.dst[0] = 0x00cb;
        frame->ip.dst[1] = (u16)(0x71 | vip << 8);
        fill_transport(&frame->tcp, (u32)flow);
    }
    bpf_tail_call(ctx, &target, 0);
    return XDP_ABORTED;
}

SEC("xdp")
int empty(struct xdp_md *ctx __attribute__((unused)))
{
    return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
