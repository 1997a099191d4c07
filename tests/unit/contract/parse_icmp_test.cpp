// SPDX-License-Identifier: BSD-2-Clause
//
// ICMP errors quote what the VIP sent; the flow that they belong to is the client's.
#include <gtest/gtest.h>

#include <initializer_list>

#include "parsed.hpp"

namespace aya::test::parse_icmp_test
{
namespace
{

constexpr const char *kClient = "198.51.100.7";
constexpr const char *kRouter = "192.0.2.254";
constexpr const char *kVip = "203.0.113.10";
constexpr const char *kClient6 = "2001:db8:c::7";
constexpr const char *kRouter6 = "2001:db8:f::1";
constexpr const char *kVip6 = "2001:db8::10";

// What the backend sent, as the VIP, to the client.
Packet answer4()
{
    return Packet().ipv4(kVip, kClient).tcp(443, 40000, "A");
}

Packet answer6()
{
    return Packet().ipv6(kVip6, kClient6).tcp(443, 40000, "A");
}

Bytes error4(const Bytes &quoted, u8 type = AYA_ICMP_UNREACHABLE, u8 code = AYA_ICMP_FRAG_NEEDED)
{
    return Packet().ipv4(kRouter, kVip).icmp(type, code, 1400).payload(quoted).build();
}

Bytes error6(const Bytes &quoted, u8 type = AYA_ICMPV6_PACKET_TOO_BIG)
{
    return Packet().ipv6(kRouter6, kVip6).icmp(type, 0, 1400).payload(quoted).build();
}

TEST(ParseIcmp, TurnsTheQuotedFlowOfAnErrorToTheClients)
{
    for (u8 type : {AYA_ICMP_UNREACHABLE, AYA_ICMP_TIME_EXCEEDED, AYA_ICMP_PARAMETER_PROBLEM}) {
        const Parsed got = parse(error4(answer4().payload(40).build_ip(), type));
        EXPECT_EQ(got.text(), "tcp 198.51.100.7:40000 -> 203.0.113.10:443");
        EXPECT_EQ(got.packet.kind, AYA_KIND_ICMP_ERROR);
        EXPECT_EQ(got.packet.tcp_flags, 0) << "the quoted flags say nothing of the error";
    }
    for (u8 type : {AYA_ICMPV6_UNREACHABLE, AYA_ICMPV6_PACKET_TOO_BIG, AYA_ICMPV6_TIME_EXCEEDED,
                    AYA_ICMPV6_PARAMETER_PROBLEM}) {
        const Parsed got = parse(error6(answer6().payload(40).build_ip(), type));
        EXPECT_EQ(got.text(), "tcp [2001:db8:c::7]:40000 -> [2001:db8::10]:443");
        EXPECT_EQ(got.packet.kind, AYA_KIND_ICMP_ERROR);
    }
}

TEST(ParseIcmp, GivesTheErrorTheSameFlowAsTheClientsOwnPackets)
{
    const Parsed own = parse(Packet().ipv4(kClient, kVip).udp(40000, 443).build());
    const Parsed error = parse(error4(Packet().ipv4(kVip, kClient).udp(443, 40000).build_ip()));
    EXPECT_EQ(own.text(), error.text());
}

TEST(ParseIcmp, IsContentWithEightQuotedBytes)
{
    EXPECT_EQ(parse(error4(slice(answer4().build_ip(), 0, 28))).reason, AYA_REASON_NONE);
    EXPECT_EQ(parse(error4(slice(answer4().build_ip(), 0, 27))).reason, AYA_REASON_PUNT_ICMP);
    EXPECT_EQ(parse(error6(slice(answer6().build_ip(), 0, 48))).reason, AYA_REASON_NONE);
    EXPECT_EQ(parse(error6(slice(answer6().build_ip(), 0, 47))).reason, AYA_REASON_PUNT_ICMP);
}

TEST(ParseIcmp, ReadsTheQuotedPortsBehindOptions)
{
    EXPECT_EQ(parse(error4(answer4().options(4).build_ip())).text(),
              "tcp 198.51.100.7:40000 -> 203.0.113.10:443");
    EXPECT_EQ(parse(Packet()
                        .ipv4(kRouter, kVip)
                        .options(2)
                        .icmp(AYA_ICMP_UNREACHABLE, 1)
                        .payload(answer4().build_ip())
                        .build())
                  .text(),
              "tcp 198.51.100.7:40000 -> 203.0.113.10:443");
}

TEST(ParseIcmp, ReadsTheQuotedPortsBehindExtensionHeaders)
{
    const auto answer = [] { return Packet().ipv6(kVip6, kClient6); };
    for (Packet quoted : {answer().extension(0), answer().extension(60, 2),
                          answer().extension(0).extension(43).extension(60), answer().fragment(7, 0, true),
                          answer().extension(60).fragment(7, 0, true), answer().fragment(7, 0, false)}) {
        const Parsed got = parse(error6(quoted.tcp(443, 40000, "A").payload(16).build_ip()));
        EXPECT_EQ(got.text(), "tcp [2001:db8:c::7]:40000 -> [2001:db8::10]:443");
        EXPECT_EQ(got.packet.kind, AYA_KIND_ICMP_ERROR);
        EXPECT_EQ(got.packet.fragment_id.raw, 0u) << "the error itself is no fragment";
    }
}

TEST(ParseIcmp, PuntsErrorsWhoseQuotedExtensionHeadersLeadNowhere)
{
    const auto answer = [] { return Packet().ipv6(kVip6, kClient6); };
    const auto reason = [](const Bytes &quoted) { return parse(error6(quoted)).reason; };
    EXPECT_EQ(reason(answer().fragment(7, 80, true).protocol(6).payload(16).build_ip()),
              AYA_REASON_PUNT_ICMP);
    EXPECT_EQ(reason(answer().extension(0).icmp(128).payload(16).build_ip()), AYA_REASON_PUNT_ICMP);
    Packet five = answer();
    for (int i = 0; i < AYA_MAX_IPV6_EXTENSIONS + 1; i++)
        five.extension(60);
    EXPECT_EQ(reason(five.tcp(443, 40000).build_ip()), AYA_REASON_PUNT_ICMP);
    const Bytes whole = answer().extension(60, 1).tcp(443, 40000).build_ip();
    for (std::size_t length : {40u, 47u, 55u, 63u})
        EXPECT_EQ(reason(slice(whole, 0, length)), AYA_REASON_PUNT_ICMP) << length;
    EXPECT_EQ(reason(slice(whole, 0, 64)), AYA_REASON_NONE);
}

TEST(ParseIcmp, PuntsErrorsAboutPacketsThatTheVipNeverSent)
{
    EXPECT_EQ(parse(error4(Packet().ipv4("203.0.113.11", kClient).tcp(443, 1).build_ip())).reason,
              AYA_REASON_PUNT_ICMP);
    EXPECT_EQ(parse(error6(Packet().ipv6("2001:db8::11", kClient6).tcp(443, 1).build_ip())).reason,
              AYA_REASON_PUNT_ICMP);
}

TEST(ParseIcmp, PuntsErrorsThatQuoteNoPorts)
{
    EXPECT_EQ(parse(error4(Packet().ipv4(kVip, kClient).icmp(8).payload(8).build_ip())).reason,
              AYA_REASON_PUNT_ICMP);
    EXPECT_EQ(parse(error4(answer4().fragment(7, 8, false).build_ip())).reason, AYA_REASON_PUNT_ICMP);
    EXPECT_EQ(parse(error6(Packet().ipv6(kVip6, kClient6).icmp(128).payload(8).build_ip())).reason,
              AYA_REASON_PUNT_ICMP);
}

TEST(ParseIcmp, PuntsErrorsWithAQuoteThatIsNotIp)
{
    for (u8 first : std::initializer_list<u8>{0x00, 0x44, 0x65, 0x55}) {
        Bytes quote = answer4().build_ip();
        quote[0] = first;
        EXPECT_EQ(parse(error4(quote)).reason, AYA_REASON_PUNT_ICMP) << int{first};
    }
    Bytes quote = answer6().build_ip();
    quote[0] = 0x45;
    EXPECT_EQ(parse(error6(quote)).reason, AYA_REASON_PUNT_ICMP);
}

TEST(ParseIcmp, PuntsOtherMessages)
{
    for (u8 type : std::initializer_list<u8>{0, 5, 9, 10, 13, 14})
        EXPECT_EQ(parse(error4(answer4().build_ip(), type, 0)).reason, AYA_REASON_PUNT_ICMP) << int{type};
    for (u8 type : std::initializer_list<u8>{0, 5, 100, 127, 129, 133, 134, 135, 136, 137})
        EXPECT_EQ(parse(error6(answer6().build_ip(), type)).reason, AYA_REASON_PUNT_ICMP) << int{type};
}

TEST(ParseIcmp, KnowsAnEchoRequest)
{
    const Parsed four =
        parse(Packet().ipv4(kClient, kVip).icmp(AYA_ICMP_ECHO, 0, 0x00010002).payload(56).build());
    EXPECT_EQ(four.text(), "icmp 198.51.100.7:0 -> 203.0.113.10:0");
    EXPECT_EQ(four.packet.kind, AYA_KIND_ICMP_ECHO);
    const Parsed six = parse(Packet().ipv6(kClient6, kVip6).icmp(AYA_ICMPV6_ECHO, 0, 1).payload(56).build());
    EXPECT_EQ(six.text(), "icmpv6 [2001:db8:c::7]:0 -> [2001:db8::10]:0");
    EXPECT_EQ(six.packet.kind, AYA_KIND_ICMP_ECHO);
}

TEST(ParseIcmp, PuntsAnEchoRequestWithOptions)
{
    EXPECT_EQ(parse(Packet().ipv4(kClient, kVip).options(1).icmp(AYA_ICMP_ECHO).build()).reason,
              AYA_REASON_PUNT_ICMP);
    EXPECT_EQ(parse(Packet().ipv6(kClient6, kVip6).extension(0).icmp(AYA_ICMPV6_ECHO).build()).reason,
              AYA_REASON_PUNT_ICMP);
}

TEST(ParseIcmp, DropsMessagesShorterThanTheirHeader)
{
    Bytes four = Packet().ipv4(kClient, kVip).icmp(AYA_ICMP_ECHO).payload(20).build();
    put16(four, 14 + offsetof(aya_ipv4, total_length), 27);
    EXPECT_EQ(parse(four).reason, AYA_REASON_BAD_IP_LENGTH);
    Bytes six = Packet().ipv6(kClient6, kVip6).icmp(AYA_ICMPV6_ECHO).payload(20).build();
    put16(six, 14 + offsetof(aya_ipv6, payload_length), 7);
    EXPECT_EQ(parse(six).reason, AYA_REASON_BAD_IP_LENGTH);
}

TEST(ParseFragments, TheFirstHasPortsTheLaterOnesHaveTheId)
{
    const Parsed first =
        parse(Packet().ipv4(kClient, kVip).fragment(0xbeef, 0, true).udp(5000, 53).payload(64).build());
    EXPECT_EQ(first.packet.kind, AYA_KIND_FRAGMENT_FIRST);
    EXPECT_EQ(first.text(), "udp 198.51.100.7:5000 -> 203.0.113.10:53");
    const Parsed later =
        parse(Packet().ipv4(kClient, kVip).fragment(0xbeef, 72, false).protocol(17).payload(9).build());
    EXPECT_EQ(later.packet.kind, AYA_KIND_FRAGMENT_LATER);
    EXPECT_EQ(later.text(), "udp 198.51.100.7:0 -> 203.0.113.10:0");
    EXPECT_EQ(first.packet.fragment_id.raw, later.packet.fragment_id.raw);
    EXPECT_NE(first.packet.fragment_id.raw, 0u);
}

TEST(ParseFragments, OfIpv6AreKnownByTheirHeader)
{
    const Parsed first =
        parse(Packet().ipv6(kClient6, kVip6).fragment(0xdeadbeef, 0, true).udp(5000, 53).payload(64).build());
    EXPECT_EQ(first.packet.kind, AYA_KIND_FRAGMENT_FIRST);
    EXPECT_EQ(first.text(), "udp [2001:db8:c::7]:5000 -> [2001:db8::10]:53");
    const Parsed later =
        parse(Packet().ipv6(kClient6, kVip6).fragment(0xdeadbeef, 72, false).protocol(17).payload(9).build());
    EXPECT_EQ(later.packet.kind, AYA_KIND_FRAGMENT_LATER);
    EXPECT_EQ(first.packet.fragment_id.raw, later.packet.fragment_id.raw);
}

TEST(ParseFragments, AnAtomicFragmentIsAWholePacket)
{
    const Parsed got = parse(Packet().ipv6(kClient6, kVip6).fragment(1, 0, false).tcp(40000, 443).build());
    EXPECT_EQ(got.packet.kind, AYA_KIND_DATA);
    EXPECT_EQ(got.text(), "tcp [2001:db8:c::7]:40000 -> [2001:db8::10]:443");
}

TEST(ParseFragments, AFirstOneMayBeShorterThanItsUdpLengthSays)
{
    Bytes frame = Packet().ipv4(kClient, kVip).fragment(1, 0, true).udp(1, 2).payload(64).build();
    put16(frame, 34 + offsetof(aya_udp, length), 4000);
    EXPECT_EQ(parse(frame).reason, AYA_REASON_NONE);
}

TEST(ParseFragments, OfIcmpAreNotForTheDataPlane)
{
    EXPECT_EQ(parse(Packet().ipv4(kClient, kVip).fragment(1, 0, true).icmp(8).payload(64).build()).reason,
              AYA_REASON_PUNT_PROTOCOL);
}

} // namespace
} // namespace aya::test::parse_icmp_test
