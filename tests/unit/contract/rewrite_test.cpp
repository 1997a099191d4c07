// SPDX-License-Identifier: BSD-2-Clause
//
// What leaves must be, byte for byte, what the packet builder makes of the same description, and a judge that
// shares no code with the rewriting must find nothing wrong.
#include <gtest/gtest.h>

#include "core_path.hpp"
#include "frame_judge.hpp"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test
{
namespace
{

constexpr const char *kClient[] = {"198.51.100.7", "2001:db8:c::7"};
constexpr const char *kVip[] = {"203.0.113.10", "2001:db8::10"};
constexpr const char *kOwn[] = {"192.0.2.1", "2001:db8:b::1"};
constexpr const char *kBackend[] = {"10.0.1.11", "2001:db8:b::11"};
constexpr const char *kRouterMac = "02:00:00:00:00:02", *kOwnMac = "02:00:00:00:00:01",
                     *kBackendMac = "02:00:00:00:0b:01";

Packet &ip(Packet &packet, int family, const char *src, const char *dst)
{
    return family == 4 ? packet.ipv4(src, dst) : packet.ipv6(src, dst);
}

const char *pick(const char *const (&pair)[2], int family)
{
    return pair[family == 6];
}

struct Case {
    int inner, outer; // 4 or 6; outer 0: l2
    bool gue;         // UDP between them
    int vlans;
    std::size_t payload;
    u8 tos;
    bool udp;
};

struct Way {
    int outer;
    bool gue;
};
constexpr Way kWays[] = {{0, false}, {4, false}, {6, false}, {4, true}, {6, true}};

std::vector<Case> cases()
{
    std::vector<Case> all;
    for (int inner : {4, 6})
        for (const auto &[outer, gue] : kWays)
            for (int vlans : {0, 1, 2})
                for (std::size_t payload : {0, 1, 2, 100, 1379})
                    for (u8 tos : std::initializer_list<u8>{0, 0x03, 0xb8, 0xff})
                        for (bool udp : {false, true})
                            all.push_back({inner, outer, gue, vlans, payload, tos, udp});
    return all;
}

class World
{
public:
    explicit World(int outer, u16 mtu = 1500) : World(Way{outer, false}, mtu) {}
    explicit World(Way way, u16 mtu = 1500)
        : backend(tables.add_backend(web, {.encap = encap(way), .mtu = mtu}))
    {
        tables.set_lookup(web, {backend});
    }

    static Encap encap(Way way)
    {
        if (way.outer == 0)
            return {};
        const char *src = pick(kOwn, way.outer), *dst = pick(kBackend, way.outer);
        return way.gue ? gue(src, dst) : ipip(src, dst);
    }

    Tables tables;
    u16 web = tables.add_service(
        {"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp", "203.0.113.10:443/udp", "[2001:db8::10]:443/udp"});
    u32 backend;
    CorePath path{tables.view()};
};

Packet link(const Case &c, const char *dst_mac, const char *src_mac)
{
    Packet packet;
    packet.macs(dst_mac, src_mac);
    if (c.vlans == 2)
        packet.vlan(0x6123, 0x88a8);
    if (c.vlans >= 1)
        packet.vlan(100);
    return packet;
}

Packet &client_packet(Packet &packet, const Case &c, u8 ttl)
{
    ip(packet, c.inner, pick(kClient, c.inner), pick(kVip, c.inner)).tos(c.tos).ttl(ttl);
    return (c.udp ? packet.udp(40000, 443) : packet.tcp(40000, 443, "PA")).payload(c.payload);
}

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

TEST(Checksum, StaysRightWhenTheTtlIsLowered)
{
    // Every checksum that a header can have, and every TTL.
    for (u32 id = 0; id <= 0xffff; id++) {
        Bytes header = slice(Packet()
                                 .ipv4(kClient[0], kVip[0])
                                 .id(static_cast<u16>(id))
                                 .ttl(static_cast<u8>(1 + id % 255))
                                 .build_ip(),
                             0, 20);
        aya_decrement_ttl_ipv4(reinterpret_cast<aya_ipv4 *>(header.data()));
        const u16 checksum = get16(header, 10);
        put16(header, 10, 0);
        ASSERT_EQ(checksum, naive_checksum(header)) << "id " << id;
        ASSERT_EQ(header[8], id % 255);
    }
}

TEST(Checksum, UpdatedForOneWordIsThatOfTheWholeAnew)
{
    Bytes bytes = {0x12, 0x34, 0, 0, 0xff, 0xff, 0x00, 0x01};
    for (u32 from = 0; from <= 0xffff; from += 5) {
        for (u32 to : {0u, 1u, 0x1234u, 0xfffeu, 0xffffu}) {
            put16(bytes, 2, from);
            const u16 before = naive_checksum(bytes);
            put16(bytes, 2, to);
            const u16 after =
                aya_checksum_update(aya_cpu_to_be16(before).raw, aya_cpu_to_be16(static_cast<u16>(from)).raw,
                                    aya_cpu_to_be16(static_cast<u16>(to)).raw);
            ASSERT_EQ(aya_be16_to_cpu({after}), naive_checksum(bytes)) << from << " to " << to;
        }
    }
}

TEST(Checksum, FoldsAnySum)
{
    for (u32 sum : {0u, 1u, 0xffffu, 0x10000u, 0x1ffffu, 0xfffeffffu, 0xffffffffu}) {
        u64 naive = sum;
        while (naive > 0xffff)
            naive = (naive & 0xffff) + (naive >> 16);
        EXPECT_EQ(aya_checksum_fold(sum), static_cast<u16>(~naive)) << sum;
    }
}

TEST(Reply, ToAnEchoRequestIsItsEcho)
{
    World world(0);
    for (int family : {4, 6}) {
        for (int vlans : {0, 1, 2}) {
            for (std::size_t payload : {0, 1, 56, 1472}) {
                const Case c{family, 0, false, vlans, payload, 0, false};
                Packet request = link(c, kOwnMac, kRouterMac), reply = link(c, kRouterMac, kOwnMac);
                ip(request, family, pick(kClient, family), pick(kVip, family)).ttl(13).tos(0x10);
                ip(reply, family, pick(kVip, family), pick(kClient, family)).ttl(64).tos(0x10);
                const u8 ask = family == 4 ? AYA_ICMP_ECHO : AYA_ICMPV6_ECHO;
                const u8 answer = family == 4 ? AYA_ICMP_ECHO_REPLY : AYA_ICMPV6_ECHO_REPLY;
                const Outcome got = world.path.run(request.icmp(ask, 0, 0x12340001).payload(payload).build());
                ASSERT_EQ(got.reason, AYA_REASON_REPLY_ECHO);
                ASSERT_EQ(got.out, reply.icmp(answer, 0, 0x12340001).payload(payload).build());
            }
        }
    }
}

TEST(Reply, ToAnEchoRequestHasARightChecksumWhateverItWas)
{
    World world(0);
    for (u32 rest = 0; rest <= 0xffff; rest++) {
        const Outcome got =
            world.path.run(Packet().ipv4(kClient[0], kVip[0]).icmp(AYA_ICMP_ECHO, 0, rest).build());
        ASSERT_EQ(FrameJudge::complaint(got.out), "") << rest;
    }
}

TEST(Reply, ToAnEchoRequestOfAnyCodeHasCodeZero)
{
    World world(0);
    for (u8 code : std::initializer_list<u8>{1, 0x80, 0xff}) {
        Packet four = Packet().ipv4(kClient[0], kVip[0]).icmp(AYA_ICMP_ECHO, code, 5).payload(8);
        Packet six = Packet().ipv6(kClient[1], kVip[1]).icmp(AYA_ICMPV6_ECHO, code, 5).payload(8);
        for (const Packet &packet : {four, six}) {
            const Bytes out = world.path.run(packet.build()).out;
            EXPECT_EQ(out.at(out.size() - 15), 0);
            EXPECT_EQ(FrameJudge::complaint(out), "");
        }
    }
}

TEST(Reply, ToADamagedEchoRequestIsSeenAsDamaged)
{
    World world(0);
    Bytes frame = Packet().ipv4(kClient[0], kVip[0]).icmp(AYA_ICMP_ECHO).payload(16).build();
    frame.back() ^= 1;
    EXPECT_NE(FrameJudge::complaint(world.path.run(frame).out), "") << "a wrong checksum is not made right";
}

Packet expected_error(const Case &c, const Bytes &quoted, u8 type, u8 code, u32 rest)
{
    Packet packet = link(c, kRouterMac, kOwnMac);
    ip(packet, c.inner, pick(kVip, c.inner), pick(kClient, c.inner));
    if (c.inner == 4)
        packet.id(0).dont_fragment();
    return packet.icmp(type, code, rest).payload(quoted);
}

std::size_t quoted_length(std::size_t ip_length)
{
    return (ip_length < 128 ? ip_length : 128) / 4 * 4;
}

TEST(Reply, ToAPacketWhoseTtlRanOutQuotesIt)
{
    for (const Case &c : cases()) {
        if (c.outer)
            continue;
        World world(0);
        Packet in = link(c, kOwnMac, kRouterMac);
        const Bytes packet = client_packet(in, c, 1).build_ip();
        const Outcome got = world.path.run(in.build());
        ASSERT_EQ(got.reason, AYA_REASON_REPLY_TIME_EXCEEDED);
        const Bytes quoted = slice(packet, 0, quoted_length(packet.size()));
        ASSERT_EQ(got.out, expected_error(c, quoted, c.inner == 4 ? 11 : 3, 0, 0).build())
            << c.inner << ", " << c.vlans << " tags, payload " << c.payload;
        ASSERT_EQ(FrameJudge::complaint(got.out), "");
    }
}

TEST(Reply, ToAPacketThatDoesNotFitSaysWhatWould)
{
    for (int inner : {4, 6}) {
        for (const auto &[outer, gue] : kWays) {
            World world(Way{outer, gue}, 1400);
            const Case c{inner, outer, gue, 0, 1400, 0, false};
            Packet in = link(c, kOwnMac, kRouterMac);
            const Bytes packet = client_packet(in, c, 64).build_ip();
            const Outcome got = world.path.run(in.build());
            ASSERT_EQ(got.reason, AYA_REASON_REPLY_TOO_BIG);
            const u32 fits = 1400u - (outer == 0 ? 0u : outer == 4 ? 20u : 40u) - (gue ? 8u : 0u);
            const Bytes quoted = slice(packet, 0, 128);
            EXPECT_EQ(got.out,
                      expected_error(c, quoted, inner == 4 ? 3 : 2, inner == 4 ? 4 : 0, fits).build());
        }
    }
}

TEST(Reply, IsRefusedIfTheBufferHoldsLessThanItQuotes)
{
    World world(0);
    const Bytes frame = Packet().ipv4(kClient[0], kVip[0]).ttl(1).tcp(1, 443).payload(200).build();
    EXPECT_EQ(world.path.run(frame, 14 + 128).reason, AYA_REASON_REPLY_TIME_EXCEEDED);
    EXPECT_EQ(world.path.run(frame, 14 + 127).reason, AYA_REASON_TRUNCATED);
}

TEST(Reply, ThatIsRefusedHasAReasonOfItsOwn)
{
    EXPECT_EQ(aya_reply_refused(AYA_REASON_REPLY_ECHO), AYA_REASON_REPLY_LIMIT);
    EXPECT_EQ(aya_reply_refused(AYA_REASON_REPLY_TIME_EXCEEDED), AYA_REASON_TTL_EXPIRED);
    EXPECT_EQ(aya_reply_refused(AYA_REASON_REPLY_TOO_BIG), AYA_REASON_TOO_BIG);
}

} // namespace
} // namespace aya::test
