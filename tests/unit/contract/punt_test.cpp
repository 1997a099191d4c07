// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "aya/punt.h"
#include "parsed.hpp"
#include "table_builder.hpp"

namespace aya::test::punt_test
{
namespace
{

constexpr aya_punt_class kEvery[] = {AYA_PUNT_NEIGHBOURS, AYA_PUNT_LINK,    AYA_PUNT_ROUTING,
                                     AYA_PUNT_ANSWERS,    AYA_PUNT_OPENING, AYA_PUNT_REST};

aya_punt_class class_of(const Bytes &frame)
{
    Parsed parsed = parse(frame);
    if (parsed.reason == AYA_REASON_NONE)
        parsed.reason = AYA_REASON_PUNT_NO_VIP;
    return aya_punt_class_of(begin_of(frame), begin_of(frame) + frame.size(), &parsed.packet, parsed.reason);
}

TEST(PuntClass, IsWhatDependsOnTheKernel)
{
    const auto to_box = [] { return Packet().ipv4("198.51.100.7", "192.0.2.1"); };
    const auto to_box6 = [] { return Packet().ipv6("2001:db8:c::7", "2001:db8:b::1"); };
    const auto to = [](const char *mac) { return Packet().macs(mac, "02:00:00:00:00:02"); };
    const auto to_all = [&] { return to("01:00:5e:00:00:05"); };
    const std::vector<std::pair<Packet, aya_punt_class>> cases = {
        {Packet().ethertype(0x0806).payload(28), AYA_PUNT_NEIGHBOURS},
        {to("ff:ff:ff:ff:ff:ff").ethertype(0x0806).payload(28), AYA_PUNT_NEIGHBOURS},
        {Packet().vlan(7).ethertype(0x0806).payload(28), AYA_PUNT_NEIGHBOURS},
        {to("ff:ff:ff:ff:ff:ff").vlan(7).vlan(8).ethertype(0x0806).payload(28), AYA_PUNT_NEIGHBOURS},
        {to_box6().ttl(255).icmp(136).payload(16), AYA_PUNT_NEIGHBOURS},
        {to_all().ipv6("fe80::1", "ff02::1:ff00:1").ttl(255).icmp(135).payload(16), AYA_PUNT_NEIGHBOURS},
        {to_all().ipv4("192.0.2.2", "224.0.0.5").protocol(89).payload(40), AYA_PUNT_LINK},
        {to_all().ipv4("192.0.2.2", "224.0.0.18").protocol(112).payload(20), AYA_PUNT_LINK},
        {to_all().vlan(7).ipv6("fe80::1", "ff02::5").protocol(89).payload(40), AYA_PUNT_LINK},
        {to("01:80:c2:00:00:0e").ethertype(0x88cc).payload(40), AYA_PUNT_LINK},
        {to_box().ttl(255).udp(49152, 3784).payload(24), AYA_PUNT_LINK},
        {to_box().ttl(255).protocol(112).payload(20), AYA_PUNT_LINK},
        {to_box().udp(49152, 4784).payload(24), AYA_PUNT_ROUTING},
        {to_box().tcp(40000, 179, "A"), AYA_PUNT_ROUTING},
        {to_box6().tcp(179, 40000, "SA"), AYA_PUNT_ROUTING},
        {to_box().tcp(80, 40000, "SA"), AYA_PUNT_ANSWERS},
        {to_box().tcp(80, 40000, "R"), AYA_PUNT_ANSWERS},
        {to_box6().tcp(40000, 22, "PA"), AYA_PUNT_ANSWERS},
        {to_box().tcp(40000, 22, "S"), AYA_PUNT_OPENING},
        {to_box6().tcp(40000, 179, "S"), AYA_PUNT_OPENING},
        {to_box().tcp(40000, 22, "F"), AYA_PUNT_OPENING},
        // What strangers can make of these.
        {to_box().ttl(254).udp(49152, 3784).payload(24), AYA_PUNT_REST},
        {to_box().ttl(254).protocol(112).payload(20), AYA_PUNT_REST},
        {to_box6().ttl(64).icmp(136).payload(16), AYA_PUNT_REST},
        {to_box().udp(40000, 9).payload(24), AYA_PUNT_REST},
        {to_box().icmp(8).payload(56), AYA_PUNT_REST},
        {to_box().protocol(47).payload(60), AYA_PUNT_REST},
        {to_box().fragment(1, 80, false).protocol(6).payload(40), AYA_PUNT_REST},
        {Packet().ethertype(0x88b5).payload(40), AYA_PUNT_REST},
        {to("ff:ff:ff:ff:ff:ff").ethertype(0x8137).payload(40), AYA_PUNT_REST},
        {to_all().ipv4("192.0.2.2", "239.1.2.3").udp(5000, 5000).payload(100), AYA_PUNT_REST},
        {to_all().ipv6("fe80::1", "ff05::2").udp(5000, 5000).payload(100), AYA_PUNT_REST}};
    for (std::size_t i = 0; i < cases.size(); i++)
        EXPECT_EQ(class_of(cases[i].first.build()), cases[i].second) << "case " << i;
}

TEST(PuntClass, OfFramesCutAtAnyByteIsRead)
{
    const Bytes frame = Packet()
                            .macs("33:33:00:00:00:01", "02:00:00:00:00:02")
                            .vlan(7)
                            .ipv6("fe80::1", "ff02::1:ff00:1")
                            .ttl(255)
                            .icmp(135)
                            .build();
    for (std::size_t length = 0; length < frame.size(); length++) {
        Bytes cut = slice(frame, 0, length);
        cut.shrink_to_fit(); // AddressSanitizer watches what is read beyond it
        EXPECT_EQ(aya_punt_class_of_frame(begin_of(cut), begin_of(cut) + length),
                  length < 14 + 4 + 40 ? AYA_PUNT_REST : AYA_PUNT_NEIGHBOURS);
    }
}

// Packets of all classes on their way to the kernel, as one worker has them.
struct Kernel {
    bool takes(aya_punt_class kind, u32 source = 1, u64 now_ns = 1'000'000'000)
    {
        aya_packet packet{};
        packet.flow.family = AYA_IPV4;
        packet.flow.src[3].raw = source;
        return takes(kind, packet, now_ns);
    }
    bool takes(aya_punt_class kind, const aya_packet &packet, u64 now_ns = 1'000'000'000)
    {
        return aya_punt_allowed(&limits, kind, per_second, &tables.settings().hash_key, &packet, now_ns) != 0;
    }
    u32 taken(aya_punt_class kind, u32 count, u32 source = 1, u64 now_ns = 1'000'000'000)
    {
        u32 taken = 0;
        for (u32 i = 0; i < count; i++)
            taken += takes(kind, source, now_ns);
        return taken;
    }

    Tables tables;
    aya_limits limits{};
    u32 per_second = 20'000;
};

TEST(PuntLimits, NoClassTakesFromAnother)
{
    for (const aya_punt_class flooded : kEvery) {
        Kernel kernel;
        kernel.taken(flooded, 100'000);
        for (const aya_punt_class other : kEvery)
            EXPECT_TRUE(other == flooded || kernel.takes(other)) << flooded << " takes from " << other;
    }
}

TEST(PuntLimits, AreOfWhatStrangersCanSend)
{
    for (const aya_punt_class kind : kEvery) {
        const bool is_limited = kind == AYA_PUNT_OPENING || kind == AYA_PUNT_REST;
        EXPECT_EQ(Kernel().taken(kind, 10'000) < 10'000, is_limited) << kind;
    }
    EXPECT_EQ(aya_punt_refused(AYA_PUNT_OPENING), AYA_REASON_PUNT_SOURCE_LIMIT);
    EXPECT_EQ(aya_punt_refused(AYA_PUNT_REST), AYA_REASON_PUNT_LIMIT);
}

TEST(PuntLimits, OfTheRestIsTheOneConfigured)
{
    for (const u32 per_second : {1u, 100u, 20'000u, 5'000'000u}) {
        Kernel kernel;
        kernel.per_second = per_second;
        kernel.taken(AYA_PUNT_REST, 1'000'000);
        u32 taken = 0;
        for (u64 ms = 1; ms <= 1000; ms += 4) // as a clock that goes on with the jiffies
            taken += kernel.taken(AYA_PUNT_REST, per_second / 200 + 2, 1, 1'000'000'000 + ms * 1'000'000);
        EXPECT_NEAR(taken, per_second, per_second / 100.0 + 1);
    }
    Kernel kernel;
    kernel.per_second = 0;
    EXPECT_EQ(kernel.taken(AYA_PUNT_REST, 100'000) + kernel.taken(AYA_PUNT_OPENING, 100'000), 200'000u)
        << "0: no limit";
}

TEST(PuntLimits, ASourceThatOpensTooManyConnectionsLeavesOthersTheirs)
{
    Kernel kernel;
    EXPECT_EQ(kernel.taken(AYA_PUNT_OPENING, 10'000), u32{AYA_PUNT_OPENING_BURST});
    u32 others = 0;
    for (u32 source = 2; source < 1002; source++)
        others += kernel.takes(AYA_PUNT_OPENING, source);
    EXPECT_GT(others, 950u) << "but those that share its budget";
    EXPECT_EQ(kernel.taken(AYA_PUNT_OPENING, 10'000, 1, 1'100'000'000), AYA_PUNT_OPENING_PER_SECOND / 10u);
}

TEST(PuntLimits, ASourceGetsNoMoreByAskingForOtherPortsOrFromOtherAddressesOfItsNetwork)
{
    for (const bool is_ipv6 : {false, true}) {
        Kernel kernel;
        u32 taken = 0;
        for (u32 i = 0; i < 10'000; i++) {
            aya_packet packet{};
            packet.flow.family = is_ipv6 ? AYA_IPV6 : AYA_IPV4;
            packet.flow.protocol = AYA_PROTO_TCP;
            packet.flow.src[is_ipv6 ? 0 : 3].raw = 0x0100000a;
            packet.flow.src[2].raw = is_ipv6 ? i : 0;
            packet.flow.dst_port.raw = static_cast<u16>(i);
            packet.flow.dst[3].raw = i;
            taken += kernel.takes(AYA_PUNT_OPENING, packet);
        }
        EXPECT_EQ(taken, u32{AYA_PUNT_OPENING_BURST}) << is_ipv6;
    }
}

} // namespace
} // namespace aya::test::punt_test
