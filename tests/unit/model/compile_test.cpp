// SPDX-License-Identifier: BSD-2-Clause
// compile(): which backend gets what entry and how many slots, from desired and observed state.
#include "model/compile.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace aya
{
namespace
{

struct Scene {
    ServiceConfig service;
    ServiceObserved observed;
    CompileOptions options;

    explicit Scene(size_t backends, Encap encap = Encap::l2)
    {
        service.name = "web";
        service.vips = {*parse_vip("203.0.113.10:443/tcp")};
        service.encap = encap;
        service.lookup_size = 4099;
        for (size_t i = 0; i < backends; i++) {
            BackendConfig backend;
            backend.name = "b" + std::to_string(i);
            backend.address = IpAddress::v4(10, 0, 1, static_cast<u8>(i + 1));
            service.backends.push_back(backend);
            observed.backends.push_back({.health = Health::up, .next_hop = next_hop(i)});
        }
    }

    static NextHop next_hop(size_t i)
    {
        return {.address = IpAddress::v4(10, 0, 1, static_cast<u8>(i + 1)),
                .mac = Mac{{0x52, 0x54, 0, 0, 1, static_cast<u8>(i)}},
                .port = 1,
                .port_mac = *parse_mac("52:54:00:00:00:01"),
                .mtu = 1500,
                .source = IpAddress::v4(10, 0, 1, 254)};
    }

    ServiceImage image() const { return compile(service, observed, options); }
};

std::vector<u32> slots(const ServiceImage &image)
{
    std::vector<u32> counts(image.backends.size());
    for (u32 index : *image.lookup)
        counts.at(index)++;
    for (size_t i = 0; i < counts.size(); i++) {
        EXPECT_EQ(image.backends[i].slots, counts[i]);
        if (!image.lookup->empty()) {
            EXPECT_DOUBLE_EQ(image.backends[i].share,
                             static_cast<double>(counts[i]) / static_cast<double>(image.lookup->size()));
        }
        EXPECT_EQ(image.backends[i].reason.empty(), counts[i] > 0);
    }
    return counts;
}

bool has_warning(const ServiceImage &image, const std::string &text)
{
    return std::any_of(image.warnings.begin(), image.warnings.end(),
                       [&](const std::string &warning) { return warning.find(text) != std::string::npos; });
}

TEST(Compile, SharesNewFlowsByWeight)
{
    Scene scene(3);
    scene.service.backends[0].weight = 1;
    scene.service.backends[1].weight = 2;
    scene.service.backends[2].weight = 5;
    const auto image = scene.image();
    const auto counts = slots(image);
    EXPECT_NEAR(counts[0], 4099 / 8.0, 1);
    EXPECT_NEAR(counts[1], 4099 / 4.0, 1);
    EXPECT_NEAR(counts[2], 4099 * 5 / 8.0, 1);
    EXPECT_TRUE(image.warnings.empty());
    for (const auto &backend : image.backends)
        EXPECT_EQ(backend.entry.state, AYA_BACKEND_UP);
}

TEST(Compile, DrainingAndWeightZeroKeepFlowsAndGetNoNewOnes)
{
    Scene scene(3);
    scene.service.backends[0].state = AdminState::draining;
    scene.service.backends[1].weight = 0;
    const auto image = scene.image();
    EXPECT_EQ(slots(image), (std::vector<u32>{0, 0, 4099}));
    EXPECT_EQ(image.backends[0].entry.state, AYA_BACKEND_DRAINING);
    EXPECT_EQ(image.backends[1].entry.state, AYA_BACKEND_DRAINING);
    EXPECT_EQ(image.backends[0].reason, "draining");
    EXPECT_EQ(image.backends[1].reason, "weight 0");
    EXPECT_EQ(image.backends[0].effective_weight, 0u);
    EXPECT_EQ(image.backends[0].entry.egress_port, 1) << "its flows still need the way";
}

TEST(Compile, DisabledLosesItsFlowsWhateverItsHealth)
{
    for (Health health : {Health::unchecked, Health::unknown, Health::up, Health::down}) {
        Scene scene(2);
        scene.service.backends[0].state = AdminState::disabled;
        scene.observed.backends[0].health = health;
        const auto image = scene.image();
        EXPECT_EQ(image.backends[0].entry.state, AYA_BACKEND_DOWN);
        EXPECT_EQ(slots(image), (std::vector<u32>{0, 4099}));
        EXPECT_FALSE(image.panic) << "a disabled backend does not count";
        EXPECT_TRUE(image.warnings.empty());
    }
}

TEST(Compile, DownLosesItsFlowsAlsoWhileDraining)
{
    Scene scene(5);
    scene.observed.backends[0].health = Health::down;
    scene.observed.backends[1].health = Health::down;
    scene.service.backends[1].state = AdminState::draining;
    const auto image = scene.image();
    EXPECT_EQ(image.backends[0].entry.state, AYA_BACKEND_DOWN);
    EXPECT_EQ(image.backends[1].entry.state, AYA_BACKEND_DOWN);
    EXPECT_EQ(slots(image)[0], 0u);
    EXPECT_TRUE(has_warning(image, "2 of 5 backends down"));
}

TEST(Compile, ABackendThatStartsSlowlyHasAPartOfItsWeight)
{
    Scene scene(3);
    const auto before = scene.image();
    scene.observed.backends[0].part = kWholeWeight / 4;
    const auto image = scene.image();
    const auto counts = slots(image);
    EXPECT_NEAR(counts[0], 4099 / 9.0, 1);
    EXPECT_NEAR(counts[1], 4099 * 4 / 9.0, 1);
    EXPECT_EQ(image.backends[0].effective_weight, 1u);
    EXPECT_EQ(image.backends[0].entry.state, AYA_BACKEND_UP);
    for (auto &backend : scene.observed.backends)
        backend.part = kWholeWeight / 2;
    EXPECT_EQ(*scene.image().lookup, *before.lookup) << "the scale of weights does not matter";
}

TEST(Compile, DownKeepsItsFlowsOrHasThemResetAsTheServiceSays)
{
    Scene scene(5);
    scene.observed.backends[0].health = Health::down;
    scene.service.on_down = OnDown::keep;
    const auto kept = scene.image();
    EXPECT_EQ(kept.backends[0].entry.state, AYA_BACKEND_DRAINING);
    EXPECT_EQ(kept.backends[0].reason, "down");
    EXPECT_EQ(slots(kept)[0], 0u);
    EXPECT_TRUE(has_warning(kept, "1 of 5 backends down"));
    EXPECT_FALSE(kept.flags & AYA_SERVICE_RESETS);
    scene.service.backends[0].state = AdminState::disabled;
    EXPECT_EQ(scene.image().backends[0].entry.state, AYA_BACKEND_DOWN) << "an operator's word";
    scene.service.on_down = OnDown::reset;
    EXPECT_TRUE(scene.image().flags & AYA_SERVICE_RESETS);
}

TEST(Compile, BelievesInABackendWithoutAResultYet)
{
    Scene scene(4);
    for (auto &backend : scene.observed.backends)
        backend.health = Health::unknown;
    scene.observed.backends[0].health = Health::down;
    const auto image = scene.image();
    EXPECT_EQ(slots(image)[0], 0u);
    for (size_t i : {1u, 2u, 3u}) {
        EXPECT_EQ(image.backends[i].entry.state, AYA_BACKEND_UP);
        EXPECT_GT(image.backends[i].slots, 0u);
    }
}

TEST(Compile, ABackendThatWaitsGetsNoNewFlows)
{
    Scene scene(3);
    scene.observed.backends[2].health = Health::waiting;
    auto image = scene.image();
    EXPECT_EQ(slots(image)[2], 0u);
    EXPECT_EQ(image.backends[2].entry.state, AYA_BACKEND_DRAINING) << "flows that it has stay";
    EXPECT_EQ(image.backends[2].reason, "waiting for its first good probe");
    EXPECT_TRUE(image.warnings.empty());

    scene.service.health.rise = 3;
    scene.service.health.init_state = InitState::fully_down;
    EXPECT_EQ(scene.image().backends[2].reason, "waiting for its first 3 good probes");
    scene.observed.backends[2].health = Health::up;
    EXPECT_GT(slots(scene.image())[2], 0u);
}

TEST(Compile, WhoWaitsIsBetterThanNobodyUnlessTheOperatorSaysOtherwise)
{
    Scene scene(3);
    scene.service.panic_threshold = 100;
    scene.observed.backends[0].health = Health::down;
    scene.observed.backends[1].health = Health::waiting;
    scene.service.backends[2].state = AdminState::draining;
    EXPECT_EQ(slots(scene.image()), (std::vector<u32>{0, 4099, 0}));
    scene.observed.backends[0].health = Health::unknown;
    EXPECT_EQ(slots(scene.image()), (std::vector<u32>{4099, 0, 0}));

    scene.observed.backends[0].health = Health::down;
    scene.service.health.init_state = InitState::down;
    const auto image = scene.image();
    EXPECT_TRUE(image.lookup->empty());
    EXPECT_TRUE(has_warning(image, "no backend for new flows"));
}

TEST(Compile, WhoWaitsIsNoFailureForPanic)
{
    Scene scene(4);
    scene.service.health.init_state = InitState::down;
    for (auto &backend : scene.observed.backends)
        backend.health = Health::waiting;
    EXPECT_FALSE(scene.image().panic) << "a service that starts from nothing";
    scene.observed.backends[0].health = Health::down;
    EXPECT_FALSE(scene.image().panic) << "one of four is down, though nobody else is known";
    EXPECT_TRUE(scene.image().lookup->empty());
    scene.observed.backends[1].health = scene.observed.backends[2].health = Health::down;
    const auto image = scene.image();
    EXPECT_TRUE(image.panic);
    for (const u32 count : slots(image))
        EXPECT_NEAR(count, 4099 / 4.0, 1) << "health is ignored, and that of who waits, too";
}

TEST(Compile, PanicsAboveTheThresholdOnly)
{
    Scene scene(4);
    scene.service.panic_threshold = 50;
    scene.observed.backends[0].health = Health::down;
    scene.observed.backends[1].health = Health::down;
    auto image = scene.image();
    EXPECT_FALSE(image.panic);
    EXPECT_EQ(slots(image)[0], 0u);

    scene.observed.backends[2].health = Health::down;
    image = scene.image();
    EXPECT_TRUE(image.panic);
    EXPECT_TRUE(has_warning(image, "panic_threshold"));
    EXPECT_TRUE(has_warning(image, "3 of 4 backends down"));
    for (u32 count : slots(image))
        EXPECT_NEAR(count, 4099 / 4.0, 1);
    for (const auto &backend : image.backends)
        EXPECT_EQ(backend.entry.state, AYA_BACKEND_UP);
}

TEST(Compile, PanicCountsOnlyBackendsThatGetNewFlows)
{
    Scene scene(4);
    scene.service.panic_threshold = 50;
    for (size_t i : {0u, 1u, 2u})
        scene.observed.backends[i].health = Health::down;
    scene.service.backends[0].state = AdminState::draining;
    scene.service.backends[1].weight = 0;
    const auto image = scene.image(); // 1 of 2 that count
    EXPECT_FALSE(image.panic);
    EXPECT_EQ(slots(image), (std::vector<u32>{0, 0, 0, 4099}));
}

TEST(Compile, InPanicDrainingBackendsKeepTheirFlowsToo)
{
    Scene scene(3);
    for (auto &backend : scene.observed.backends)
        backend.health = Health::down;
    scene.service.backends[0].state = AdminState::draining;
    const auto image = scene.image();
    EXPECT_TRUE(image.panic);
    EXPECT_EQ(image.backends[0].entry.state, AYA_BACKEND_DRAINING);
}

TEST(Compile, WithoutPanicAServiceThatIsAllDownHasAnEmptyTable)
{
    Scene scene(3);
    scene.service.panic_threshold = 100;
    for (auto &backend : scene.observed.backends)
        backend.health = Health::down;
    const auto image = scene.image();
    EXPECT_FALSE(image.panic);
    EXPECT_TRUE(image.lookup->empty());
    EXPECT_TRUE(has_warning(image, "no backend for new flows"));
}

TEST(Compile, AServiceWithoutBackendsHasAnEmptyTable)
{
    const auto image = Scene(0).image();
    EXPECT_TRUE(image.lookup->empty());
    EXPECT_FALSE(image.panic);
}

TEST(Compile, UnresolvedBackendsGetNoNewFlowsWhileOthersCan)
{
    Scene scene(3);
    scene.observed.backends[0].next_hop.reset();
    scene.observed.backends[1].next_hop->mac.reset();
    auto image = scene.image();
    EXPECT_EQ(slots(image), (std::vector<u32>{0, 0, 4099}));
    for (size_t i : {0u, 1u}) {
        EXPECT_EQ(image.backends[i].entry.state, AYA_BACKEND_UP) << "flows are kept";
        EXPECT_EQ(image.backends[i].entry.egress_port, AYA_PORT_NONE);
        EXPECT_FALSE(image.backends[i].reachable);
    }
    EXPECT_NE(image.backends[0].reason.find("no route to 10.0.1.1"), std::string::npos);
    EXPECT_NE(image.backends[1].reason.find("MAC address of 10.0.1.2"), std::string::npos);
    EXPECT_TRUE(has_warning(image, "2 of 3 backends without a known next hop"));

    scene.observed.backends[2].next_hop.reset();
    image = scene.image();
    EXPECT_EQ(image.lookup->size(), 4099u) << "nobody is better: the packets say why they were dropped";
    for (const auto &backend : image.backends)
        EXPECT_GT(backend.slots, 0u);
}

TEST(Compile, BackendsWhoseNextHopIsStillLookedForKeepTheirShare)
{
    Scene scene(3);
    const auto image = scene.image();
    scene.observed.backends[0].next_hop.reset();
    scene.observed.backends[1].next_hop->mac.reset();
    for (size_t i : {0u, 1u})
        scene.observed.backends[i].settling = true;
    EXPECT_EQ(*scene.image().lookup, *image.lookup) << "others of the fleet have no other table";
}

TEST(Compile, ABackendBehindARouterNeedsATunnel)
{
    Scene scene(3);
    scene.observed.backends[1].next_hop->address = IpAddress::v4(10, 0, 1, 254);
    scene.observed.backends[2].next_hop->mac.reset();
    auto image = scene.image();
    EXPECT_EQ(slots(image), (std::vector<u32>{4099, 0, 0}));
    EXPECT_EQ(image.backends[1].entry.egress_port, AYA_PORT_NONE) << "nothing goes to the router";
    EXPECT_EQ(image.backends[1].reason,
              "10.0.1.2 is behind the router 10.0.1.254, which encap l2 does not cross; use ipip or gue");
    EXPECT_FALSE(image.backends[2].needs_tunnel) << "on the link, only not resolved";
    EXPECT_TRUE(has_warning(image, "1 of 3 backends behind a router"));
    EXPECT_TRUE(has_warning(image, "1 of 3 backends without a known next hop"));

    scene.service.backends[1].mac = *parse_mac("52:54:00:00:00:99");
    EXPECT_TRUE(scene.image().backends[1].reachable) << "the operator knows who has this MAC";
    scene.service.backends[1].mac.reset();
    for (const Encap encap : {Encap::ipip, Encap::gue}) {
        scene.service.encap = encap;
        EXPECT_TRUE(scene.image().backends[1].reachable);
    }
}

TEST(Compile, ABackendBehindARouterGetsNothingEvenIfThereIsNobodyElse)
{
    Scene scene(1);
    scene.observed.backends[0].next_hop->address = IpAddress::v4(10, 0, 1, 254);
    const auto image = scene.image();
    EXPECT_EQ(image.lookup->size(), 4099u) << "the packets say why they were dropped";
    EXPECT_EQ(image.backends[0].entry.egress_port, AYA_PORT_NONE);
}

TEST(Compile, AConfiguredMacNeedsNoNeighbour)
{
    Scene scene(1);
    scene.observed.backends[0].next_hop->mac.reset();
    scene.service.backends[0].mac = *parse_mac("52:54:00:00:00:99");
    const auto image = scene.image();
    EXPECT_TRUE(image.backends[0].reachable);
    EXPECT_EQ(image.backends[0].entry.macs[5], 0x99);
    EXPECT_EQ(image.backends[0].entry.macs[11], 0x01);
    EXPECT_EQ(image.backends[0].entry.mtu, 1500);
    EXPECT_EQ(image.backends[0].entry.outer_length, 0);
}

TEST(Compile, TunnelsLeaveRoomForTheirHeader)
{
    Scene scene(2, Encap::ipip);
    scene.service.backends[1].address = *parse_ip_address("fd00::1");
    scene.observed.backends[1].next_hop->source = *parse_ip_address("fd00::2");
    auto image = scene.image();
    EXPECT_EQ(encap_of(image.backends[0].entry), &row_of(Encap::ipip));
    EXPECT_EQ(image.backends[0].entry.outer_length, 20);
    EXPECT_EQ(image.backends[0].entry.mtu, 1480);
    EXPECT_EQ(image.backends[1].entry.outer_length, 40);
    EXPECT_EQ(image.backends[1].entry.mtu, 1460);

    scene.service.encap = Encap::gue;
    scene.service.gue_port = 0x1234;
    image = scene.image();
    EXPECT_EQ(encap_of(image.backends[0].entry), &row_of(Encap::gue));
    EXPECT_EQ(image.backends[0].entry.outer_length, 28);
    EXPECT_EQ(image.backends[0].entry.mtu, 1472);
    EXPECT_EQ(image.backends[1].entry.outer_length, 48);
    EXPECT_EQ(image.backends[1].entry.mtu, 1452);
    EXPECT_EQ(image.backends[0].tunnel.udp[2], 0x12);
    EXPECT_EQ(image.backends[1].tunnel.udp[3], 0x34);
}

TEST(Compile, TunnelSourceIsTheConfiguredOneElseTheRoutes)
{
    Scene scene(1, Encap::ipip);
    const u8 *source = nullptr;
    auto image = scene.image();
    source = reinterpret_cast<const u8 *>(&image.backends[0].entry.outer_src);
    EXPECT_EQ(source[3], 254);

    scene.options.tunnel_source.ipv4 = IpAddress::v4(192, 0, 2, 77);
    image = scene.image();
    source = reinterpret_cast<const u8 *>(&image.backends[0].entry.outer_src);
    EXPECT_EQ(source[3], 77);

    scene.options.tunnel_source = {};
    scene.observed.backends[0].next_hop->source.reset();
    image = scene.image();
    EXPECT_FALSE(image.backends[0].reachable);
    EXPECT_NE(image.backends[0].reason.find("no source address"), std::string::npos);
}

TEST(Compile, SettingsOfTheServiceEntry)
{
    Scene scene(1);
    scene.service.affinity = Affinity::source;
    scene.service.stateless = true;
    scene.service.idle_timeouts.tcp_established = std::chrono::hours(24);
    scene.service.idle_timeouts.tcp_closing = std::chrono::milliseconds(1);
    scene.service.idle_timeouts.tcp_embryonic = std::chrono::milliseconds(1500);
    auto image = scene.image();
    EXPECT_EQ(image.flags, u32{AYA_SERVICE_PRESENT | AYA_SERVICE_AFFINITY_SOURCE | AYA_SERVICE_STATELESS});
    EXPECT_EQ(image.idle_timeout[AYA_FLOW_ESTABLISHED], AYA_MAX_IDLE);
    EXPECT_EQ(image.idle_timeout[AYA_FLOW_CLOSING], 1) << "never 0: the entry would be gone at once";
    EXPECT_EQ(image.idle_timeout[AYA_FLOW_EMBRYONIC], 2) << "rounded up";
    EXPECT_EQ(image.idle_timeout[AYA_FLOW_DATAGRAM], 112) << "120 s in ticks of 2^30 ns";

    scene.service.affinity = Affinity::none;
    scene.service.stateless = false;
    EXPECT_EQ(scene.image().flags, u32{AYA_SERVICE_PRESENT});
    scene.service.scheduler = Scheduler::source_hash;
    EXPECT_EQ(scene.image().flags, u32{AYA_SERVICE_PRESENT | AYA_SERVICE_AFFINITY_SOURCE});
}

TEST(Compile, SourceAffinityIgnoresWhatIsNotInThePrefix)
{
    Scene scene(1);
    scene.service.source_prefix_v4 = 20;
    scene.service.source_prefix_v6 = 56;
    EXPECT_EQ(scene.image().source_ignored_ipv4.raw, 0u) << "without affinity nobody looks";
    scene.service.scheduler = Scheduler::source_hash;
    auto image = scene.image();
    const auto ignored = [](be32 word) { return aya_be32_to_cpu(word); };
    EXPECT_EQ(ignored(image.source_ignored_ipv4), 0x00000fffu);
    EXPECT_EQ(ignored(image.source_ignored_ipv6[0]), 0u);
    EXPECT_EQ(ignored(image.source_ignored_ipv6[1]), 0x000000ffu);
    EXPECT_EQ(ignored(image.source_ignored_ipv6[2]), 0xffffffffu);
    EXPECT_EQ(ignored(image.source_ignored_ipv6[3]), 0xffffffffu);
    scene.service.source_prefix_v4 = 32;
    scene.service.source_prefix_v6 = 128;
    image = scene.image();
    EXPECT_EQ(image.source_ignored_ipv4.raw, 0u);
    for (be32 word : image.source_ignored_ipv6)
        EXPECT_EQ(word.raw, 0u);
}

TEST(Compile, LeastConnectionsComparesByTheWeights)
{
    Scene scene(3);
    scene.service.backends[0].weight = 7;
    scene.service.backends[1].state = AdminState::draining;
    EXPECT_EQ(scene.image().backends[0].tunnel.weight, 0u) << "nobody asks";
    scene.service.scheduler = Scheduler::least_connections;
    const auto image = scene.image();
    EXPECT_EQ(image.backends[0].tunnel.weight, 7u);
    EXPECT_EQ(image.backends[1].tunnel.weight, 0u);
}

TEST(Compile, BackendsInAnyOrderGetTheSameSlots)
{
    Scene scene(20);
    const auto image = scene.image();
    Scene turned(20);
    std::reverse(turned.service.backends.begin(), turned.service.backends.end());
    std::reverse(turned.observed.backends.begin(), turned.observed.backends.end());
    const auto other = turned.image();
    for (size_t i = 0; i < image.lookup->size(); i++)
        ASSERT_EQ(image.backends[(*image.lookup)[i]].name, other.backends[(*other.lookup)[i]].name);
}

TEST(Compile, WarnsOfBackendsWithoutASlot)
{
    Scene scene(250);
    for (auto &backend : scene.service.backends)
        backend.weight = 1;
    scene.service.lookup_size = 241;
    const auto image = scene.image();
    EXPECT_TRUE(has_warning(image, "9 of 250 backends without a slot"));
}

TEST(Compiler, GivesTheSameImageForTheSameInput)
{
    Scene scene(10);
    Compiler compiler(scene.options);
    const auto image = compiler.compile(scene.service, scene.observed);
    EXPECT_EQ(compiler.compile(scene.service, scene.observed), image);
    scene.observed.backends[0].next_hop->mtu = 9000;
    const auto changed = compiler.compile(scene.service, scene.observed);
    EXPECT_NE(changed, image);
    EXPECT_EQ(changed->lookup, image->lookup) << "the candidates are the same";
}

TEST(Compiler, FindsTheTableOfABackendThatComesBack)
{
    Scene scene(10);
    Compiler compiler(scene.options);
    const auto all = compiler.compile(scene.service, scene.observed);
    scene.observed.backends[3].health = Health::down;
    const auto fewer = compiler.compile(scene.service, scene.observed);
    EXPECT_NE(fewer->lookup, all->lookup);
    scene.observed.backends[3].health = Health::up;
    EXPECT_EQ(compiler.compile(scene.service, scene.observed)->lookup, all->lookup);
}

TEST(Compiler, MakesWhatCompileMakes)
{
    Scene scene(10);
    Compiler compiler(scene.options);
    for (u32 round = 0; round < 40; round++) {
        scene.observed.backends[round * 7 % 10].health = round % 3 ? Health::up : Health::down;
        scene.service.backends[round * 3 % 10].weight = static_cast<u16>(round % 5);
        scene.service.lookup_size = round % 2 ? 4099 : 251;
        EXPECT_EQ(*compiler.compile(scene.service, scene.observed)->lookup, *scene.image().lookup);
    }
}

} // namespace
} // namespace aya
