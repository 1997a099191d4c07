// SPDX-License-Identifier: BSD-2-Clause
// VIPs of more than one port or address: ranges of ports, any port, prefixes.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "aya/forward.h"
#include "aya/plain.h"
#include "classified.hpp"
#include "naive_models.hpp"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test::wide_vip_test
{
namespace
{

Packet to(const std::string &address)
{
    return address.find(':') == std::string::npos ? Packet().ipv4("198.51.100.7", address)
                                                  : Packet().ipv6("2001:db8:c::7", address);
}

u16 service_of(const Tables &tables, const std::string &address, u16 port)
{
    return classify(tables, to(address).tcp(40000, port)).service;
}

TEST(WideVip, IsFoundAtItsFirstAndLastAddressAndPort)
{
    Tables tables;
    const u16 web = tables.add_service({"203.0.113.16/28:8000-8999/tcp", "[2001:db8::/64]:8000-8999/tcp"});
    for (const char *address :
         {"203.0.113.16", "203.0.113.31", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"}) {
        EXPECT_EQ(service_of(tables, address, 8000), web) << address;
        EXPECT_EQ(service_of(tables, address, 8999), web) << address;
        for (u16 port : {u16{7999}, u16{9000}})
            EXPECT_EQ(classify(tables, to(address).tcp(1, port)).reason, AYA_REASON_UNSERVED) << address;
        EXPECT_EQ(classify(tables, to(address).udp(1, 8000)).reason, AYA_REASON_UNSERVED) << address;
    }
    for (const char *address : {"203.0.113.15", "203.0.113.32", "2001:db7:ffff::1", "2001:db8:0:1::"})
        EXPECT_EQ(classify(tables, to(address).tcp(1, 8000)).reason, AYA_REASON_PUNT_NO_VIP) << address;
}

TEST(WideVip, TheLongestPrefixGoesFirstThenTheFewestPorts)
{
    Tables tables;
    const u16 all = tables.add_service({"203.0.113.0/24:0/tcp"});
    const u16 net = tables.add_service({"203.0.113.0/28:0/tcp"});
    const u16 range = tables.add_service({"203.0.113.0/28:8000-8999/tcp"});
    const u16 inner = tables.add_service({"203.0.113.0/28:8080-8090/tcp"});
    const u16 port = tables.add_service({"203.0.113.0/28:8085/tcp"});
    const u16 host = tables.add_service({"203.0.113.5:8000-9999/tcp"});
    const u16 exact = tables.add_service({"203.0.113.5:8085/tcp"});
    EXPECT_EQ(service_of(tables, "203.0.113.99", 8085), all);
    EXPECT_EQ(service_of(tables, "203.0.113.4", 1), net);
    EXPECT_EQ(service_of(tables, "203.0.113.4", 8000), range);
    EXPECT_EQ(service_of(tables, "203.0.113.4", 8084), inner);
    EXPECT_EQ(service_of(tables, "203.0.113.4", 8085), port);
    EXPECT_EQ(service_of(tables, "203.0.113.4", 8091), range) << "the range around the one that ended";
    EXPECT_EQ(service_of(tables, "203.0.113.4", 9000), net);
    EXPECT_EQ(service_of(tables, "203.0.113.5", 8084), host);
    EXPECT_EQ(service_of(tables, "203.0.113.5", 8085), exact);
    EXPECT_EQ(service_of(tables, "203.0.113.5", 1), net)
        << "what a longer prefix does not have, a shorter one may";
}

TEST(WideVip, AnyPortIncludesPort0)
{
    Tables tables;
    const u16 any = tables.add_service({"203.0.113.5:0/tcp"});
    EXPECT_EQ(service_of(tables, "203.0.113.5", 0), any);
    EXPECT_EQ(service_of(tables, "203.0.113.5", 65535), any);
}

TEST(WideVip, WhatHasNoPortsIsKnownByItsPrefix)
{
    Tables tables;
    const u16 web = tables.add_service({"203.0.113.0/28:443/tcp", "[2001:db8::/64]:443/tcp"});
    EXPECT_EQ(classify(tables, to("203.0.113.9").icmp(AYA_ICMP_ECHO)).reason, AYA_REASON_REPLY_ECHO);
    EXPECT_EQ(classify(tables, to("2001:db8::9").icmp(AYA_ICMPV6_ECHO)).reason, AYA_REASON_REPLY_ECHO);
    EXPECT_EQ(classify(tables, to("203.0.113.16").icmp(AYA_ICMP_ECHO)).reason, AYA_REASON_PUNT_NO_VIP);
    const Classified later = classify(tables, to("203.0.113.9").fragment(9, 800, true).protocol(17));
    EXPECT_EQ(later.reason, AYA_REASON_NONE);
    EXPECT_EQ(later.service, web);
    const Packet error =
        Packet()
            .ipv4("192.0.2.254", "203.0.113.9")
            .icmp(AYA_ICMP_UNREACHABLE, AYA_ICMP_FRAG_NEEDED, 1400)
            .payload(Packet().ipv4("203.0.113.9", "198.51.100.7").tcp(443, 40000).build_ip());
    EXPECT_EQ(classify(tables, error).service, web) << "an error about a packet from the VIP";
    EXPECT_EQ(classify(tables, to("203.0.113.9").protocol(51)).reason, AYA_REASON_UNSERVED);
}

TEST(WideVip, AnAddressInItsPrefixMayBeTheKernels)
{
    Tables tables;
    const u16 web = tables.add_service({"203.0.113.0/28:443/tcp"});
    tables.set_local("203.0.113.1", web);
    EXPECT_EQ(classify(tables, to("203.0.113.1").tcp(1, 22)).reason, AYA_REASON_PUNT_NO_VIP);
    EXPECT_EQ(classify(tables, to("203.0.113.2").tcp(1, 22)).reason, AYA_REASON_UNSERVED);
    EXPECT_EQ(service_of(tables, "203.0.113.1", 443), web);
}

TEST(WideVip, ASynToNoneOfItsPortsMayBeReset)
{
    Tables tables;
    tables.add_service({"203.0.113.0/28:8000-8999/tcp"});
    tables.set_resets(true);
    EXPECT_EQ(classify(tables, to("203.0.113.1").tcp(1, 22, "S")).reason, AYA_REASON_REPLY_RESET);
}

TEST(WideVip, DamagedTablesAreSearchedNoLonger)
{
    Tables tables;
    tables.add_service({"203.0.113.0/28:8000-8999/tcp", "203.0.113.0/28:8000-8001/tcp"});
    for (aya_vip &vip : tables.vips())
        if (vip.protocol == AYA_PROTO_ICMP) {
            vip.range_offset = 0xffffff00;
            vip.range_count = 0xffff;
        }
    EXPECT_EQ(classify(tables, to("203.0.113.1").tcp(1, 8000)).reason, AYA_REASON_UNSERVED);
}

// Sets of VIPs, half of them IPv6, within 64 addresses and 40 ports.
class RandomVips
{
public:
    explicit RandomVips(u32 seed) : random_(seed) {}

    u32 below(u32 limit) { return static_cast<u32>(random_() % limit); }
    std::string address(u32 host, bool v4) const
    {
        static const char *const kHex = "0123456789abcdef";
        return v4 ? "203.0.113." + std::to_string(host)
                  : std::string("2001:db8::") + kHex[host >> 4] + kHex[host & 15];
    }

    // Ranges of ports are binary, so that they nest.
    std::string vip()
    {
        constexpr u32 kHostBits[] = {0, 0, 1, 2, 4, 6};
        const u32 free = kHostBits[below(6)], host = below(64) >> free << free;
        const u32 ports = 1u << below(4), first = kFirstPort + below(32) / ports * ports;
        const bool v4 = below(2);
        const std::string prefix = address(host, v4) + "/" + std::to_string((v4 ? 32 : 128) - free);
        const std::string range = below(5) == 0 ? "0"
                                  : ports == 1
                                      ? std::to_string(first)
                                      : std::to_string(first) + "-" + std::to_string(first + ports - 1);
        return (v4 ? prefix : "[" + prefix + "]") + ":" + range + (below(3) ? "/tcp" : "/udp");
    }

    static constexpr u32 kFirstPort = 64;

private:
    std::mt19937 random_;
};

NaiveWideVip naive(const VipText &vip, u32 service)
{
    const auto address = mapped_address(vip.address);
    NaiveWideVip made{Bytes(16), vip.bits, vip.port, vip.last_port, vip.protocol, service};
    std::memcpy(made.address.data(), address.data(), 16);
    return made;
}

// As the short way of plain packets asks, and as the long one does.
std::pair<u32, u32> both_ways(const Tables &tables, const std::array<be32, 4> &words, u16 port, u8 protocol,
                              bool v4)
{
    AYA_ALIGNED(8) be32 address[4];
    std::memcpy(address, words.data(), sizeof(address));
    const be16 wire_port = aya_cpu_to_be16(port);
    aya_plain plain = {};
    plain.protocol = protocol;
    plain.ports = static_cast<u32>(wire_port.raw) << 16;
    std::memcpy(plain.dst, address, sizeof(plain.dst));
    return {aya_service_search(tables.view(), &tables.settings(), address, wire_port, protocol),
            v4 ? aya_plain_service_ipv4(tables.view(), aya_plain_vip(&plain))
               : aya_plain_service_ipv6(tables.view(), &plain)};
}

TEST(WideVip, SearchAgreesWithAList)
{
    for (u32 seed = 1; seed <= 60; seed++) {
        RandomVips random(seed);
        Tables tables;
        std::vector<NaiveWideVip> list;
        std::set<std::string> taken;
        for (u32 i = 0; i < 25; i++) {
            const std::string text = random.vip();
            if (!taken.insert(text).second)
                continue;
            list.push_back(naive(VipText(text), i));
            tables.add_vip(VipText(text), static_cast<u16>(i));
        }
        for (u32 i = 0; i < 1000; i++) {
            const bool v4 = random.below(2);
            const auto address = mapped_address(random.address(random.below(70), v4));
            const u16 port = static_cast<u16>(RandomVips::kFirstPort - 2 + random.below(36));
            const u8 protocol = random.below(3) ? AYA_PROTO_TCP : AYA_PROTO_UDP;
            Bytes bytes(16);
            std::memcpy(bytes.data(), address.data(), 16);
            const u32 expected = find_naively(list, bytes, port, protocol).value_or(AYA_SERVICE_NONE);
            EXPECT_EQ(both_ways(tables, address, port, protocol, v4), std::pair(expected, expected))
                << "seed " << seed << " port " << port;
        }
    }
}

} // namespace
} // namespace aya::test::wide_vip_test
