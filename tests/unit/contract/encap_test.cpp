// SPDX-License-Identifier: BSD-2-Clause
//
// What leaves must be, byte for byte, what the packet builder makes of the same description, and a judge that
// shares no code with the rewriting must find nothing wrong.
#include <gtest/gtest.h>

#include "frame_judge.hpp"
#include "rewriting.hpp"

namespace aya::test::encap_test
{
namespace
{

TEST(Encap, MakesTheExpectedBytesForEveryMixOfFamiliesTagsAndSizes)
{
    World worlds[] = {World(kWays[0]), World(kWays[1]), World(kWays[2]), World(kWays[3]), World(kWays[4])};
    for (const Case &c : cases()) {
        World &world = worlds[c.outer / 2 - (c.outer > 0) + 2 * c.gue];
        Packet in = link(c, kOwnMac, kRouterMac), expected = link(c, kBackendMac, kOwnMac);
        const Outcome got = world.path.run(client_packet(in, c, 64).build());
        ASSERT_EQ(got.reason, AYA_REASON_NONE);
        const u64 hash = aya_flow_hash(&world.tables.settings(), &got.packet);
        if (c.outer)
            ip(expected, c.outer, pick(kOwn, c.outer), pick(kBackend, c.outer)).tos(c.tos);
        if (c.outer == 4)
            expected.id(0).dont_fragment();
        if (c.outer == 6) // 20 bits of the flow's hash: constant for a flow, different between flows
            expected.flow_label(
                static_cast<u32>((hash & 0xf) << 16 | (hash >> 16 & 0xff) << 8 | (hash >> 24 & 0xff)));
        if (c.gue)
            expected.gue(static_cast<u16>(49152 + hash % 16384));
        ASSERT_EQ(got.out, client_packet(expected, c, 63).build())
            << c.inner << (c.gue ? " in UDP" : "") << " in " << c.outer << ", " << c.vlans
            << " tags, payload " << c.payload << ", tos " << c.tos;
        ASSERT_EQ(FrameJudge::complaint(got.out), "");
    }
}

TEST(Encap, GivesFlowsSourcePortsFromAllOfTheDynamicOnesButEachFlowOnlyOne)
{
    World world(Way{4, true});
    constexpr u32 kBins = 64, kFlows = 6400;
    std::vector<u32> bins(kBins);
    for (u32 flow = 0; flow < kFlows; flow++) {
        Packet packet = Packet().ipv4(kClient[0], kVip[0]).tcp(static_cast<u16>(1024 + flow), 443, "A");
        const Bytes first = world.path.run(packet.build()).out;
        const Bytes second = world.path.run(packet.payload(100).build()).out;
        const u16 port = get16(first, 14 + 20);
        ASSERT_GE(port, 49152);
        ASSERT_EQ(get16(second, 14 + 20), port);
        ASSERT_EQ(get16(first, 14 + 22), 6080);
        bins[(port - 49152u) / (16384 / kBins)]++;
    }
    for (u32 count : bins) // 100 are expected, the standard deviation is 10
        EXPECT_TRUE(count > 50 && count < 150) << count;
}

TEST(Encap, SendsToThePortOfTheBackendsTemplate)
{
    World world(0);
    const u32 other = world.tables.add_backend(world.web, {.encap = gue(kOwn[1], kBackend[1], 9886)});
    world.tables.set_lookup(world.web, {other});
    const Bytes out = world.path.run(Packet().ipv4(kClient[0], kVip[0]).tcp(1, 443).build()).out;
    EXPECT_EQ(get16(out, 14 + 40 + 2), 9886);
}

TEST(Encap, RefusesAnOuterLengthThatNoEncapsulationHas)
{
    World world(4);
    const Outcome parsed = world.path.run(Packet().ipv4(kClient[0], kVip[0]).tcp(1, 443).build());
    aya_backend backend = world.tables.backend(world.backend);
    const aya_tunnel tunnel = {};
    for (u32 length = 0; length < 256; length++) {
        backend.outer_length = static_cast<u8>(length);
        Bytes buffer(14 + length + 40);
        const bool known = length == 0 || length == 20 || length == 28 || length == 40 || length == 48;
        EXPECT_EQ(
            aya_encap(buffer.data(), buffer.data() + buffer.size(), &parsed.packet, &backend, &tunnel, 0),
            known ? AYA_REASON_NONE : AYA_REASON_INTERNAL)
            << length;
    }
}

TEST(Encap, KeepsIpv4OptionsAndIpv6ExtensionHeaders)
{
    for (Way way : kWays) {
        World world(way);
        for (Packet packet :
             {Packet().ipv4(kClient[0], kVip[0]).options(10).tcp(1, 443).payload(9),
              Packet().ipv6(kClient[1], kVip[1]).extension(0, 2).extension(60).tcp(1, 443).payload(9)}) {
            const Bytes inner = packet.ttl(63).build_ip();
            const Outcome got = world.path.run(packet.ttl(64).build());
            ASSERT_EQ(got.reason, AYA_REASON_NONE);
            EXPECT_EQ(slice(got.out, got.out.size() - inner.size(), inner.size()), inner);
            EXPECT_EQ(FrameJudge::complaint(got.out), "");
        }
    }
}

TEST(Encap, LeavesThePaddingOfShortFramesBehindTheOuterPacket)
{
    World world(4);
    Bytes frame = Packet().ipv4(kClient[0], kVip[0]).tcp(1, 443).build();
    frame.resize(60);
    const Outcome got = world.path.run(frame);
    EXPECT_EQ(FrameJudge::complaint(got.out), "");
    EXPECT_EQ(get16(got.out, 14 + offsetof(aya_ipv4, total_length)), 60)
        << "20 outer and 40 inner bytes, no padding";
}

TEST(Encap, OfFragmentsLeavesTheirPartsAsTheyAre)
{
    World world(4);
    Packet first = Packet().ipv4(kClient[0], kVip[0]).fragment(7, 0, true).udp(1, 443).payload(64);
    ASSERT_EQ(world.path.run(first.build()).reason, AYA_REASON_NONE);
    Packet later = Packet().ipv4(kClient[0], kVip[0]).fragment(7, 72, false).protocol(17).payload(30);
    const Outcome got = world.path.run(later.build());
    ASSERT_EQ(got.reason, AYA_REASON_NONE);
    EXPECT_EQ(slice(got.out, 34, 50), later.ttl(63).build_ip());
}

TEST(Encap, RefusesABufferThatEndsBeforeTheInnerHeader)
{
    World world(4);
    const Bytes frame = Packet().ipv4(kClient[0], kVip[0]).tcp(1, 443).build();
    const Outcome parsed = world.path.run(frame);
    for (u32 outer : {0u, 20u, 28u, 40u, 48u}) {
        aya_backend backend = world.tables.backend(world.backend);
        const aya_tunnel tunnel = {};
        backend.outer_length = static_cast<u8>(outer);
        Bytes buffer(14 + outer + 20);
        EXPECT_EQ(
            aya_encap(buffer.data(), buffer.data() + buffer.size() - 1, &parsed.packet, &backend, &tunnel, 0),
            AYA_REASON_TRUNCATED);
        EXPECT_EQ(
            aya_encap(buffer.data(), buffer.data() + buffer.size(), &parsed.packet, &backend, &tunnel, 0),
            AYA_REASON_NONE);
    }
}

} // namespace
} // namespace aya::test::encap_test
