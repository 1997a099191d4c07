// SPDX-License-Identifier: BSD-2-Clause
#include "model/outer_header.hpp"

#include <cstring>

#include "aya/encap.h"

namespace aya
{

namespace
{

// Of what an outer IPv4 header always says. Protocol, length, TOS and checksum depend on the packet: 0 here.
u16 partial_checksum(const aya_backend &entry)
{
    aya_ipv4 ip = {};
    ip.version_ihl = 0x45;
    ip.flags_offset = aya_cpu_to_be16(AYA_IPV4_DF);
    ip.ttl = AYA_OUTER_TTL;
    std::memcpy(ip.src, &entry.outer_src, sizeof(ip.src));
    std::memcpy(ip.dst, &entry.outer_dst, sizeof(ip.dst));
    u16 words[sizeof(ip) / sizeof(u16)];
    std::memcpy(words, &ip, sizeof(ip));
    u32 sum = 0;
    for (u16 word : words)
        sum += word;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<u16>(sum);
}

void write_outer_ipv4(aya_backend &entry, const IpAddress &destination, const IpAddress &source)
{
    std::memcpy(&entry.outer_src, source.v4_bytes(), sizeof(entry.outer_src));
    std::memcpy(&entry.outer_dst, destination.v4_bytes(), sizeof(entry.outer_dst));
    entry.partial_checksum = partial_checksum(entry);
    entry.outer_length = AYA_OUTER_IPV4;
}

void write_outer_ipv6(aya_backend &entry, aya_tunnel &tunnel, const IpAddress &destination,
                      const IpAddress &source)
{
    aya_ipv6 ip = {};
    ip.version_class[0] = 0x60;
    ip.hop_limit = AYA_OUTER_TTL;
    std::memcpy(ip.src, source.bytes.data(), sizeof(ip.src));
    std::memcpy(ip.dst, destination.bytes.data(), sizeof(ip.dst));
    std::memcpy(tunnel.ipv6, &ip, sizeof(ip));
    entry.outer_length = AYA_OUTER_IPV6;
}

} // namespace

void write_l2_header(aya_backend &entry, const Mac &destination, const Mac &source)
{
    std::memcpy(entry.macs, destination.bytes.data(), 6);
    std::memcpy(entry.macs + 6, source.bytes.data(), 6);
}

void write_ipip_header(aya_backend &entry, aya_tunnel &tunnel, const IpAddress &destination,
                       const IpAddress &source)
{
    if (destination.is_v4())
        write_outer_ipv4(entry, destination, source);
    else
        write_outer_ipv6(entry, tunnel, destination, source);
}

// Source port and length depend on the packet: 0 here. The checksum stays 0.
void write_gue_header(aya_backend &entry, aya_tunnel &tunnel, const IpAddress &destination,
                      const IpAddress &source, u16 port)
{
    write_ipip_header(entry, tunnel, destination, source);
    aya_udp udp = {};
    udp.dst_port = aya_cpu_to_be16(port);
    std::memcpy(tunnel.udp, &udp, sizeof(udp));
    entry.outer_length = static_cast<u8>(entry.outer_length + sizeof(udp));
}

} // namespace aya
