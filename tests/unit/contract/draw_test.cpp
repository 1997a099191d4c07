// SPDX-License-Identifier: BSD-2-Clause
//
// Schedulers that draw the backend of a new flow: what they draw, and that the flow keeps it.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

#include "core_path.hpp"
#include "kinds/maglev.hpp"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test::draw_test
{
namespace
{

constexpr const char *kClient = "198.51.100.7";
constexpr const char *kVip = "203.0.113.10";
constexpr const char *kRouter = "192.0.2.254";

class Draw : public testing::Test
{
protected:
    // As many flows find their place as a test opens.
    void use_sets(u32 sets) { path = CorePath(&view, sets); }

    std::vector<u32> add_backends(const std::vector<u32> &weights, TableBuilder *build, u32 size)
    {
        std::vector<Candidate> candidates;
        std::vector<u32> ids;
        for (u32 weight : weights) {
            ids.push_back(tables.add_backend(web));
            candidates.push_back({.key = 1000 + ids.back(), .weight = weight});
        }
        std::vector<u32> slots;
        for (u32 index : build(candidates, size))
            slots.push_back(ids.at(index));
        tables.set_lookup(web, slots);
        tables.service(web).previous_size = 0;
        return ids;
    }

    Outcome run(const std::string &flags, u16 port)
    {
        return path.run(Packet().ipv4(kClient, kVip).tcp(port, 443, flags).build());
    }
    Outcome datagram(u16 port)
    {
        return path.run(Packet().ipv4(kClient, kVip).udp(port, 443).payload(8).build());
    }

    // Where the hash would send it.
    u32 by_hash(u16 port)
    {
        const aya_service &service = tables.service(web);
        const aya_packet packet = run("A", port).packet;
        return tables.lookup()[service.lookup_offset +
                               aya_slot(aya_flow_hash(&tables.settings(), &packet), service.lookup_size)];
    }

    Tables tables;
    u16 web = tables.add_service({"203.0.113.10:443/tcp", "203.0.113.10:443/udp"}, AYA_SERVICE_RANDOM);
    std::array<aya_service_counters, Tables::kServices> own{};
    aya_view view = [this] {
        aya_view made = *tables.view();
        made.own = own.data();
        made.own_count = Tables::kServices;
        return made;
    }();
    CorePath path{&view, 1 << 14};
};

TEST_F(Draw, RandomFollowsTheWeights)
{
    const auto ids = add_backends({1, 2, 5}, build_maglev, 65537);
    std::map<u32, double> seen;
    constexpr u16 kFlows = 16000;
    for (u16 port = 1; port <= kFlows; port++)
        seen[run("S", port).backend] += 1.0 / kFlows;
    EXPECT_NEAR(seen[ids[0]], 1 / 8.0, 0.015);
    EXPECT_NEAR(seen[ids[1]], 2 / 8.0, 0.015);
    EXPECT_NEAR(seen[ids[2]], 5 / 8.0, 0.015);
}

TEST_F(Draw, RandomDrawsAnewForAConnectionThatComesAgain)
{
    add_backends(std::vector<u32>(100, 1), build_maglev, 65537);
    std::map<u32, int> seen;
    for (int i = 0; i < 50; i++) {
        seen[run("S", 40000).backend]++;
        run("R", 40000);
    }
    EXPECT_GT(seen.size(), 20u);
}

TEST_F(Draw, RoundRobinGoesThroughTheSlotsOneByOne)
{
    tables.service(web).flags = AYA_SERVICE_PRESENT | AYA_SERVICE_IN_TURN;
    const auto ids = add_backends({5, 1, 1}, build_smooth_turns, 7);
    std::string order;
    for (u16 port = 1; port <= 28; port++)
        order += static_cast<char>('a' + run("S", port).backend - ids[0]);
    const std::string round = "aabacaa";
    EXPECT_NE((round + round).find(order.substr(0, 7)), std::string::npos) << order;
    for (std::size_t i = 7; i < order.size(); i++)
        EXPECT_EQ(order[i], order[i - 7]) << order;
}

TEST_F(Draw, EveryTurnIsTheNextSlotAlsoAfterALongTime)
{
    for (u32 size : {1u, 2u, 251u, 65537u, 1048573u})
        for (u64 begin : {u64{0}, u64{0xffffffff} - 700, u64{1} << 42})
            for (u64 turn = begin; turn < begin + 1000; turn++)
                ASSERT_EQ(aya_slot(aya_pick_of_turn(turn, size), size), turn % size) << size << ", " << turn;
}

TEST_F(Draw, TwoWorkersDoNotChooseInStep)
{
    tables.service(web).flags = AYA_SERVICE_PRESENT | AYA_SERVICE_IN_TURN;
    const auto ids = add_backends(std::vector<u32>(100, 1), build_smooth_turns, 251);
    std::set<u32> first;
    for (u16 port = 1; port <= 20; port++) {
        own = {};
        first.insert(run("S", port).backend);
    }
    EXPECT_GT(first.size(), 10u);
}

// Live flows are those of this worker's queue.
class LeastConnections : public Draw
{
protected:
    LeastConnections()
    {
        tables.service(web).flags = AYA_SERVICE_PRESENT | AYA_SERVICE_LEAST_FLOWS;
        view.loads = loads.data();
        view.load_count = Tables::kBackends;
    }

    std::vector<u32> add(const std::vector<u32> &weights)
    {
        auto ids = add_backends(weights, build_maglev, 65537);
        for (std::size_t i = 0; i < ids.size(); i++)
            tables.tunnel(ids[i]).weight = weights[i];
        return ids;
    }

    u32 open(u16 port)
    {
        const u32 backend = run("S", port).backend;
        run("A", port);
        return backend;
    }

    u32 flows_of(u32 id) { return aya_flows_of(&view, id, &tables.backend(id)); }

    void sweep()
    {
        for (aya_flow_set &set : path.flows())
            aya_sweep_counted(loads.data(), Tables::kBackends, &set, path.now);
    }

    std::array<aya_backend_load, Tables::kBackends> loads{};
};

TEST_F(LeastConnections, OfTwoBackendsTheOneWithFewerFlowsWins)
{
    const auto ids = add({1, 1, 1, 1});
    for (u16 port = 1; port <= 2000; port++)
        open(port);
    for (u32 id : ids)
        EXPECT_NEAR(flows_of(id), 500, 10) << "by chance it would be 500 +- 19";
}

TEST_F(LeastConnections, FollowsTheWeights)
{
    const auto ids = add({1, 2, 5});
    for (u16 port = 1; port <= 2000; port++)
        open(port);
    EXPECT_NEAR(flows_of(ids[0]), 250, 15);
    EXPECT_NEAR(flows_of(ids[1]), 500, 15);
    EXPECT_NEAR(flows_of(ids[2]), 1250, 15);
}

TEST_F(LeastConnections, ANewBackendDoesNotGetEverythingAtOnce)
{
    auto ids = add(std::vector<u32>(9, 1));
    for (u16 port = 1; port <= 2700; port++)
        open(port);
    ids = add(std::vector<u32>(10, 1)); // nine others stand for those of before, with their flows
    for (u32 i = 0; i < 9; i++)
        loads[ids[i]] = {.flows = 300, .incarnation = 1, .unused = 0};
    u32 for_the_new = 0;
    for (u16 port = 3001; port <= 3500; port++)
        for_the_new += open(port) == ids[9];
    EXPECT_GT(for_the_new, 70u) << "more than a tenth of 500, because it has fewer";
    EXPECT_LT(for_the_new, 130u) << "but at most twice that";
}

TEST_F(LeastConnections, HalfOpenConnectionsNeverCount)
{
    const auto ids = add({1});
    for (u16 port = 1; port <= 100; port++)
        run("S", port);
    EXPECT_EQ(flows_of(ids[0]), 0u);
}

TEST_F(LeastConnections, AFlowCountsFromItsSecondPacketToItsEnd)
{
    const u32 id = add({1})[0];
    for (const char *end : {"FA", "R"}) {
        open(1);
        EXPECT_EQ(flows_of(id), 1u);
        run("PA", 1);
        EXPECT_EQ(flows_of(id), 1u);
        run(end, 1);
        EXPECT_EQ(flows_of(id), 0u);
        run("A", 1);
        EXPECT_EQ(flows_of(id), 0u) << "who has closed acknowledges, too";
        run("PA", 1);
        EXPECT_EQ(flows_of(id), 1u) << "the close was forged";
        run(end, 1);
        run("S", 1);
        EXPECT_EQ(flows_of(id), 0u);
    }
    datagram(2);
    EXPECT_EQ(flows_of(id), 0u);
    datagram(2);
    EXPECT_EQ(flows_of(id), 1u);
}

TEST_F(LeastConnections, ASilentFlowCountsNoLongerAndAgainWhenItSpeaks)
{
    const u32 id = add({1})[0];
    open(1);
    path.now = static_cast<u16>(path.now + tables.service(web).idle_timeout[AYA_FLOW_ESTABLISHED]);
    sweep();
    EXPECT_EQ(flows_of(id), 0u);
    run("A", 1);
    EXPECT_EQ(flows_of(id), 1u);
    sweep();
    EXPECT_EQ(flows_of(id), 1u);
}

TEST_F(LeastConnections, ABackendThatReturnsHasNoFlows)
{
    const u32 id = add({1})[0];
    for (u16 port = 1; port <= 10; port++)
        open(port);
    tables.take_down(id);
    tables.backend(id).state = AYA_BACKEND_UP;
    EXPECT_EQ(flows_of(id), 0u);
    open(11);
    EXPECT_EQ(flows_of(id), 1u);
    path.now = static_cast<u16>(path.now + 900);
    sweep(); // those of before
    EXPECT_EQ(flows_of(id), 0u);
}

TEST_F(Draw, AFlowKeepsWhatWasDrawnForIt)
{
    add_backends(std::vector<u32>(100, 1), build_maglev, 65537);
    int apart = 0;
    for (u16 port = 1; port <= 50; port++) {
        const u32 drawn = run("S", port).backend;
        EXPECT_EQ(run("S", port).backend, drawn);
        EXPECT_EQ(run("A", port).backend, drawn);
        EXPECT_EQ(run("PA", port).backend, drawn);
        const u32 datagrams = datagram(port).backend;
        EXPECT_EQ(datagram(port).backend, datagrams);
        run("FA", port);
        apart += drawn != by_hash(port) ? 1 : 0;
    }
    EXPECT_GT(apart, 40) << "or nothing was drawn";
}

TEST_F(Draw, AnUnknownConnectionGoesByTheHashOnEveryBox)
{
    add_backends(std::vector<u32>(100, 1), build_maglev, 65537);
    for (u16 port = 1; port <= 50; port++)
        EXPECT_EQ(run("A", port).backend, by_hash(port));
    EXPECT_EQ(own[web].turn, 0u);
}

TEST_F(Draw, AnErrorAboutAnUnknownFlowDrawsNothing)
{
    add_backends({1, 1}, build_maglev, 251);
    const Bytes quoted = Packet().ipv4(kVip, kClient).tcp(443, 40000, "A").build_ip();
    const Outcome got = path.run(Packet().ipv4(kRouter, kVip).icmp(3, 1).payload(quoted).build());
    EXPECT_EQ(got.packet.kind, AYA_KIND_ICMP_ERROR);
    EXPECT_EQ(own[web].turn, 0u);
}

TEST_F(Draw, WhoHasNothingToDrawFromGoesByTheHash)
{
    add_backends(std::vector<u32>(100, 1), build_maglev, 65537);
    view.own = nullptr;
    view.own_count = 0;
    for (u16 port = 1; port <= 50; port++)
        EXPECT_EQ(run("S", port).backend, by_hash(port));
}

TEST_F(Draw, NothingIsDrawnWhereThereIsNoPlaceToRememberIt)
{
    use_sets(1);
    add_backends(std::vector<u32>(100, 1), build_maglev, 65537);
    for (u16 port = 1; port <= 4; port++)
        for (const char *flags : {"S", "A", "PA"})
            run(flags, port);
    const u64 turn = own[web].turn;
    for (u16 port = 5; port <= 50; port++) {
        const Outcome got = run("S", port);
        EXPECT_TRUE(got.notes & AYA_NOTE_NOT_REMEMBERED);
        EXPECT_EQ(got.backend, by_hash(port)) << "where its next packets go";
    }
    EXPECT_EQ(own[web].turn, turn);
}

TEST_F(Draw, AFloodOfFirstPacketsTakesNobodysPlace)
{
    use_sets(1);
    add_backends(std::vector<u32>(100, 1), build_maglev, 65537);
    std::array<u32, 5> drawn{};
    for (u16 port = 1; port <= 4; port++)
        drawn[port] = (port < 3 ? run("S", port) : datagram(port)).backend;
    path.now++;
    for (u16 port = 5; port < 500; port++) {
        run("S", port);
        datagram(port);
    }
    for (u16 port = 1; port <= 4; port++)
        EXPECT_EQ((port < 3 ? run("A", port) : datagram(port)).backend, drawn[port]);
}

TEST_F(Draw, ADrainingBackendKeepsItsFlowsAndADeadOneLosesThem)
{
    const auto ids = add_backends({1}, build_maglev, 251);
    run("S", 1);
    run("A", 1);
    const u32 other = tables.add_backend(web);
    tables.set_lookup(web, {other});
    tables.backend(ids[0]).state = AYA_BACKEND_DRAINING;
    EXPECT_EQ(run("A", 1).backend, ids[0]);
    EXPECT_EQ(run("S", 2).backend, other);
    tables.take_down(ids[0]);
    EXPECT_EQ(run("A", 1).backend, other);
}

} // namespace
} // namespace aya::test::draw_test
