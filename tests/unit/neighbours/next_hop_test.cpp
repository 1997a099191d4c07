// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/next_hops.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <linux/neighbour.h>

namespace aya::neighbours
{
namespace
{

const Mac kMac = *parse_mac("52:54:00:00:00:11");
const Mac kOther = *parse_mac("52:54:00:00:00:22");

Neighbour neighbour(std::uint16_t state, std::optional<Mac> mac = std::nullopt)
{
    return {.link = 1, .address = IpAddress::v4(10, 0, 0, 1), .mac = mac, .state = state};
}

NeighbourBelief after(const std::vector<Neighbour> &events)
{
    NeighbourBelief belief;
    for (const Neighbour &event : events)
        belief.see(event);
    return belief;
}

TEST(NeighbourBelief, BelievesWhatTheKernelKnows)
{
    for (const int state : {NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE, NUD_PERMANENT, NUD_NOARP})
        EXPECT_EQ(after({neighbour(static_cast<std::uint16_t>(state), kMac)}).mac(), kMac) << state;
    EXPECT_FALSE(after({}).mac());
    EXPECT_FALSE(after({neighbour(NUD_INCOMPLETE)}).mac());
    EXPECT_FALSE(after({neighbour(NUD_FAILED)}).mac());
}

TEST(NeighbourBelief, KeepsTheMacWhileTheKernelMakesSure)
{
    const auto known = neighbour(NUD_REACHABLE, kMac);
    EXPECT_EQ(after({known, neighbour(NUD_STALE, kMac), neighbour(NUD_PROBE, kMac)}).mac(), kMac);
    EXPECT_EQ(after({known, neighbour(0)}).mac(), kMac) << "collected; it is asked for again";
    EXPECT_EQ(after({known, neighbour(0), neighbour(NUD_INCOMPLETE)}).mac(), kMac);
}

TEST(NeighbourBelief, GivesItUpOnceTheKernelDoes)
{
    const auto known = neighbour(NUD_REACHABLE, kMac);
    EXPECT_FALSE(after({known, neighbour(NUD_FAILED)}).mac());
    EXPECT_FALSE(after({known, neighbour(0), neighbour(NUD_INCOMPLETE), neighbour(NUD_FAILED)}).mac());
    EXPECT_FALSE(after({known, neighbour(NUD_FAILED), neighbour(NUD_INCOMPLETE)}).mac());
}

TEST(NeighbourBelief, FollowsAMacThatMoves)
{
    EXPECT_EQ(after({neighbour(NUD_REACHABLE, kMac), neighbour(NUD_STALE, kOther)}).mac(), kOther);
}

TEST(NeighbourBelief, KnowsWhenToAsk)
{
    EXPECT_TRUE(after({}).needs_asking());
    EXPECT_TRUE(after({neighbour(NUD_FAILED)}).needs_asking());
    EXPECT_TRUE(after({neighbour(NUD_REACHABLE, kMac), neighbour(0)}).needs_asking());
    EXPECT_FALSE(after({neighbour(NUD_INCOMPLETE)}).needs_asking()) << "the kernel is asking";
    EXPECT_FALSE(after({neighbour(NUD_REACHABLE, kMac)}).needs_asking());
    EXPECT_TRUE(after({neighbour(NUD_STALE, kMac)}).needs_refresh());
    EXPECT_FALSE(after({neighbour(NUD_PERMANENT, kMac)}).needs_refresh());
}

TEST(NeighbourBelief, RecallsUntilTheKernelSpeaks)
{
    NeighbourBelief belief;
    belief.recall(kMac);
    EXPECT_EQ(belief.mac(), kMac);
    belief.see(neighbour(NUD_INCOMPLETE));
    EXPECT_EQ(belief.mac(), kMac);
    belief.see(neighbour(NUD_REACHABLE, kOther));
    EXPECT_EQ(belief.mac(), kOther);
}

PortLine port(const char *interface, const char *punt, u8 mark)
{
    PortLine line = {};
    std::strcpy(line.interface, interface);
    std::strcpy(line.punt, punt);
    line.mac[5] = mark;
    line.mtu = static_cast<u16>(1500 + mark);
    line.present = 1;
    return line;
}

Way way_over(const char *interface)
{
    return {.next_hop = IpAddress::v4(10, 0, 0, 1),
            .interface = interface,
            .mac = kMac,
            .source = IpAddress::v4(10, 0, 0, 2)};
}

BackendConfig backend(std::optional<Mac> mac = std::nullopt)
{
    BackendConfig config{};
    config.name = "gpu-01";
    config.address = IpAddress::v4(10, 0, 1, 11);
    config.mac = mac;
    return config;
}

TEST(NextHopFor, FindsThePortByItsOwnOrItsPuntInterface)
{
    const std::vector ports = {port("eth0", "aya0", 1), port("", "aya1", 2), port("eth2", "", 3)};
    for (const auto &[interface, index] : {std::pair("eth0", 0), {"aya0", 0}, {"aya1", 1}, {"eth2", 2}}) {
        const auto hop = next_hop_for(backend(), way_over(interface), ports);
        ASSERT_TRUE(hop);
        EXPECT_EQ(hop->port, index) << interface;
        EXPECT_EQ(hop->port_mac.bytes[5], index + 1);
        EXPECT_EQ(hop->mtu, 1501 + index);
        EXPECT_EQ(hop->mac, kMac);
        EXPECT_EQ(hop->address, IpAddress::v4(10, 0, 0, 1));
        EXPECT_EQ(hop->source, IpAddress::v4(10, 0, 0, 2));
    }
}

TEST(NextHopFor, ARouteCanLimitThePortsMtu)
{
    const std::vector ports = {port("eth0", "", 1)}; // 1501
    Way way = way_over("eth0");
    EXPECT_EQ(next_hop_for(backend(), way, ports)->mtu_source, MtuSource::port);
    way.mtu = 1400;
    EXPECT_EQ(next_hop_for(backend(), way, ports)->mtu, 1400);
    EXPECT_EQ(next_hop_for(backend(), way, ports)->mtu_source, MtuSource::route);
    way.mtu = 9000;
    EXPECT_EQ(next_hop_for(backend(), way, ports)->mtu, 1501);
    EXPECT_EQ(next_hop_for(backend(), way, ports)->mtu_source, MtuSource::port);
}

TEST(NextHopFor, AnotherInterfaceIsNoPort)
{
    const std::vector ports = {port("eth0", "", 1)};
    const auto hop = next_hop_for(backend(), way_over("eth9"), ports);
    ASSERT_TRUE(hop);
    EXPECT_EQ(hop->port, AYA_PORT_NONE);
    EXPECT_EQ(next_hop_for(backend(), way_over(""), ports)->port, AYA_PORT_NONE)
        << "an unknown link matches no port";
}

TEST(NextHopFor, NoRouteIsNoNextHop)
{
    EXPECT_FALSE(next_hop_for(backend(), std::nullopt, std::vector{port("eth0", "", 1)}));
}

TEST(NextHopFor, AConfiguredMacNeedsNoRouteWhereThereIsOnePort)
{
    const auto one = next_hop_for(backend(kOther), std::nullopt, std::vector{port("eth0", "", 1)});
    ASSERT_TRUE(one);
    EXPECT_EQ(one->port, 0);
    const auto two =
        next_hop_for(backend(kOther), std::nullopt, std::vector{port("eth0", "", 1), port("eth1", "", 2)});
    ASSERT_TRUE(two);
    EXPECT_EQ(two->port, AYA_PORT_NONE) << "which of the two?";
    const auto routed = next_hop_for(backend(kOther), way_over("eth1"),
                                     std::vector{port("eth0", "", 1), port("eth1", "", 2)});
    EXPECT_EQ(routed->port, 1);
}

TEST(NextHopFor, AGapAmongThePortsIsNoPort)
{
    std::vector ports = {port("eth0", "", 1), port("eth1", "", 2)};
    ports[0].present = 0;
    EXPECT_EQ(next_hop_for(backend(), way_over("eth0"), ports)->port, AYA_PORT_NONE);
    EXPECT_EQ(next_hop_for(backend(kOther), std::nullopt, ports)->port, 1);
}

} // namespace
} // namespace aya::neighbours
