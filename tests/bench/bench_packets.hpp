// SPDX-License-Identifier: BSD-2-Clause
//
// Frames of flow n to the VIPs of bench_tables.hpp: TCP without data.
#pragma once

#include <cstring>

#include "aya/headers.h"
#include "bench_tables.hpp"

namespace aya::bench
{

constexpr u32 kIpv4Frame = 60, kIpv6Frame = 74; // bytes

inline aya_tcp tcp_of(u64 random, u8 flags)
{
    aya_tcp tcp{};
    tcp.src_port = aya_cpu_to_be16(static_cast<u16>(random >> 32));
    tcp.dst_port = aya_cpu_to_be16(443);
    tcp.data_offset = 0x50;
    tcp.flags = flags;
    return tcp;
}

inline void write_link(u8 *frame, u16 type)
{
    const aya_eth eth{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, aya_cpu_to_be16(type)};
    std::memcpy(frame, &eth, sizeof(eth));
}

inline void write_ipv4(u8 *frame, u64 flow, u8 flags)
{
    u64 mixed = flow;
    const u64 random = aya_splitmix64(&mixed);
    aya_ipv4 ip{};
    ip.version_ihl = 0x45;
    ip.total_length = aya_cpu_to_be16(sizeof(aya_ipv4) + sizeof(aya_tcp));
    ip.ttl = 64;
    ip.protocol = AYA_PROTO_TCP;
    aya_store_be32(ip.src, aya_cpu_to_be32(0x0a000000u | (static_cast<u32>(random) & 0xffffff)));
    aya_store_be32(ip.dst, Tables::vip_ipv4(static_cast<u32>(flow % kServices)));
    const aya_tcp tcp = tcp_of(random, flags);
    write_link(frame, AYA_ETHERTYPE_IPV4);
    std::memcpy(frame + 14, &ip, sizeof(ip));
    std::memcpy(frame + 34, &tcp, sizeof(tcp));
}

inline void write_ipv6(u8 *frame, u64 flow, u8 flags)
{
    u64 mixed = flow;
    const u64 random = aya_splitmix64(&mixed);
    aya_ipv6 ip{};
    ip.version_class[0] = 0x60;
    ip.payload_length = aya_cpu_to_be16(sizeof(aya_tcp));
    ip.hop_limit = 64;
    ip.next_header = AYA_PROTO_TCP;
    const be32 src[4] = {aya_cpu_to_be32(0x20010db9), {0}, {0}, {static_cast<u32>(random)}};
    const be32 dst[4] = {
        aya_cpu_to_be32(0x20010db8), {0}, {0}, aya_cpu_to_be32(static_cast<u32>(flow % kServices))};
    std::memcpy(ip.src, src, sizeof(src));
    std::memcpy(ip.dst, dst, sizeof(dst));
    const aya_tcp tcp = tcp_of(random, flags);
    write_link(frame, AYA_ETHERTYPE_IPV6);
    std::memcpy(frame + 14, &ip, sizeof(ip));
    std::memcpy(frame + 54, &tcp, sizeof(tcp));
}

} // namespace aya::bench
