// SPDX-License-Identifier: BSD-2-Clause
// The header templates, judged by what the data plane's rewriting makes of them.
#include "kinds/encap.hpp"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "aya/encap.h"
#include "aya/flow.h"
#include "common/names.hpp"

namespace aya
{
namespace
{

const Mac kGateway = *parse_mac("52:54:00:00:00:11");
const Mac kPort = *parse_mac("52:54:00:00:00:01");

using Frame = std::vector<u8>;

void append(Frame &frame, const void *bytes, size_t length)
{
    const auto *from = static_cast<const u8 *>(bytes);
    frame.insert(frame.end(), from, from + length);
}

Frame udp_frame(const char *source, const char *destination, u8 tos)
{
    const IpAddress from = *parse_ip_address(source);
    const IpAddress to = *parse_ip_address(destination);
    Frame frame;
    aya_eth eth = {};
    eth.dst[0] = 2;
    eth.type = aya_cpu_to_be16(from.is_v4() ? AYA_ETHERTYPE_IPV4 : AYA_ETHERTYPE_IPV6);
    append(frame, &eth, sizeof(eth));
    if (from.is_v4()) {
        aya_ipv4 ip = {};
        ip.version_ihl = 0x45;
        ip.tos = tos;
        ip.total_length = aya_cpu_to_be16(sizeof(ip) + sizeof(aya_udp));
        ip.ttl = 17;
        ip.protocol = AYA_PROTO_UDP;
        std::memcpy(ip.src, from.v4_bytes(), 4);
        std::memcpy(ip.dst, to.v4_bytes(), 4);
        append(frame, &ip, sizeof(ip));
    } else {
        aya_ipv6 ip = {};
        ip.version_class[0] = static_cast<u8>(0x60 | tos >> 4);
        ip.version_class[1] = static_cast<u8>(tos << 4);
        ip.payload_length = aya_cpu_to_be16(sizeof(aya_udp));
        ip.next_header = AYA_PROTO_UDP;
        ip.hop_limit = 17;
        std::memcpy(ip.src, from.bytes.data(), 16);
        std::memcpy(ip.dst, to.bytes.data(), 16);
        append(frame, &ip, sizeof(ip));
    }
    aya_udp udp = {};
    udp.src_port = aya_cpu_to_be16(4000);
    udp.dst_port = aya_cpu_to_be16(443);
    udp.length = aya_cpu_to_be16(sizeof(udp));
    append(frame, &udp, sizeof(udp));
    return frame;
}

// RFC 1071 over big-endian words, written without the code under test. 0xffff: the checksum is right.
u32 sum_of(const u8 *bytes, size_t length)
{
    u32 sum = 0;
    for (size_t i = 0; i < length; i += 2)
        sum += static_cast<u32>(bytes[i] << 8 | bytes[i + 1]);
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

Frame encapsulate(Frame frame, const aya_backend &entry, const aya_tunnel &tunnel)
{
    aya_packet packet = {};
    EXPECT_EQ(aya_parse(frame.data(), frame.data() + frame.size(), static_cast<u32>(frame.size()), &packet),
              AYA_REASON_NONE);
    frame.insert(frame.begin(), entry.outer_length, 0);
    EXPECT_EQ(
        aya_encap(frame.data(), frame.data() + frame.size(), &packet, &entry, &tunnel, 0x1234567890abcdef),
        AYA_REASON_NONE);
    return frame;
}

struct Tunnel {
    const char *client, *vip;     // inner
    const char *source, *backend; // outer
    u8 protocol;
    u16 port; // of UDP between them; 0: none
};

class Tunnels : public testing::TestWithParam<Tunnel>
{
};

TEST_P(Tunnels, CarryThePacketUnderAValidOuterHeader)
{
    const Tunnel &tunnel = GetParam();
    const IpAddress source = *parse_ip_address(tunnel.source);
    const IpAddress backend = *parse_ip_address(tunnel.backend);
    aya_backend entry = {};
    aya_tunnel headers = {};
    write_macs(entry, kGateway, kPort);
    const EncapRow &row = row_of(tunnel.port ? Encap::gue : Encap::ipip);
    row.write_header(entry, headers, {.source = source, .destination = backend, .port = tunnel.port});
    EXPECT_EQ(entry.outer_length, backend.is_v4() ? row.over_ipv4 : row.over_ipv6);
    EXPECT_EQ(encap_of(entry), &row);
    constexpr u8 kTos = 0xb9; // EF, ECT(1)
    const Frame before = udp_frame(tunnel.client, tunnel.vip, kTos);
    const Frame after = encapsulate(before, entry, headers);

    EXPECT_EQ(std::memcmp(after.data(), kGateway.bytes.data(), 6), 0);
    EXPECT_EQ(std::memcmp(after.data() + 6, kPort.bytes.data(), 6), 0);
    const u16 type = static_cast<u16>(after[12] << 8 | after[13]);
    const u8 *outer = after.data() + 14;
    size_t outer_length = 0;
    if (backend.is_v4()) {
        outer_length = 20;
        EXPECT_EQ(type, 0x0800);
        EXPECT_EQ(outer[0], 0x45);
        EXPECT_EQ(outer[1], kTos);
        EXPECT_EQ(outer[2] << 8 | outer[3], static_cast<int>(after.size() - 14));
        EXPECT_EQ(outer[4] << 8 | outer[5], 0);
        EXPECT_EQ(outer[6] << 8 | outer[7], 0x4000);
        EXPECT_EQ(outer[8], 64);
        EXPECT_EQ(outer[9], tunnel.protocol);
        EXPECT_EQ(sum_of(outer, 20), 0xffffu);
        EXPECT_EQ(std::memcmp(outer + 12, source.v4_bytes(), 4), 0);
        EXPECT_EQ(std::memcmp(outer + 16, backend.v4_bytes(), 4), 0);
    } else {
        outer_length = 40;
        EXPECT_EQ(type, 0x86dd);
        EXPECT_EQ(outer[0] >> 4, 6);
        EXPECT_EQ(static_cast<u8>(outer[0] << 4 | outer[1] >> 4), kTos);
        EXPECT_EQ(outer[4] << 8 | outer[5], static_cast<int>(after.size() - 14 - 40));
        EXPECT_EQ(outer[6], tunnel.protocol);
        EXPECT_EQ(outer[7], 64);
        EXPECT_EQ(std::memcmp(outer + 8, source.bytes.data(), 16), 0);
        EXPECT_EQ(std::memcmp(outer + 24, backend.bytes.data(), 16), 0);
    }
    if (tunnel.port) {
        const u8 *udp = outer + outer_length;
        outer_length += 8;
        EXPECT_EQ(udp[0] << 8 | udp[1], 49152 + (0x1234567890abcdef & 0x3fff));
        EXPECT_EQ(udp[2] << 8 | udp[3], tunnel.port);
        EXPECT_EQ(udp[4] << 8 | udp[5], static_cast<int>(before.size() - 14 + 8));
        EXPECT_EQ(udp[6] << 8 | udp[7], 0);
    }
    EXPECT_EQ(entry.outer_length, outer_length);
    EXPECT_EQ(after.size(), before.size() + outer_length);
    // The UDP header at the end is the client's own.
    EXPECT_EQ(std::memcmp(after.data() + after.size() - 8, before.data() + before.size() - 8, 8), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Families, Tunnels,
    testing::Values(Tunnel{"198.51.100.7", "203.0.113.10", "192.0.2.1", "10.0.1.11", 4, 0},
                    Tunnel{"2001:db8:7::1", "2001:db8::10", "192.0.2.1", "10.255.255.255", 41, 0},
                    Tunnel{"198.51.100.7", "203.0.113.10", "2001:db8:ff::1", "fd00::ffff:1", 4, 0},
                    Tunnel{"2001:db8:7::1", "2001:db8::10", "2001:db8:ff::1", "fd00::1", 41, 0},
                    Tunnel{"198.51.100.7", "203.0.113.10", "192.0.2.1", "10.0.1.11", 17, 6080},
                    Tunnel{"2001:db8:7::1", "2001:db8::10", "192.0.2.1", "10.255.255.255", 17, 6080},
                    Tunnel{"198.51.100.7", "203.0.113.10", "2001:db8:ff::1", "fd00::ffff:1", 17, 9886},
                    Tunnel{"2001:db8:7::1", "2001:db8::10", "2001:db8:ff::1", "fd00::1", 17, 65535}));

TEST(L2, ChangesTheAddressesAlone)
{
    aya_backend entry = {};
    write_macs(entry, kGateway, kPort);
    const Frame before = udp_frame("198.51.100.7", "203.0.113.10", 0);
    const Frame after = encapsulate(before, entry, {});
    ASSERT_EQ(after.size(), before.size());
    EXPECT_EQ(std::memcmp(after.data(), kGateway.bytes.data(), 6), 0);
    EXPECT_EQ(std::memcmp(after.data() + 6, kPort.bytes.data(), 6), 0);
    EXPECT_EQ(after[12] << 8 | after[13], 0x0800);
    EXPECT_EQ(after[14 + 8], 16) << "TTL";
}

} // namespace
} // namespace aya
