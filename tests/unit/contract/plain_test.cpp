// SPDX-License-Identifier: BSD-2-Clause
//
// The short way of plain packets says what the long way says, and takes no packet that is not plain.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>

#include "aya/plain.h"
#include "random_packets.hpp"
#include "rewriting.hpp"

namespace aya::test::plain_test
{
namespace
{

constexpr aya_stations kAnyStation{};

bool read(const Bytes &frame, const aya_stations &stations, bool is_ipv6, aya_plain &plain)
{
    const u8 *begin = frame.data(), *end = begin + frame.size();
    return (is_ipv6 ? aya_plain_read_ipv6(begin, end, &stations, &plain)
                    : aya_plain_read_ipv4(begin, end, &stations, &plain)) != 0;
}

// Whether either family's reader takes the frame; both never do.
bool is_plain(const Bytes &frame, const aya_stations &stations = kAnyStation)
{
    aya_plain plain{};
    const bool as_ipv4 = read(frame, stations, false, plain), as_ipv6 = read(frame, stations, true, plain);
    EXPECT_FALSE(as_ipv4 && as_ipv6);
    return as_ipv4 || as_ipv6;
}

// Reads the frame as a packet of one family. 1: it is plain and a service's; 0: plain only; -1: not plain.
int compare_ways(const aya_view *view, const Bytes &frame, bool is_ipv6)
{
    aya_plain plain{};
    if (!read(frame, kAnyStation, is_ipv6, plain))
        return -1;
    aya_packet parsed;
    EXPECT_EQ(aya_parse(frame.data(), frame.data() + frame.size(), static_cast<u32>(frame.size()), &parsed),
              AYA_REASON_NONE);
    EXPECT_EQ(parsed.flow.family, is_ipv6 ? AYA_IPV6 : AYA_IPV4);
    EXPECT_EQ(parsed.kind, AYA_KIND_DATA);
    EXPECT_EQ(parsed.l3_offset, 14);
    EXPECT_GT(parsed.ttl, 1);
    EXPECT_EQ(plain.l3_length, parsed.l3_length);
    EXPECT_EQ(aya_plain_goes_on(&plain) != 0, aya_is_plain(&parsed) != 0);
    EXPECT_EQ(is_ipv6 ? aya_plain_hash_ipv6(view->settings, &plain)
                      : aya_plain_hash_ipv4(view->settings, &plain),
              aya_flow_hash(view->settings, &parsed));
    const u32 found =
        is_ipv6 ? aya_plain_service_ipv6(view, &plain) : aya_plain_service_ipv4(view, aya_plain_vip(&plain));
    u16 service = 0;
    if (aya_classify(view, &parsed, &service) == AYA_REASON_NONE)
        EXPECT_EQ(found, service);
    else
        EXPECT_EQ(found, u32{AYA_SERVICE_NONE});
    return found != AYA_SERVICE_NONE;
}

TEST(Plain, SaysOfRandomPacketsWhatTheLongWaySays)
{
    const World world(4);
    RandomPackets packets(17, {.ipv4 = {"203.0.113.10", "203.0.113.11"},
                               .ipv6 = {"2001:db8::10", "2001:db8::11"},
                               .ports = {443, 80}});
    u32 plain[2] = {}, served[2] = {};
    for (u32 n = 0; n < 100'000 && !HasFailure(); n++) {
        const Bytes frame = packets.next();
        for (const bool is_ipv6 : {false, true}) {
            const int outcome = compare_ways(world.tables.view(), frame, is_ipv6);
            plain[is_ipv6] += outcome >= 0;
            served[is_ipv6] += outcome > 0;
        }
    }
    for (const bool is_ipv6 : {false, true}) {
        EXPECT_GT(plain[is_ipv6], 10'000u);
        EXPECT_GT(served[is_ipv6], 2'000u);
    }
}

Packet packet_of(int family)
{
    Packet packet;
    ip(packet, family, pick(kClient, family), pick(kVip, family));
    return packet;
}

TEST(Plain, TakesWhatIsUntaggedAndWholeWithoutOptions)
{
    for (const int family : {4, 6}) {
        EXPECT_TRUE(is_plain(packet_of(family).tcp(40000, 443, "A").build()));
        EXPECT_TRUE(is_plain(packet_of(family).tcp(40000, 443, "S", 5).payload(100).build()));
        EXPECT_TRUE(is_plain(packet_of(family).udp(40000, 443).payload(12).build()));
        EXPECT_FALSE(is_plain(packet_of(family).vlan(7).tcp(40000, 443, "A").build()));
        EXPECT_FALSE(is_plain(packet_of(family).fragment(1, 0, true).udp(1, 443).payload(40).build()));
        EXPECT_FALSE(is_plain(packet_of(family).fragment(1, 64, false).udp(1, 443).payload(40).build()));
        EXPECT_FALSE(is_plain(packet_of(family).icmp(8).payload(40).build()));
        EXPECT_FALSE(
            is_plain(packet_of(family).macs("01:00:5e:00:00:01", kRouterMac).tcp(1, 443, "A").build()));
    }
    EXPECT_TRUE(is_plain(packet_of(4).dont_fragment().tcp(40000, 443, "A").build()));
    EXPECT_FALSE(is_plain(packet_of(4).options(1).tcp(40000, 443, "A").build()));
    EXPECT_FALSE(is_plain(packet_of(6).extension(60).tcp(40000, 443, "A").build()));
}

TEST(Plain, LeavesToTheLongWayWhatHasToBeCountedOrAnswered)
{
    for (const int family : {4, 6}) {
        EXPECT_FALSE(is_plain(packet_of(family).ttl(1).tcp(40000, 443, "A").build()));
        EXPECT_FALSE(is_plain(packet_of(family).ttl(0).tcp(40000, 443, "A").build()));
        EXPECT_TRUE(is_plain(packet_of(family).ttl(2).tcp(40000, 443, "A").build()));
    }
    for (const char *source : {"::", "::1", "::ffff:198.51.100.7", "ff02::1"})
        EXPECT_FALSE(is_plain(Packet().ipv6(source, kVip[1]).tcp(40000, 443, "A").build())) << source;
    for (const char *source : {"0.0.0.1", "127.0.0.1", "224.0.0.1", "255.255.255.255"})
        EXPECT_FALSE(is_plain(Packet().ipv4(source, kVip[0]).tcp(40000, 443, "A").build())) << source;
    for (const char *source : {"1.0.0.0", "126.255.255.255", "128.0.0.1", "223.255.255.255"})
        EXPECT_TRUE(is_plain(Packet().ipv4(source, kVip[0]).tcp(40000, 443, "A").build())) << source;
}

TEST(Plain, LeavesToTheLongWayWhatLiesAboutItsLengths)
{
    const auto with = [](const Packet &packet, std::size_t at, std::size_t value) {
        Bytes frame = Packet(packet).build();
        put16(frame, at, value);
        return frame;
    };
    const Packet tcp = packet_of(4).tcp(40000, 443, "A").payload(6);
    const Packet udp = Packet().ipv4(kClient[0], kVip[0]).udp(40000, 443).payload(12);
    EXPECT_TRUE(is_plain(with(tcp, 16, 46)));
    EXPECT_FALSE(is_plain(with(tcp, 16, 47))) << "longer than the frame";
    EXPECT_FALSE(is_plain(with(tcp, 16, 39))) << "shorter than its headers";
    EXPECT_TRUE(is_plain(with(tcp, 46, 0x6010)));
    EXPECT_FALSE(is_plain(with(tcp, 46, 0x4010))) << "TCP header of 16 bytes";
    EXPECT_FALSE(is_plain(with(tcp, 46, 0x7010))) << "TCP header beyond the packet";
    EXPECT_TRUE(is_plain(with(udp, 38, 20)));
    EXPECT_TRUE(is_plain(with(udp, 38, 8)));
    EXPECT_FALSE(is_plain(with(udp, 38, 7)));
    EXPECT_FALSE(is_plain(with(udp, 38, 21)));
    Bytes cut = packet_of(4).tcp(40000, 443, "A").build();
    cut.pop_back();
    EXPECT_FALSE(is_plain(cut));
    const Packet ipv6 = packet_of(6).tcp(40000, 443, "A").payload(6);
    EXPECT_TRUE(is_plain(with(ipv6, 18, 26)));
    EXPECT_FALSE(is_plain(with(ipv6, 18, 27))) << "longer than the frame";
    EXPECT_FALSE(is_plain(with(ipv6, 18, 19))) << "shorter than its header";
    EXPECT_FALSE(is_plain(with(ipv6, 66, 0x7010))) << "TCP header beyond the packet";
}

TEST(Plain, TakesFramesForThisPortOnly)
{
    const Bytes frame = Packet().macs(kOwnMac, kRouterMac).ipv4(kClient[0], kVip[0]).tcp(1, 443, "A").build();
    const Bytes other =
        Packet().macs(kBackendMac, kRouterMac).ipv4(kClient[0], kVip[0]).tcp(1, 443, "A").build();
    aya_stations stations{.own = aya_station(frame.data()), .others = {}};
    EXPECT_TRUE(is_plain(frame, stations));
    EXPECT_FALSE(is_plain(other, stations));
    stations.others[3] = aya_station(other.data());
    EXPECT_TRUE(is_plain(other, stations));
    EXPECT_TRUE(is_plain(other)) << "the port's own address is not known";
}

TEST(Plain, EncapsulatesAsTheLongWayDoes)
{
    World worlds[] = {World(0), World(4)};
    for (const Case &c : cases()) {
        if (c.gue || c.outer == 6 || c.vlans != 0)
            continue;
        World &world = worlds[c.outer == 4];
        for (const u8 ttl : std::initializer_list<u8>{2, 64, 255}) {
            Packet packet = link(c, kOwnMac, kRouterMac);
            const Bytes in = client_packet(packet, c, ttl).build();
            const Outcome expected = world.path.run(in);
            ASSERT_EQ(expected.reason, AYA_REASON_NONE);
            const aya_backend &backend = world.tables.backend(world.backend);
            Bytes out(backend.outer_length);
            out.insert(out.end(), in.begin(), in.end());
            const auto encap = c.inner == 4 ? aya_plain_encap_ipv4 : aya_plain_encap_ipv6;
            encap(out.data(), static_cast<u16>(in.size() - 14), &backend, backend.outer_length);
            ASSERT_EQ(out, expected.out) << c.inner << " in " << c.outer << ", TTL " << +ttl << ", tos "
                                         << +c.tos << ", payload " << c.payload;
        }
    }
}

struct Settled {
    World world{4};
    aya_flow_entry entry{};
    const aya_service *service = &world.tables.view()->services[world.web];

    Settled()
    {
        const aya_backend &backend = world.tables.view()->backends[world.backend];
        aya_flow_write(&entry, 0x123456789abcdef0, world.web, world.backend, backend.incarnation,
                       AYA_FLOW_ESTABLISHED,
                       static_cast<u16>(1000 + aya_idle_timeout(service, AYA_FLOW_ESTABLISHED)));
    }
    const aya_backend *follow(u16 l3_length = 40, u16 now = 1000)
    {
        return aya_plain_follow(world.tables.view(), service, l3_length, &entry, now);
    }
};

TEST(Plain, FollowsASettledFlowAndRenewsItsEntry)
{
    Settled flow;
    EXPECT_EQ(flow.follow(), &flow.world.tables.view()->backends[flow.world.backend]);
    EXPECT_EQ(flow.entry.marks, 0) << "within one tick nothing is written";
    EXPECT_NE(flow.follow(40, 1003), nullptr);
    EXPECT_EQ(flow.entry.marks, AYA_FLOW_PROVEN);
    EXPECT_EQ(flow.entry.expires,
              static_cast<u16>(1003 + aya_idle_timeout(flow.service, AYA_FLOW_ESTABLISHED)));
}

TEST(Plain, DoesNotFollowAnEntryThatHasToBeThoughtAbout)
{
    const std::pair<const char *, std::function<void(Settled &)>> changes[] = {
        {"first packet", [](Settled &f) { f.entry.state = AYA_FLOW_EMBRYONIC; }},
        {"closing", [](Settled &f) { f.entry.state = AYA_FLOW_CLOSING; }},
        {"another incarnation", [](Settled &f) { f.entry.incarnation++; }},
        {"no such backend", [](Settled &f) { f.entry.backend = AYA_BACKEND_NONE; }},
        {"draining",
         [](Settled &f) { f.world.tables.backend(f.world.backend).state = AYA_BACKEND_DRAINING; }},
        {"unreachable",
         [](Settled &f) { f.world.tables.backend(f.world.backend).egress_port = AYA_PORT_NONE; }},
        {"tunnel",
         [](Settled &f) { f.world.tables.backend(f.world.backend).outer_length = AYA_OUTER_GUE_IPV4; }},
    };
    for (const auto &[what, change] : changes) {
        Settled flow;
        change(flow);
        EXPECT_EQ(flow.follow(40, 1003), nullptr) << what;
        EXPECT_EQ(flow.entry.marks, 0) << what;
    }
    Settled flow;
    const u16 largest = flow.world.tables.backend(flow.world.backend).mtu;
    EXPECT_NE(flow.follow(largest), nullptr);
    EXPECT_EQ(flow.follow(static_cast<u16>(largest + 1)), nullptr) << "too big";
}

// A set of four entries of the service's flows, in all states, some of them stale; or of busy ones alone.
aya_flow_set random_set(const aya_view *view, u16 service_id, u32 known, std::mt19937_64 &random, u16 now)
{
    aya_flow_set set{};
    const bool are_busy = random() % 4 == 0;
    for (aya_flow_entry &entry : set.way) {
        const u8 states[] = {AYA_FLOW_FREE,    AYA_FLOW_EMBRYONIC,   AYA_FLOW_EMBRYONIC,
                             AYA_FLOW_CLOSING, AYA_FLOW_ESTABLISHED, AYA_FLOW_DATAGRAM};
        const u32 backend = random() % 16 ? known : static_cast<u32>(random() % view->backend_count);
        const u16 incarnation = static_cast<u16>(view->backends[backend].incarnation + (random() % 8 == 0));
        aya_flow_write(&entry, random(), service_id, backend, incarnation, states[random() % 6],
                       static_cast<u16>(now + random() % 400 - 50));
        entry.marks = random() % 2 ? AYA_FLOW_PROVEN : 0;
        if (are_busy) {
            entry.incarnation = view->backends[backend].incarnation;
            entry.state = AYA_FLOW_ESTABLISHED;
            entry.expires =
                static_cast<u16>(now + aya_idle_timeout(&view->services[service_id], entry.state));
        }
    }
    return set;
}

TEST(Plain, BeginsAFlowAsTheLongWayDoes)
{
    const World world(4);
    const aya_view *view = world.tables.view();
    const aya_service *service = &view->services[world.web];
    std::mt19937_64 random(5);
    u32 begun = 0, not_remembered = 0, evicted = 0;
    for (u32 n = 0; n < 50'000 && !HasFailure(); n++) {
        const u16 now = 1000;
        Packet packet = packet_of(4);
        const u32 kind = static_cast<u32>(random() % 3);
        const u16 port = static_cast<u16>(1024 + random() % 60000);
        const Bytes frame = (kind == 0   ? packet.tcp(port, 443, "S")
                             : kind == 1 ? packet.tcp(port, 443, "PA")
                                         : packet.udp(port, 443).payload(30))
                                .build();
        aya_packet parsed;
        ASSERT_EQ(
            aya_parse(frame.data(), frame.data() + frame.size(), static_cast<u32>(frame.size()), &parsed),
            AYA_REASON_NONE);
        const u64 hash = aya_flow_hash(view->settings, &parsed);
        aya_flow_set by_short_way = random_set(view, world.web, world.backend, random, now),
                     by_long_way = by_short_way;

        u32 backend_id = AYA_BACKEND_NONE;
        u8 notes = 0;
        const aya_backend *backend = aya_plain_begin(view, service, world.web, parsed.l3_length, hash,
                                                     &by_short_way, now, &backend_id, &notes);
        aya_verdict verdict;
        aya_choose(view, &parsed, world.web, hash, &by_long_way, nullptr, now, &verdict);
        EXPECT_EQ(backend, verdict.backend);
        EXPECT_EQ(backend_id, verdict.backend_id);
        EXPECT_EQ(notes, verdict.notes);
        EXPECT_EQ(std::memcmp(&by_short_way, &by_long_way, sizeof(by_short_way)), 0);
        begun += (notes & AYA_NOTE_NEW) != 0;
        evicted += (notes & AYA_NOTE_EVICTED) != 0;
        not_remembered += (notes & AYA_NOTE_NOT_REMEMBERED) != 0;
    }
    EXPECT_GT(begun, 1000u);
    EXPECT_GT(evicted, 1000u);
    EXPECT_GT(not_remembered, 100u);
}

TEST(Plain, DoesNotBeginWhatMoreThanTheLookupTableDecides)
{
    const std::pair<const char *, std::function<void(World &, aya_service &)>> changes[] = {
        {"source affinity", [](World &, aya_service &s) { s.flags |= AYA_SERVICE_AFFINITY_SOURCE; }},
        {"stateless", [](World &, aya_service &s) { s.flags |= AYA_SERVICE_STATELESS; }},
        {"draws", [](World &, aya_service &s) { s.flags |= AYA_SERVICE_RANDOM; }},
        {"previous table", [](World &, aya_service &s) { s.previous_size = s.lookup_size; }},
        {"no backend", [](World &, aya_service &s) { s.lookup_size = 0; }},
        {"unreachable",
         [](World &w, aya_service &) { w.tables.backend(w.backend).egress_port = AYA_PORT_NONE; }},
        {"tunnel",
         [](World &w, aya_service &) { w.tables.backend(w.backend).outer_length = AYA_OUTER_GUE_IPV4; }},
        {"too big", [](World &w, aya_service &) { w.tables.backend(w.backend).mtu = 39; }},
    };
    for (const auto &[what, change] : changes) {
        World world(4);
        aya_service service = world.tables.view()->services[world.web];
        change(world, service);
        aya_flow_set set{};
        u32 backend_id = AYA_BACKEND_NONE;
        u8 notes = 0;
        EXPECT_EQ(
            aya_plain_begin(world.tables.view(), &service, world.web, 40, 7, &set, 1000, &backend_id, &notes),
            nullptr)
            << what;
        EXPECT_EQ(notes, 0) << what;
        EXPECT_EQ(set.way[0].state, AYA_FLOW_FREE) << what;
    }
}

} // namespace
} // namespace aya::test::plain_test
