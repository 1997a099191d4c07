// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

#include "aya/forward.h"
#include "classified.hpp"
#include "common/reasons.hpp"
#include "naive_models.hpp"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test::vip_test
{
namespace
{

Packet to(const std::string &vip, u16 port)
{
    return (vip.find(':') == std::string::npos ? Packet().ipv4("198.51.100.7", vip)
                                               : Packet().ipv6("2001:db8:c::7", vip))
        .tcp(40000, port);
}

TEST(Classify, FindsTheServiceOfAVip)
{
    Tables tables;
    const u16 web = tables.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"});
    const u16 dns = tables.add_service({"203.0.113.10:53/udp"});
    EXPECT_EQ(classify(tables, to("203.0.113.10", 443).build()).service, web);
    EXPECT_EQ(classify(tables, to("2001:db8::10", 443).build()).service, web);
    EXPECT_EQ(classify(tables, Packet().ipv4("198.51.100.7", "203.0.113.10").udp(1, 53).build()).service,
              dns);
}

TEST(Classify, PuntsAnotherAddress)
{
    Tables tables;
    tables.add_service({"203.0.113.10:443/tcp"});
    for (const Bytes &frame :
         {to("203.0.113.11", 443).build(), to("2001:db8::10", 443).build(),
          Packet().ipv4("198.51.100.7", "203.0.113.11").icmp(AYA_ICMP_ECHO).build(),
          Packet().ipv4("198.51.100.7", "203.0.113.11").fragment(9, 800, true).protocol(17).build()})
        EXPECT_EQ(classify(tables, frame).reason, AYA_REASON_PUNT_NO_VIP);
}

// To the addresses of VIPs, but to no VIP; and why they would be the kernel's.
std::vector<std::pair<Bytes, aya_reason>> unserved_packets()
{
    const auto to4 = [] { return Packet().ipv4("198.51.100.7", "203.0.113.10"); };
    const auto to6 = [] { return Packet().ipv6("2001:db8:c::7", "2001:db8::10"); };
    return {{to4().tcp(1, 80).build(), AYA_REASON_PUNT_NO_VIP},
            {to6().tcp(1, 80).build(), AYA_REASON_PUNT_NO_VIP},
            {to4().udp(1, 443).build(), AYA_REASON_PUNT_NO_VIP},
            {to4().protocol(51).build(), AYA_REASON_PUNT_PROTOCOL},
            {to6().protocol(47).build(), AYA_REASON_PUNT_PROTOCOL},
            {to4().fragment(9, 0, true).icmp(AYA_ICMP_ECHO).build(), AYA_REASON_PUNT_PROTOCOL},
            {to4().icmp(AYA_ICMP_ECHO_REPLY).build(), AYA_REASON_PUNT_ICMP},
            {to6().icmp(AYA_ICMPV6_ECHO_REPLY).build(), AYA_REASON_PUNT_ICMP},
            {to6().ttl(64).icmp(AYA_ICMPV6_ROUTER_SOLICITATION + 2).build(), AYA_REASON_PUNT_ICMP}};
}

TEST(Classify, DropsWhatNoServiceTakesAtAVipsAddress)
{
    Tables tables;
    tables.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"});
    for (const auto &[frame, reason] : unserved_packets())
        EXPECT_EQ(classify(tables, frame).reason, AYA_REASON_UNSERVED) << kReasons[reason].name;
}

TEST(Classify, PuntsItIfTheKernelHasTheAddress)
{
    Tables tables;
    tables.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"});
    tables.set_local("203.0.113.10");
    tables.set_local("2001:db8::10");
    for (const auto &[frame, reason] : unserved_packets())
        EXPECT_EQ(classify(tables, frame).reason, reason);
    EXPECT_EQ(classify(tables, to("203.0.113.10", 443).build()).reason, AYA_REASON_NONE)
        << "not what one does";
}

TEST(Classify, NeighbourDiscoveryIsTheKernelsWhoeverHasTheAddress)
{
    Tables tables;
    tables.add_service({"[2001:db8::10]:443/tcp"});
    for (u8 type = AYA_ICMPV6_ROUTER_SOLICITATION; type <= AYA_ICMPV6_REDIRECT; type++)
        EXPECT_EQ(classify(tables, Packet().ipv6("2001:db8:c::7", "2001:db8::10").ttl(255).icmp(type).build())
                      .reason,
                  AYA_REASON_PUNT_NEIGHBOUR);
}

TEST(Classify, PrefersTheExactPortToAnyPort)
{
    Tables tables;
    const u16 any = tables.add_service({"203.0.113.10:0/tcp"});
    const u16 exact = tables.add_service({"203.0.113.10:443/tcp"});
    EXPECT_EQ(classify(tables, to("203.0.113.10", 443).build()).service, exact);
    EXPECT_EQ(classify(tables, to("203.0.113.10", 8443).build()).service, any);
    EXPECT_EQ(classify(tables, Packet().ipv4("198.51.100.7", "203.0.113.10").udp(1, 9).build()).reason,
              AYA_REASON_UNSERVED)
        << "any port of one protocol is not any protocol";
}

TEST(Classify, AnswersEchoRequestsToAnyAddressThatIsAVip)
{
    Tables tables;
    tables.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:53/udp"});
    EXPECT_EQ(
        classify(tables, Packet().ipv4("198.51.100.7", "203.0.113.10").icmp(AYA_ICMP_ECHO).build()).reason,
        AYA_REASON_REPLY_ECHO);
    EXPECT_EQ(
        classify(tables, Packet().ipv6("2001:db8:c::7", "2001:db8::10").icmp(AYA_ICMPV6_ECHO).build()).reason,
        AYA_REASON_REPLY_ECHO);
}

TEST(Classify, DropsSourcesThatNoClientCanHave)
{
    Tables tables;
    tables.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"});
    for (const char *src : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "224.0.0.1", "239.1.1.1",
                            "240.0.0.1", "255.255.255.255"})
        EXPECT_EQ(classify(tables, Packet().ipv4(src, "203.0.113.10").tcp(1, 443).build()).reason,
                  AYA_REASON_BAD_ADDRESS)
            << src;
    for (const char *src : {"::", "::1", "::192.0.2.1", "::ffff:192.0.2.1", "ff02::1", "ff0e::1"})
        EXPECT_EQ(classify(tables, Packet().ipv6(src, "2001:db8::10").tcp(1, 443).build()).reason,
                  AYA_REASON_BAD_ADDRESS)
            << src;
    for (const char *src : {"1.0.0.1", "126.255.255.255", "128.0.0.1", "10.0.0.1", "223.255.255.255"})
        EXPECT_EQ(classify(tables, Packet().ipv4(src, "203.0.113.10").tcp(1, 443).build()).reason,
                  AYA_REASON_NONE)
            << src;
    for (const char *src : {"2001:db8::1", "fe80::1", "fd00::1", "64:ff9b::1.2.3.4"})
        EXPECT_EQ(classify(tables, Packet().ipv6(src, "2001:db8::10").tcp(1, 443).build()).reason,
                  AYA_REASON_NONE)
            << src;
    EXPECT_EQ(classify(tables, Packet().ipv4("127.0.0.1", "10.1.1.1").tcp(1, 443).build()).reason,
              AYA_REASON_PUNT_NO_VIP)
        << "what is not for a VIP is the kernel's to judge";
}

TEST(Classify, SurvivesATableWithoutAFreeEntry)
{
    Tables tables;
    for (aya_vip &vip : tables.vips())
        vip.protocol = 99;
    EXPECT_EQ(classify(tables, to("203.0.113.10", 443).build()).reason, AYA_REASON_PUNT_NO_VIP);
}

TEST(VipSearch, AgreesWithAnOrderedMap)
{
    std::mt19937 random(11);
    for (int round = 0; round < 50; round++) {
        Tables tables;
        NaiveVips naive;
        auto text_of = [&](u32 i) {
            return (i % 2 ? "203.0.113." + std::to_string(i % 40)
                          : "[2001:db8::" + std::to_string(i % 40) + "]") +
                   ":" + std::to_string(80 + i % 3) + (i % 5 ? "/tcp" : "/udp");
        };
        auto key_of = [](const VipText &vip) {
            const auto address = mapped_address(vip.address);
            Bytes bytes(16);
            std::memcpy(bytes.data(), address.data(), 16);
            return std::tuple(bytes, vip.port, vip.protocol);
        };
        for (int i = 0; i < 40; i++) { // and an ICMP entry for each address: at most 1 in 3 of the table
            const VipText vip(text_of(static_cast<u32>(random() % 10000)));
            const u16 service = static_cast<u16>(random() % 1000);
            if (naive.emplace(key_of(vip), service).second)
                tables.add_vip(vip, service);
        }
        for (u32 i = 0; i < 2000; i++) {
            const VipText vip(text_of(i));
            const auto found = naive.find(key_of(vip));
            const auto address = mapped_address(vip.address);
            EXPECT_EQ(aya_vip_search(tables.view(), &tables.settings(), address.data(),
                                     aya_cpu_to_be16(vip.port), vip.protocol),
                      found == naive.end() ? u32{AYA_SERVICE_NONE} : found->second);
        }
    }
}

} // namespace
} // namespace aya::test::vip_test
