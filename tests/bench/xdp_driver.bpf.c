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

enum {
    LENGTH_IPV4 = 60,
    LENGTH_IPV6 = 74,
};

AYA_INLINE u64 word(u16 a, u16 b, u16 c, u16 d) // of four, as they stand in the frame
{
    return (u64)d << 48 | (u64)c << 32 | (u64)b << 16 | a;
}

// Stores as wide as they can be without splitting what a program may load at once. On a NIC the bytes were
// stored long ago; here a load of what two fresh stores wrote would wait for both to leave the core.
AYA_INLINE void put(u8 *frame, u32 at, u64 value)
{
    *(u64 *)(frame + at) = value;
}

AYA_INLINE void put_transport(u8 *frame, u32 at, u32 flow)
{
    const u16 https = aya_cpu_to_be16(443).raw;
    if (protocol == AYA_PROTO_TCP) {
        put(frame, at, word((u16)flow, https, 0, 0));
        put(frame, at + 8, word(0, 0, (u16)(0x50 | tcp_flags << 8), 0));
    } else {
        put(frame, at, word((u16)flow, https, aya_cpu_to_be16(sizeof(struct aya_tcp)).raw, 0));
        put(frame, at + 8, 0);
    }
    *(u32 *)(frame + at + 16) = 0;
}

AYA_INLINE void put_ipv4(u8 *frame, u32 flow, u32 client, u16 vip)
{
    const u16 length = aya_cpu_to_be16(sizeof(struct aya_ipv4) + sizeof(struct aya_tcp)).raw;
    put(frame, 0, 0);
    put(frame, 8, word(0, 0, aya_cpu_to_be16(AYA_ETHERTYPE_IPV4).raw, 0x45));
    put(frame, 16, word(length, 0, 0, (u16)(64 | protocol << 8)));
    *(u16 *)(frame + 24) = 0;
    put(frame, 26, word((u16)(10 | (client & 0xff00)), (u16)(client >> 16), 0x00cb, (u16)(0x71 | vip << 8)));
    put_transport(frame, 34, flow);
}

AYA_INLINE void put_ipv6(u8 *frame, u32 flow, u32 client, u16 vip)
{
    const u16 length = aya_cpu_to_be16(sizeof(struct aya_tcp)).raw;
    put(frame, 0, 0);
    put(frame, 8, word(0, 0, aya_cpu_to_be16(AYA_ETHERTYPE_IPV6).raw, 0x60));
    *(u16 *)(frame + 16) = 0;
    *(u32 *)(frame + 18) = length | (u32)protocol << 16 | 64u << 24;
    put(frame, 22, word(0x20, 0, 0, 0));
    put(frame, 30, word(0, 0, (u16)client, (u16)(client >> 16)));
    put(frame, 38, word(0x0120, 0xb80d, 0, 0));
    put(frame, 46, word(0, 0, 0, aya_cpu_to_be16(vip).raw));
    put_transport(frame, 54, flow);
}

// Always the same call, so that it costs an empty target as much as one that makes room.
AYA_INLINE int restore(struct xdp_md *ctx, u32 length)
{
    long now = (long)ctx->data_end - (long)ctx->data;
    asm volatile("" : "+r"(now)); // the verifier wants no 32-bit arithmetic on pointers
    return (int)bpf_xdp_adjust_head(ctx, (int)(now - (long)length));
}

SEC("xdp")
int drive(struct xdp_md *ctx)
{
    const u32 length = is_ipv6 ? LENGTH_IPV6 : LENGTH_IPV4;
    if (restore(ctx, length))
        return XDP_ABORTED;
    u64 flow = next_flow++;
    if (flows && next_flow >= flows)
        next_flow = 0;
    u32 client = (u32)flow * 2654435761u; // Knuth: scatters clients' addresses
    u16 vip = (u16)(first_vip + flow % services);
    u8 *frame = (u8 *)(long)ctx->data;
    const u8 *end = (const u8 *)(long)ctx->data_end;
    if (is_ipv6) {
        if (frame + LENGTH_IPV6 > end)
            return XDP_ABORTED;
        put_ipv6(frame, (u32)flow, client, vip);
    } else {
        if (frame + LENGTH_IPV4 > end)
            return XDP_ABORTED;
        put_ipv4(frame, (u32)flow, client, vip);
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
