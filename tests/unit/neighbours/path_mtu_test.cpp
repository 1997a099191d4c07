// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/path_mtu.hpp"

#include "aya/headers.h"

#include <gtest/gtest.h>

#include <cstring>

namespace aya::neighbours
{
namespace
{

using namespace std::chrono_literals;

const IpAddress kSource4 = IpAddress::v4(10, 0, 0, 2);
const IpAddress kBackend4 = IpAddress::v4(10, 0, 1, 11);
const IpAddress kSource6 = *parse_ip_address("2001:db8::2");
const IpAddress kBackend6 = *parse_ip_address("2001:db8:1::11");
constexpr PathMtus::Clock::time_point kStart{};

template <typename Header>
void append(std::vector<u8> &bytes, const Header &header)
{
    const auto *data = reinterpret_cast<const u8 *>(&header);
    bytes.insert(bytes.end(), data, data + sizeof(header));
}

aya_ipv4 ipv4(const IpAddress &source, const IpAddress &destination, u8 protocol, u16 length)
{
    aya_ipv4 ip{};
    ip.version_ihl = 0x45;
    ip.total_length = aya_cpu_to_be16(length);
    ip.protocol = protocol;
    std::memcpy(ip.src, source.v4_bytes(), 4);
    std::memcpy(ip.dst, destination.v4_bytes(), 4);
    return ip;
}

// As a raw socket hands it over, quoting the outer headers and a few bytes of what is inside.
std::vector<u8> message_ipv4(u16 mtu, u8 protocol = AYA_PROTO_IPIP, u16 udp_port = 6080)
{
    std::vector<u8> bytes;
    append(bytes, ipv4(IpAddress::v4(10, 0, 0, 1), kSource4, AYA_PROTO_ICMP, 56));
    append(bytes, aya_icmp{AYA_ICMP_UNREACHABLE, AYA_ICMP_FRAG_NEEDED, 0, {0, aya_cpu_to_be16(mtu).raw}});
    append(bytes, ipv4(kSource4, kBackend4, protocol, 1520));
    append(bytes, aya_udp{aya_cpu_to_be16(50000), aya_cpu_to_be16(udp_port), {0}, 0});
    return bytes;
}

std::vector<u8> message_ipv6(u16 mtu, u8 protocol = AYA_PROTO_IPV6)
{
    std::vector<u8> bytes;
    append(bytes, aya_icmp{AYA_ICMPV6_PACKET_TOO_BIG, 0, 0, {0, aya_cpu_to_be16(mtu).raw}});
    aya_ipv6 ip{};
    ip.version_class[0] = 0x60;
    ip.payload_length = aya_cpu_to_be16(1500);
    ip.next_header = protocol;
    std::memcpy(ip.src, kSource6.bytes.data(), 16);
    std::memcpy(ip.dst, kBackend6.bytes.data(), 16);
    append(bytes, ip);
    append(bytes, aya_udp{aya_cpu_to_be16(50000), aya_cpu_to_be16(6080), {0}, 0});
    return bytes;
}

TooBig too_big(u32 mtu, const IpAddress &backend = kBackend4)
{
    return {
        .source = kSource4, .destination = backend, .protocol = AYA_PROTO_IPIP, .length = 1520, .mtu = mtu};
}

TEST(ReadTooBig, KnowsBothFamilies)
{
    EXPECT_EQ(read_too_big_ipv4(message_ipv4(1400)), too_big(1400));
    EXPECT_EQ(read_too_big_ipv4(message_ipv4(1400, AYA_PROTO_UDP))->udp_port, 6080);
    EXPECT_EQ(read_too_big_ipv6(message_ipv6(1400)), (TooBig{.source = kSource6,
                                                             .destination = kBackend6,
                                                             .protocol = AYA_PROTO_IPV6,
                                                             .length = 1540,
                                                             .mtu = 1400}));
    EXPECT_EQ(read_too_big_ipv6(message_ipv6(1400, AYA_PROTO_UDP))->udp_port, 6080);
}

TEST(ReadTooBig, FindsTheQuoteBehindOptions)
{
    std::vector<u8> outer = message_ipv4(1400, AYA_PROTO_UDP);
    outer[0] = 0x46;
    outer.insert(outer.begin() + 20, 4, u8{1});
    EXPECT_EQ(read_too_big_ipv4(outer), read_too_big_ipv4(message_ipv4(1400, AYA_PROTO_UDP)));
}

TEST(ReadTooBig, NothingElseIsAndNothingCutShort)
{
    for (const std::size_t at : {0, 9, 20, 21, 28}) { // version, protocol, type, code, version of the quote
        std::vector<u8> other = message_ipv4(1400, AYA_PROTO_UDP);
        other[at] = 0x11;
        EXPECT_FALSE(read_too_big_ipv4(other)) << at;
    }
    for (const std::size_t at : {0, 1, 8}) {
        std::vector<u8> other = message_ipv6(1400);
        other[at] = 0x11;
        EXPECT_FALSE(read_too_big_ipv6(other)) << at;
    }
    const std::vector<u8> whole4 = message_ipv4(1400, AYA_PROTO_UDP);
    for (std::size_t length = 0; length < whole4.size(); length++)
        EXPECT_FALSE(read_too_big_ipv4(std::span(whole4).first(length))) << length;
    const std::vector<u8> whole6 = message_ipv6(1400, AYA_PROTO_UDP);
    for (std::size_t length = 0; length < whole6.size(); length++)
        EXPECT_FALSE(read_too_big_ipv6(std::span(whole6).first(length))) << length;
}

TEST(Tunnel, SentOnlyWhatLooksLikeIt)
{
    const Tunnel ipip{.source = kSource4, .encap = Encap::ipip, .gue_port = 6080};
    const Tunnel gue{.source = kSource4, .encap = Encap::gue, .gue_port = 6080};
    EXPECT_TRUE(ipip.sent(*read_too_big_ipv4(message_ipv4(1400))));
    EXPECT_TRUE(ipip.sent(*read_too_big_ipv4(message_ipv4(1400, AYA_PROTO_IPV6))));
    EXPECT_FALSE(ipip.sent(*read_too_big_ipv4(message_ipv4(1400, AYA_PROTO_UDP))));
    EXPECT_FALSE(ipip.sent(*read_too_big_ipv4(message_ipv4(1400, AYA_PROTO_TCP))));
    EXPECT_TRUE(gue.sent(*read_too_big_ipv4(message_ipv4(1400, AYA_PROTO_UDP))));
    EXPECT_FALSE(gue.sent(*read_too_big_ipv4(message_ipv4(1400, AYA_PROTO_UDP, 6081))));
    EXPECT_FALSE(gue.sent(*read_too_big_ipv4(message_ipv4(1400))));
    EXPECT_FALSE((Tunnel{.source = kSource6}.sent(*read_too_big_ipv4(message_ipv4(1400)))));
    EXPECT_FALSE((Tunnel{.source = {}}.sent(*read_too_big_ipv4(message_ipv4(1400)))));
}

TEST(PathMtus, LearnsAndForgetsAfterTenMinutes)
{
    PathMtus mtus;
    EXPECT_FALSE(mtus.find(kBackend4));
    EXPECT_TRUE(mtus.learn(too_big(1400), 1600, kStart));
    EXPECT_EQ(mtus.find(kBackend4), 1400);
    EXPECT_TRUE(mtus.forget(kStart + 10min - 1s).empty());
    EXPECT_EQ(mtus.forget(kStart + 10min), std::vector{kBackend4});
    EXPECT_FALSE(mtus.find(kBackend4));
}

TEST(PathMtus, NeverLearnsMore)
{
    PathMtus mtus;
    EXPECT_FALSE(mtus.learn(too_big(1400), 1400, kStart)) << "known by the route";
    EXPECT_TRUE(mtus.learn(too_big(1400), 1600, kStart));
    EXPECT_FALSE(mtus.learn(too_big(1500), 1600, kStart + 10s));
    EXPECT_FALSE(mtus.learn(too_big(1400), 1600, kStart + 10s));
    EXPECT_TRUE(mtus.learn(too_big(1300), 1600, kStart + 10s));
    EXPECT_EQ(mtus.find(kBackend4), 1300);
}

TEST(PathMtus, IsNotFooledByAPacketThatWouldHaveFitted)
{
    PathMtus mtus;
    TooBig error = too_big(1400);
    error.length = 1400;
    EXPECT_FALSE(mtus.learn(error, 1600, kStart));
}

TEST(PathMtus, HasAFloorAndAPace)
{
    PathMtus mtus;
    EXPECT_TRUE(mtus.learn(too_big(0), 1600, kStart)) << "a router older than RFC 1191";
    EXPECT_EQ(mtus.find(kBackend4), 576);
    EXPECT_TRUE(mtus.learn(too_big(68, kBackend6), 1600, kStart));
    EXPECT_EQ(mtus.find(kBackend6), 1280);

    const IpAddress other = IpAddress::v4(10, 0, 1, 12);
    EXPECT_TRUE(mtus.learn(too_big(1400, other), 1600, kStart));
    EXPECT_FALSE(mtus.learn(too_big(1399, other), 1600, kStart + 999ms));
    EXPECT_TRUE(mtus.learn(too_big(1399, other), 1600, kStart + 1s));
}

TEST(PathMtus, ForgetsBackendsThatAreGone)
{
    PathMtus mtus;
    EXPECT_TRUE(mtus.learn(too_big(1400), 1600, kStart));
    mtus.forget_all_but({{kBackend4, {}}});
    EXPECT_EQ(mtus.find(kBackend4), 1400);
    mtus.forget_all_but({});
    EXPECT_FALSE(mtus.find(kBackend4));
}

} // namespace
} // namespace aya::neighbours
