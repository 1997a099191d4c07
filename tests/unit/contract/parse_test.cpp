// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <initializer_list>

#include "parsed.hpp"

namespace aya::test::parse_test
{
namespace
{

constexpr const char *kClient = "198.51.100.7";
constexpr const char *kVip = "203.0.113.10";
constexpr const char *kClient6 = "2001:db8:c::7";
constexpr const char *kVip6 = "2001:db8::10";

Packet tcp4()
{
    return Packet().ipv4(kClient, kVip).tcp(40000, 443);
}

Packet tcp6()
{
    return Packet().ipv6(kClient6, kVip6).tcp(40000, 443);
}

TEST(Parse, TellsTheFlowOfATcpPacketOverIpv4)
{
    const Parsed got = parse(tcp4().tos(0xb9).ttl(17).payload(100).build());
    ASSERT_EQ(got.reason, AYA_REASON_NONE);
    EXPECT_EQ(got.text(), "tcp 198.51.100.7:40000 -> 203.0.113.10:443");
    EXPECT_EQ(got.packet.kind, AYA_KIND_DATA);
    EXPECT_EQ(got.packet.l3_offset, 14);
    EXPECT_EQ(got.packet.l3_length, 140);
    EXPECT_EQ(got.packet.ttl, 17);
    EXPECT_EQ(got.packet.tos, 0xb9);
    EXPECT_EQ(got.packet.tcp_flags, AYA_TCP_SYN);
}

TEST(Parse, TellsTheFlowOfATcpPacketOverIpv6)
{
    const Parsed got = parse(tcp6().tos(0xb9).ttl(17).payload(100).build());
    ASSERT_EQ(got.reason, AYA_REASON_NONE);
    EXPECT_EQ(got.text(), "tcp [2001:db8:c::7]:40000 -> [2001:db8::10]:443");
    EXPECT_EQ(got.packet.l3_length, 160);
    EXPECT_EQ(got.packet.ttl, 17);
    EXPECT_EQ(got.packet.tos, 0xb9);
}

TEST(Parse, TellsTheFlowOfAUdpPacket)
{
    EXPECT_EQ(parse(Packet().ipv4(kClient, kVip).udp(5353, 53).payload(1).build()).text(),
              "udp 198.51.100.7:5353 -> 203.0.113.10:53");
    EXPECT_EQ(parse(Packet().ipv6(kClient6, kVip6).udp(5353, 53).build()).text(),
              "udp [2001:db8:c::7]:5353 -> [2001:db8::10]:53");
}

TEST(Parse, KeepsEveryTcpFlag)
{
    EXPECT_EQ(parse(Packet().ipv4(kClient, kVip).tcp(1, 2, "FSRPAUEC").build()).packet.tcp_flags, 0xff);
    EXPECT_EQ(parse(Packet().ipv4(kClient, kVip).tcp(1, 2, "FA").build()).packet.tcp_flags,
              AYA_TCP_FIN | AYA_TCP_ACK);
}

TEST(Parse, UdpHasNoTcpFlags)
{
    EXPECT_EQ(parse(Packet().ipv4(kClient, kVip).udp(1, 2).payload(20).build()).packet.tcp_flags, 0);
}

TEST(Parse, StepsOverOneOrTwoVlanTags)
{
    for (auto build : {tcp4, tcp6}) {
        const Parsed one = parse(build().vlan(100).build());
        EXPECT_EQ(one.reason, AYA_REASON_NONE);
        EXPECT_EQ(one.packet.l3_offset, 18);
        const Parsed two = parse(build().vlan(200, AYA_ETHERTYPE_QINQ).vlan(100).build());
        EXPECT_EQ(two.reason, AYA_REASON_NONE);
        EXPECT_EQ(two.packet.l3_offset, 22);
        EXPECT_EQ(two.text(), one.text());
        EXPECT_EQ(two.text(), parse(build().build()).text());
    }
}

TEST(Parse, RefusesAThirdVlanTag)
{
    EXPECT_EQ(parse(tcp4().vlan(1).vlan(2).vlan(3).build()).reason, AYA_REASON_VLAN_DEPTH);
}

TEST(Parse, PuntsWhatIsNotIp)
{
    EXPECT_EQ(parse(Packet().ethertype(0x0806).payload(46).build()).reason, AYA_REASON_PUNT_NOT_IP);
    EXPECT_EQ(parse(Packet().ethertype(0x88cc).payload(46).build()).reason, AYA_REASON_PUNT_NOT_IP);
    EXPECT_EQ(parse(Packet().vlan(5).ethertype(0x0806).payload(46).build()).reason, AYA_REASON_PUNT_NOT_IP);
    EXPECT_EQ(parse(Packet().ethertype(46).payload(46).build()).reason, AYA_REASON_PUNT_NOT_IP)
        << "802.3 length";
}

TEST(Parse, PuntsMulticastAndBroadcastFrames)
{
    EXPECT_EQ(parse(tcp4().macs("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:02").build()).reason,
              AYA_REASON_PUNT_MULTICAST);
    EXPECT_EQ(parse(tcp6().macs("33:33:00:00:00:01", "02:00:00:00:00:02").build()).reason,
              AYA_REASON_PUNT_MULTICAST);
}

TEST(Parse, PuntsOtherProtocols)
{
    EXPECT_EQ(parse(Packet().ipv4(kClient, kVip).protocol(47).payload(40).build()).reason,
              AYA_REASON_PUNT_PROTOCOL);
    EXPECT_EQ(parse(Packet().ipv6(kClient6, kVip6).protocol(50).payload(40).build()).reason,
              AYA_REASON_PUNT_PROTOCOL);
    EXPECT_EQ(parse(Packet().ipv4(kClient, kVip).ipv4(kClient, kVip).tcp(1, 2).build()).reason,
              AYA_REASON_PUNT_PROTOCOL);
}

TEST(Parse, ReadsPortsBehindIpv4Options)
{
    for (std::size_t words = 1; words <= 10; words++) {
        const Parsed got = parse(tcp4().options(words).payload(3).build());
        EXPECT_EQ(got.text(), "tcp 198.51.100.7:40000 -> 203.0.113.10:443") << words << " words of options";
        EXPECT_EQ(got.packet.l3_length, 43 + 4 * words);
    }
}

TEST(Parse, ReadsPortsBehindIpv6ExtensionHeaders)
{
    const char *flow = "tcp [2001:db8:c::7]:40000 -> [2001:db8::10]:443";
    for (u8 kind : {AYA_PROTO_HOPOPTS, AYA_PROTO_ROUTING, AYA_PROTO_DSTOPTS})
        for (std::size_t units : {0, 1, 7, 31})
            EXPECT_EQ(
                parse(Packet().ipv6(kClient6, kVip6).extension(kind, units).tcp(40000, 443).build()).text(),
                flow)
                << "header " << int{kind} << " of " << units << " units";
    EXPECT_EQ(parse(Packet()
                        .ipv6(kClient6, kVip6)
                        .extension(AYA_PROTO_HOPOPTS)
                        .extension(AYA_PROTO_DSTOPTS, 2)
                        .extension(AYA_PROTO_ROUTING)
                        .extension(AYA_PROTO_DSTOPTS)
                        .tcp(40000, 443)
                        .build())
                  .text(),
              flow)
        << "four headers";
}

TEST(Parse, DropsMoreThanFourIpv6ExtensionHeaders)
{
    Packet packet = Packet().ipv6(kClient6, kVip6);
    for (int i = 0; i < 5; i++)
        packet.extension(AYA_PROTO_DSTOPTS);
    EXPECT_EQ(parse(packet.tcp(1, 2).build()).reason, AYA_REASON_IPV6_EXTENSIONS);
}

TEST(Parse, DropsExtensionHeadersThatLeadOutOfThePacket)
{
    Packet builder = Packet().ipv6(kClient6, kVip6).extension(AYA_PROTO_DSTOPTS).tcp(1, 2).payload(64);
    Bytes frame = builder.build();
    frame[54 + 1] = 255; // 2048 bytes, beyond the frame
    EXPECT_EQ(parse(frame).reason, AYA_REASON_BAD_IP_LENGTH);
    frame[54 + 1] = 2; // within the frame, but the IP packet ends before
    put16(frame, 14 + offsetof(aya_ipv6, payload_length), 16);
    EXPECT_EQ(parse(frame).reason, AYA_REASON_BAD_IP_LENGTH);
}

TEST(Parse, DropsAnIpVersionThatTheEthernetTypeDoesNotSay)
{
    Bytes four = tcp4().build(), six = tcp6().build();
    four[14] = 0x65;
    six[14] = 0x40;
    EXPECT_EQ(parse(four).reason, AYA_REASON_BAD_IP_VERSION);
    EXPECT_EQ(parse(six).reason, AYA_REASON_BAD_IP_VERSION);
}

TEST(Parse, DropsIpv4HeaderLengthsBelowFiveWords)
{
    for (u8 words = 0; words < 5; words++) {
        Bytes frame = tcp4().build();
        frame[14] = static_cast<u8>(0x40 | words);
        EXPECT_EQ(parse(frame).reason, AYA_REASON_BAD_IP_HEADER);
    }
}

TEST(Parse, DropsAnIpv4HeaderLongerThanItsPacket)
{
    Bytes frame = Packet().ipv4(kClient, kVip).udp(1, 2).payload(100).build();
    put16(frame, 14 + offsetof(aya_ipv4, total_length), 40);
    frame[14] = 0x4f; // 60 bytes
    EXPECT_EQ(parse(frame).reason, AYA_REASON_BAD_IP_LENGTH);
}

TEST(Parse, DropsIpLengthsBeyondTheFrame)
{
    Bytes four = tcp4().payload(10).build(), six = tcp6().payload(10).build();
    put16(four, 14 + offsetof(aya_ipv4, total_length), 51);
    put16(six, 14 + offsetof(aya_ipv6, payload_length), 31);
    EXPECT_EQ(parse(four).reason, AYA_REASON_BAD_IP_LENGTH);
    EXPECT_EQ(parse(six).reason, AYA_REASON_BAD_IP_LENGTH);
}

TEST(Parse, DropsIpv6PacketsLongerThanAnyInterfaceCarries)
{
    Bytes frame = tcp6().build();
    put16(frame, 14 + offsetof(aya_ipv6, payload_length), 0xffff);
    aya_packet packet;
    EXPECT_EQ(aya_parse(frame.data(), frame.data() + frame.size(), 70000, &packet), AYA_REASON_BAD_IP_LENGTH);
}

TEST(Parse, DropsIpLengthsShorterThanTheirHeaders)
{
    Bytes four = tcp4().build(), six = Packet().ipv6(kClient6, kVip6).extension(0).tcp(1, 2).build();
    put16(four, 14 + offsetof(aya_ipv4, total_length), 19);
    put16(six, 14 + offsetof(aya_ipv6, payload_length), 7);
    EXPECT_EQ(parse(four).reason, AYA_REASON_BAD_IP_LENGTH);
    EXPECT_EQ(parse(six).reason, AYA_REASON_BAD_IP_LENGTH);
}

TEST(Parse, IgnoresThePaddingOfShortFrames)
{
    Bytes frame = tcp4().build();
    frame.resize(60);
    const Parsed got = parse(frame);
    EXPECT_EQ(got.reason, AYA_REASON_NONE);
    EXPECT_EQ(got.packet.l3_length, 40);
}

TEST(Parse, DropsBadTcpHeaderLengths)
{
    for (auto build : {tcp4, tcp6}) {
        Packet builder = build();
        const std::size_t at = builder.build().size() - sizeof(aya_tcp) + offsetof(aya_tcp, data_offset);
        for (u8 words : std::initializer_list<u8>{0, 4, 6, 15}) {
            Bytes frame = builder.build();
            frame[at] = static_cast<u8>(words << 4);
            EXPECT_EQ(parse(frame).reason, AYA_REASON_BAD_L4_HEADER) << int{words} << " words";
        }
    }
    EXPECT_EQ(parse(Packet().ipv4(kClient, kVip).tcp(1, 2, "S", 10).build()).reason, AYA_REASON_NONE);
}

TEST(Parse, DropsBadUdpLengths)
{
    for (std::size_t length : {0, 7, 19, 0xffff}) {
        Bytes four = Packet().ipv4(kClient, kVip).udp(1, 2).payload(10).build();
        put16(four, 34 + offsetof(aya_udp, length), length);
        EXPECT_EQ(parse(four).reason, AYA_REASON_BAD_L4_HEADER) << length;
        Bytes six = Packet().ipv6(kClient6, kVip6).udp(1, 2).payload(10).build();
        put16(six, 54 + offsetof(aya_udp, length), length);
        EXPECT_EQ(parse(six).reason, AYA_REASON_BAD_L4_HEADER) << length;
    }
}

TEST(Parse, DoesNotTakePortsFromThePaddingBehindThePacket)
{
    for (std::size_t l4_length : {0, 4, 7}) {
        Bytes frame = Packet().ipv4(kClient, kVip).udp(1, 2).payload(10).build();
        put16(frame, 14 + offsetof(aya_ipv4, total_length), 20 + l4_length);
        EXPECT_EQ(parse(frame).reason, AYA_REASON_BAD_L4_HEADER) << "UDP, " << l4_length;
        put16(frame, 14 + offsetof(aya_ipv4, flags_offset), AYA_IPV4_MF);
        EXPECT_EQ(parse(frame).reason, AYA_REASON_BAD_L4_HEADER) << "first fragment, " << l4_length;
    }
    Bytes tiny = tcp4().payload(10).build();
    put16(tiny, 14 + offsetof(aya_ipv4, total_length), 20 + 8);
    put16(tiny, 14 + offsetof(aya_ipv4, flags_offset), AYA_IPV4_MF);
    EXPECT_EQ(parse(tiny).reason, AYA_REASON_BAD_L4_HEADER)
        << "RFC 1858: a tiny first fragment hides TCP flags";
}

TEST(Parse, ReadsHeadersOfAFrameThatGoesOnInAnotherBuffer)
{
    const Bytes frame = tcp4().payload(1000).build();
    aya_packet packet;
    const u32 whole = static_cast<u32>(frame.size());
    EXPECT_EQ(aya_parse(frame.data(), frame.data() + 54, whole, &packet), AYA_REASON_NONE);
    EXPECT_EQ(packet.l3_length, 1040);
    EXPECT_EQ(aya_parse(frame.data(), frame.data() + 53, whole, &packet), AYA_REASON_TRUNCATED);
}

// Whatever is cut off, there is a reason, and no read beyond the end (AddressSanitizer watches: each prefix
// is a block of its own).
TEST(Parse, HasAReasonForFramesCutAtAnyByte)
{
    const std::vector<std::pair<Packet, std::size_t>> packets = {
        {tcp4().vlan(1).vlan(2).options(3), 0},
        {Packet().ipv4(kClient, kVip).udp(1, 2), 0},
        {Packet().ipv4(kClient, kVip).icmp(8, 0, 1), 0},
        {tcp6(), 0},
        {Packet().ipv6(kClient6, kVip6).extension(0, 1).extension(60).udp(1, 2), 0},
        {Packet().ipv6(kClient6, kVip6).fragment(7, 8, true).payload(16), 16},
        {Packet().ipv6(kClient6, kVip6).icmp(128, 0, 1), 0},
    };
    for (const auto &[builder, payload] : packets) {
        const Bytes frame = builder.build();
        ASSERT_EQ(parse(frame).reason, AYA_REASON_NONE);
        for (std::size_t length = 0; length < frame.size(); length++) {
            Bytes cut = slice(frame, 0, length);
            cut.shrink_to_fit();
            const aya_reason reason = parse(cut).reason;
            EXPECT_TRUE(reason == AYA_REASON_TRUNCATED || reason == AYA_REASON_BAD_IP_LENGTH)
                << length << " of " << frame.size() << " bytes: reason " << reason;
            // The same, if the rest was in another buffer: headers must be in the first.
            aya_packet packet;
            const aya_reason chained =
                aya_parse(begin_of(cut), begin_of(cut) + length, static_cast<u32>(frame.size()), &packet);
            EXPECT_EQ(chained, length < frame.size() - payload ? AYA_REASON_TRUNCATED : AYA_REASON_NONE);
        }
    }
}

TEST(Stations, AreThePortsOwnAndTheOthersAndGroups)
{
    const auto is_for = [](const char *mac, const aya_stations &stations, std::size_t length = 60) {
        const Bytes frame =
            slice(Packet().macs(mac, "02:00:00:00:00:63").ethertype(0x0806).payload(46).build(), 0, length);
        return aya_is_for_us(frame.data(), frame.data() + length, &stations) != 0;
    };
    const std::array<u8, 8> own = {2, 0, 0, 0, 0, 1, 0x12, 0x34}, other = {0, 0, 0x5e, 0, 1, 0x0a};
    aya_stations stations{.own = aya_station(own.data()), .others = {}};
    stations.others[AYA_OTHER_MACS - 1] = aya_station(other.data());
    EXPECT_TRUE(is_for("02:00:00:00:00:01", stations)) << "whatever follows the address in the frame";
    EXPECT_TRUE(is_for("00:00:5e:00:01:0a", stations));
    EXPECT_TRUE(is_for("ff:ff:ff:ff:ff:ff", stations));
    EXPECT_TRUE(is_for("33:33:00:00:00:01", stations));
    EXPECT_FALSE(is_for("02:00:00:00:00:02", stations));
    EXPECT_FALSE(is_for("00:00:00:00:00:00", stations)) << "an unused place is no station";
    EXPECT_TRUE(is_for("02:00:00:00:00:02", {})) << "a port whose address is not known";
    EXPECT_TRUE(is_for("02:00:00:00:00:02", stations, 13)) << "left to the parser, which says what is wrong";
}

TEST(Parse, ChangesNothingInTheFrame)
{
    const Bytes frame = tcp6().payload(20).build();
    parse(frame);
    EXPECT_EQ(frame, tcp6().payload(20).build());
}

TEST(Reasons, HaveDistinctNamesAndALineOfHelp)
{
    struct Line {
        std::string name, help;
    };
#define AYA_X(symbol, action, name, help) {name, help},
    const std::vector<Line> lines = {AYA_REASONS(AYA_X)};
#undef AYA_X
    ASSERT_EQ(lines.size(), static_cast<std::size_t>(AYA_REASON_COUNT));
    std::map<std::string, int> seen;
    for (const Line &line : lines) {
        EXPECT_EQ(seen[line.name]++, 0) << line.name;
        EXPECT_EQ(line.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos);
        EXPECT_GT(line.help.size(), 10u);
    }
}

} // namespace
} // namespace aya::test::parse_test
