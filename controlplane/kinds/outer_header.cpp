// SPDX-License-Identifier: BSD-2-Clause
#include <cstring>

#include "aya/encap.h"
#include "kinds/encap.hpp"

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

std::string text_of(const be32 &address)
{
    return to_string(IpAddress::from_v4_bytes(reinterpret_cast<const u8 *>(&address)));
}

std::string ip_text(const aya_backend &entry, const aya_tunnel &tunnel, bool is_ipv4)
{
    if (is_ipv4)
        return "IPv4 " + text_of(entry.outer_src) + " to " + text_of(entry.outer_dst);
    return "IPv6 " + to_string(IpAddress::from_v6_bytes(tunnel.ipv6 + offsetof(aya_ipv6, src))) + " to " +
           to_string(IpAddress::from_v6_bytes(tunnel.ipv6 + offsetof(aya_ipv6, dst)));
}

} // namespace

void write_macs(aya_backend &entry, const Mac &destination, const Mac &source)
{
    std::memcpy(entry.macs, destination.bytes.data(), 6);
    std::memcpy(entry.macs + 6, source.bytes.data(), 6);
}

void write_ipip_header(aya_backend &entry, aya_tunnel &tunnel, const TunnelEnds &ends)
{
    if (ends.destination.is_v4())
        write_outer_ipv4(entry, ends.destination, ends.source);
    else
        write_outer_ipv6(entry, tunnel, ends.destination, ends.source);
}

std::string ipip_header_text(const aya_backend &entry, const aya_tunnel &tunnel, const aya_packet &, u64)
{
    return ip_text(entry, tunnel, entry.outer_length == AYA_OUTER_IPV4);
}

// Source port and length depend on the packet: 0 here. The checksum stays 0.
void write_gue_header(aya_backend &entry, aya_tunnel &tunnel, const TunnelEnds &ends)
{
    write_ipip_header(entry, tunnel, ends);
    aya_udp udp = {};
    udp.dst_port = aya_cpu_to_be16(ends.port);
    std::memcpy(tunnel.udp, &udp, sizeof(udp));
    entry.outer_length = static_cast<u8>(entry.outer_length + sizeof(udp));
}

// The source port is the rewriting's own, for this packet.
std::string gue_header_text(const aya_backend &entry, const aya_tunnel &tunnel, const aya_packet &packet,
                            u64 hash)
{
    aya_udp udp;
    std::memcpy(&udp, tunnel.udp, sizeof(udp));
    aya_patch_outer_udp(&udp, &packet, hash);
    return ip_text(entry, tunnel, entry.outer_length == AYA_OUTER_GUE_IPV4) + ", UDP port " +
           std::to_string(aya_be16_to_cpu(udp.src_port)) + " to " +
           std::to_string(aya_be16_to_cpu(udp.dst_port));
}

} // namespace aya
