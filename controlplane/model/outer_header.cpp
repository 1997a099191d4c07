// SPDX-License-Identifier: BSD-2-Clause
#include "model/outer_header.hpp"

#include <cstring>

#include "aya/headers.h"

namespace aya
{

namespace
{

constexpr u8 kTtl = 64;

void write_eth(aya_backend &entry, const Mac &destination, const Mac &source, u16 type)
{
    aya_eth eth = {};
    std::memcpy(eth.dst, destination.bytes.data(), sizeof(eth.dst));
    std::memcpy(eth.src, source.bytes.data(), sizeof(eth.src));
    eth.type = aya_cpu_to_be16(type);
    std::memcpy(entry.header, &eth, sizeof(eth));
}

// Protocol, length, TOS and checksum depend on the packet: 0 here, and in the sum.
void write_outer_ipv4(aya_backend &entry, const IpAddress &destination, const IpAddress &source)
{
    aya_ipv4 ip = {};
    ip.version_ihl = 0x45;
    ip.flags_offset = aya_cpu_to_be16(AYA_IPV4_DF); // so the id may be 0: RFC 6864 4.1
    ip.ttl = kTtl;
    std::memcpy(ip.src, source.v4_bytes(), sizeof(ip.src));
    std::memcpy(ip.dst, destination.v4_bytes(), sizeof(ip.dst));
    std::memcpy(entry.header + sizeof(aya_eth), &ip, sizeof(ip));

    u16 words[sizeof(ip) / sizeof(u16)];
    std::memcpy(words, &ip, sizeof(ip));
    u32 sum = 0;
    for (u16 word : words)
        sum += word;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    entry.partial_checksum = sum;
    entry.outer_length = sizeof(ip);
}

void write_outer_ipv6(aya_backend &entry, const IpAddress &destination, const IpAddress &source)
{
    aya_ipv6 ip = {};
    ip.version_class[0] = 0x60;
    ip.hop_limit = kTtl;
    std::memcpy(ip.src, source.bytes.data(), sizeof(ip.src));
    std::memcpy(ip.dst, destination.bytes.data(), sizeof(ip.dst));
    std::memcpy(entry.header + sizeof(aya_eth), &ip, sizeof(ip));
    entry.outer_length = sizeof(ip);
}

} // namespace

void write_l2_header(aya_backend &entry, const Mac &destination, const Mac &source)
{
    write_eth(entry, destination, source, 0);
}

void write_ipip_header(aya_backend &entry, const Mac &destination_mac, const Mac &source_mac,
                       const IpAddress &destination, const IpAddress &source)
{
    if (destination.is_v4()) {
        write_eth(entry, destination_mac, source_mac, AYA_ETHERTYPE_IPV4);
        write_outer_ipv4(entry, destination, source);
    } else {
        write_eth(entry, destination_mac, source_mac, AYA_ETHERTYPE_IPV6);
        write_outer_ipv6(entry, destination, source);
    }
}

// Source port and length depend on the packet: 0 here. The checksum stays 0.
void write_gue_header(aya_backend &entry, const Mac &destination_mac, const Mac &source_mac,
                      const IpAddress &destination, const IpAddress &source, u16 port)
{
    write_ipip_header(entry, destination_mac, source_mac, destination, source);
    aya_udp udp = {};
    udp.dst_port = aya_cpu_to_be16(port);
    std::memcpy(entry.header + sizeof(aya_eth) + entry.outer_length, &udp, sizeof(udp));
    entry.outer_length = static_cast<u8>(entry.outer_length + sizeof(udp));
}

} // namespace aya
