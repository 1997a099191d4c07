// SPDX-License-Identifier: BSD-2-Clause
//
// What an entry is worth, whose place a new one takes, and what a packet does to the entry of its flow.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "core_path.hpp"
#include "naive_models.hpp"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test::flow_rules_test
{
namespace
{

constexpr const char *kClient = "198.51.100.7";
constexpr const char *kVip = "203.0.113.10";

// A service with backends a and b on one set of four ways, so that every flow competes with every other.
// Client ports stand for flows. `even` flows keep their slot in all lookup tables here, `odd` ones move.
class Rules : public testing::Test
{
protected:
    Rules() { use_tables_of(a, a); }

    // Backends of the even and of the odd flows.
    void use_tables_of(u32 even, u32 odd)
    {
        std::vector<u32> slots(64);
        for (std::size_t i = 0; i < slots.size(); i++)
            slots[i] = i % 2 ? odd : even;
        tables.set_lookup(web, slots);
    }

    void retire_previous() { tables.service(web).previous_size = 0; }

    Outcome run(const std::string &flags, u16 port) { return path.run(frame(flags, port)); }
    Outcome datagram(u16 port)
    {
        return path.run(Packet().ipv4(kClient, kVip).udp(port, 443).payload(8).build());
    }
    aya_flow_entry *entry_of(u16 port) { return path.entry_of(frame("A", port)); }
    void wait(int ticks) { path.now = static_cast<u16>(path.now + ticks); }

    void open(u16 port)
    {
        run("S", port);
        run("A", port);
        run("PA", port);
    }

    // Seen in two ticks.
    void prove(u16 port)
    {
        open(port);
        wait(1);
        run("A", port);
        ASSERT_TRUE(entry_of(port)->marks & AYA_FLOW_PROVEN);
    }

    // Client ports whose slots are even, or odd.
    u16 even(std::size_t n) { return ports_of(0).at(n); }
    u16 odd(std::size_t n) { return ports_of(1).at(n); }

    const std::vector<u16> &ports_of(u32 parity)
    {
        for (u16 port = 1; ports_[1].size() < 300; port++)
            ports_[slot_of(port) % 2].push_back(port);
        return ports_[parity];
    }

    static Bytes frame(const std::string &flags, u16 port)
    {
        return Packet().ipv4(kClient, kVip).tcp(port, 443, flags).build();
    }

    static aya_packet parsed(const std::string &flags, u16 port)
    {
        const Bytes bytes = frame(flags, port);
        aya_packet packet{};
        aya_parse(bytes.data(), bytes.data() + bytes.size(), static_cast<u32>(bytes.size()), &packet);
        return packet;
    }

    u32 slot_of(u16 port)
    {
        const aya_packet packet = parsed("A", port);
        return aya_slot(aya_flow_hash(&tables.settings(), &packet), 64);
    }

    Tables tables;
    u16 web = tables.add_service({"203.0.113.10:443/tcp", "203.0.113.10:443/udp"});
    u32 a = tables.add_backend(web);
    u32 b = tables.add_backend(web);
    u32 c = tables.add_backend(web);
    CorePath path{tables.view(), 1};

private:
    std::array<std::vector<u16>, 2> ports_;
};

TEST_F(Rules, ProofIsPacketsInMoreThanOneTick)
{
    open(even(0));
    for (int i = 0; i < 100; i++)
        run("PA", even(0));
    EXPECT_FALSE(entry_of(even(0))->marks & AYA_FLOW_PROVEN);
    wait(1);
    run("S", even(0));
    EXPECT_FALSE(entry_of(even(0))->marks & AYA_FLOW_PROVEN) << "a SYN proves nothing";
    run("A", even(0));
    EXPECT_TRUE(entry_of(even(0))->marks & AYA_FLOW_PROVEN);
}

TEST_F(Rules, AnEntryThatIsTheOnlyMemoryIsKeptFromEveryone)
{
    for (u32 i = 0; i < 4; i++)
        open(odd(i));
    use_tables_of(a, b);
    use_tables_of(b, c); // the odd flows' backend is in no table any more
    wait(30);
    for (u32 i = 4; i < 200; i++)
        for (const char *flags : {"S", "A", "PA", "FA", "R"})
            run(flags, odd(i));
    for (u32 i = 0; i < 4; i++)
        EXPECT_EQ(run("A", odd(i)).backend, a);
}

TEST_F(Rules, ProvenConnectionsYieldToNobodyWhomTheTablesAnswerFor)
{
    for (u32 i = 0; i < 4; i++)
        prove(even(i));
    wait(600); // silence alone is no reason
    for (u32 i = 4; i < 200; i++)
        for (const char *flags : {"S", "A", "A"})
            EXPECT_TRUE(run(flags, even(i)).notes & AYA_NOTE_NOT_REMEMBERED);
    for (u32 i = 0; i < 4; i++)
        EXPECT_NE(entry_of(even(i)), nullptr);
}

TEST_F(Rules, AFlowThatTheTablesDoNotAnswerForTakesThePlaceOfOneThatTheyDo)
{
    for (u32 i = 0; i < 4; i++)
        prove(even(i));
    use_tables_of(a, b);
    EXPECT_EQ(run("S", odd(0)).notes, AYA_NOTE_NEW | AYA_NOTE_EVICTED);
    EXPECT_EQ(run("A", odd(0)).backend, b) << "without an entry it would have gone by the previous table";
    for (u32 i = 0; i < 4; i++)
        EXPECT_EQ(run("A", even(i)).backend, a) << "the loss of an entry that agrees is no loss";
}

TEST_F(Rules, ASynThatFindsNoPlaceGoesWhereItsNextPacketsWill)
{
    for (u32 i = 0; i < 4; i++)
        open(odd(i));
    use_tables_of(a, b);
    use_tables_of(b, c);
    const Outcome syn = run("S", odd(4));
    EXPECT_TRUE(syn.notes & AYA_NOTE_NOT_REMEMBERED);
    EXPECT_EQ(syn.backend, b);
    EXPECT_EQ(run("A", odd(4)).backend, b);
    EXPECT_EQ(run("PA", odd(4)).backend, b);
}

TEST_F(Rules, WithoutAFlowTableASynGoesWhereItsNextPacketsWill)
{
    use_tables_of(a, b);
    for (const char *flags : {"S", "A"}) {
        const aya_packet packet = parsed(flags, odd(0));
        aya_verdict verdict;
        aya_choose(tables.view(), &packet, web, aya_flow_hash(&tables.settings(), &packet), nullptr, nullptr,
                   path.now, &verdict);
        EXPECT_EQ(verdict.backend_id, a) << flags;
        EXPECT_EQ(verdict.notes, AYA_NOTE_PREVIOUS) << flags;
    }
}

TEST_F(Rules, FirstPacketsYieldToAnyNewFlowTheOldestFirst)
{
    for (u32 i = 0; i < 4; i++) {
        run("S", even(i));
        wait(1);
    }
    EXPECT_TRUE(run("S", even(4)).notes & AYA_NOTE_EVICTED);
    EXPECT_EQ(entry_of(even(0)), nullptr);
    EXPECT_NE(entry_of(even(1)), nullptr);
}

TEST_F(Rules, AHandshakeUnderWayInAMovedSlotIsNotForgotten)
{
    use_tables_of(a, b);
    for (u32 i = 0; i < 4; i++)
        run("S", odd(i));
    run("S", odd(4));
    for (u32 i = 0; i < 4; i++)
        EXPECT_EQ(run("A", odd(i)).backend, b);
}

TEST_F(Rules, AFirstPacketThatWasNeverFollowedYieldsToTheNeedy)
{
    use_tables_of(a, b);
    for (u32 i = 0; i < 4; i++)
        run("S", odd(i));
    wait(AYA_FLOW_GRACE);
    EXPECT_EQ(run("S", odd(4)).notes, AYA_NOTE_NEW | AYA_NOTE_EVICTED);
    EXPECT_TRUE(run("S", even(0)).notes & AYA_NOTE_NOT_REMEMBERED) << "the tables answer for it";
}

TEST_F(Rules, RankIsSilenceAndNotWhatIsLeftOfATimeout)
{
    const u16 slow = tables.add_service({"203.0.113.10:80/tcp"});
    tables.set_lookup(slow, {tables.add_backend(slow)});
    tables.service(slow).idle_timeout[AYA_FLOW_EMBRYONIC] = 1000;
    const auto syn = [&](u16 port) { return Packet().ipv4(kClient, kVip).tcp(port, 80, "S").build(); };
    path.run(syn(1));
    wait(5);
    for (u32 i = 0; i < 3; i++)
        run("S", even(i));
    run("S", even(3));
    EXPECT_EQ(path.entry_of(syn(1)), nullptr) << "silent for longest, though it had most time left";
    EXPECT_NE(entry_of(even(0)), nullptr);
}

TEST_F(Rules, AnUnprovenOrClosedConnectionYieldsAfterAWhileIfTheTablesAnswerForIt)
{
    open(even(0));
    prove(even(1));
    prove(even(2));
    prove(even(3));
    run("FA", even(3));
    EXPECT_TRUE(run("S", even(4)).notes & AYA_NOTE_NOT_REMEMBERED);
    wait(AYA_FLOW_GRACE);
    EXPECT_TRUE(run("S", even(4)).notes & AYA_NOTE_EVICTED);
    EXPECT_EQ(entry_of(even(0)), nullptr);
    run("A", even(4));
    EXPECT_TRUE(run("S", even(5)).notes & AYA_NOTE_EVICTED);
    EXPECT_EQ(entry_of(even(3)), nullptr);
    run("A", even(5));
    EXPECT_TRUE(run("S", even(6)).notes & AYA_NOTE_NOT_REMEMBERED);
}

TEST_F(Rules, WhatEndsAFlowThatIsNotThereIsNotRemembered)
{
    for (const char *flags : {"R", "RA", "FA", "F"}) {
        EXPECT_EQ(run(flags, even(0)).notes, 0);
        EXPECT_EQ(entry_of(even(0)), nullptr);
    }
}

TEST_F(Rules, WhatIsNotForwardedIsNotRememberedAndProvesNothing)
{
    const auto with_ttl_1 = [&](const char *flags) {
        return path.run(Packet().ipv4(kClient, kVip).ttl(1).tcp(even(0), 443, flags).build());
    };
    EXPECT_EQ(with_ttl_1("S").reason, AYA_REASON_REPLY_TIME_EXCEEDED);
    EXPECT_EQ(entry_of(even(0)), nullptr);
    open(even(0));
    const u16 expires = entry_of(even(0))->expires;
    wait(3);
    with_ttl_1("A");
    with_ttl_1("R");
    EXPECT_EQ(entry_of(even(0))->expires, expires);
    EXPECT_EQ(entry_of(even(0))->state, AYA_FLOW_ESTABLISHED);
}

TEST_F(Rules, ASynOnAnOpenConnectionFollowsItAndChangesNothing)
{
    prove(odd(0));
    const u16 expires = entry_of(odd(0))->expires;
    use_tables_of(a, b);
    tables.backend(a).state = AYA_BACKEND_DRAINING;
    wait(2);
    EXPECT_EQ(run("S", odd(0)).backend, a) << "the backend knows whether the SYN is its client's";
    EXPECT_EQ(entry_of(odd(0))->expires, expires);
    EXPECT_EQ(run("A", odd(0)).backend, a);
}

TEST_F(Rules, AForgedCloseIsUndoneByData)
{
    for (const char *flags : {"R", "FA"}) {
        prove(odd(0));
        run(flags, odd(0));
        EXPECT_EQ(entry_of(odd(0))->state, AYA_FLOW_CLOSING);
        run("A", odd(0));
        EXPECT_EQ(entry_of(odd(0))->state, AYA_FLOW_CLOSING) << "who closed his half acknowledges, too";
        run("PA", odd(0));
        EXPECT_EQ(entry_of(odd(0))->state, AYA_FLOW_ESTABLISHED);
    }
}

TEST_F(Rules, ASynAfterACloseIsScheduledAsClientsReuseTheirPorts)
{
    for (const char *flags : {"FA", "R"}) {
        use_tables_of(a, a);
        run("FA", odd(0));
        run("S", odd(0));
        prove(odd(0));
        ASSERT_EQ(entry_of(odd(0))->backend, a);
        run(flags, odd(0));
        use_tables_of(a, b);
        EXPECT_EQ(run("S", odd(0)).backend, b);
        EXPECT_EQ(run("A", odd(0)).backend, b);
    }
}

TEST_F(Rules, ASynAfterALongSilenceIsScheduled)
{
    prove(odd(0));
    use_tables_of(a, b);
    wait(tables.service(web).idle_timeout[AYA_FLOW_ESTABLISHED]);
    EXPECT_EQ(run("S", odd(0)).backend, b);
}

TEST_F(Rules, AHalfClosedConnectionIsRememberedAsLongAsAnOpenOne)
{
    prove(odd(0));
    run("FA", odd(0));
    use_tables_of(a, b);
    use_tables_of(b, c);
    wait(tables.service(web).idle_timeout[AYA_FLOW_ESTABLISHED] - 1);
    for (u32 i = 1; i < 50; i++)
        run("S", odd(i));
    EXPECT_EQ(run("A", odd(0)).backend, a);
}

TEST_F(Rules, AnExpiredEntryThatIsStillThereIsABetterGuessThanTheHash)
{
    prove(odd(0));
    use_tables_of(a, b);
    use_tables_of(b, c);
    wait(tables.service(web).idle_timeout[AYA_FLOW_ESTABLISHED] + 100);
    EXPECT_EQ(run("A", odd(0)).backend, a);
}

TEST_F(Rules, ADrainingBackendLosesDatagramFlowsThatWereSilent)
{
    datagram(odd(0));
    datagram(odd(0));
    use_tables_of(b, b);
    wait(tables.service(web).idle_timeout[AYA_FLOW_DATAGRAM] + 1);
    EXPECT_EQ(datagram(odd(0)).backend, a) << "up, so why move";
    tables.backend(a).state = AYA_BACKEND_DRAINING;
    EXPECT_EQ(datagram(odd(0)).backend, a);
    wait(tables.service(web).idle_timeout[AYA_FLOW_DATAGRAM] + 1);
    EXPECT_EQ(datagram(odd(0)).backend, b);
}

TEST_F(Rules, AStatelessServiceHasNoPreviousTable)
{
    tables.service(web).flags |= AYA_SERVICE_STATELESS;
    use_tables_of(a, b);
    EXPECT_EQ(run("S", odd(0)).backend, b);
    EXPECT_EQ(run("A", odd(0)).backend, b) << "the same for all packets of a connection";
}

TEST_F(Rules, NothingOfAnotherServiceIsFollowedOrPicked)
{
    open(even(0));
    const u16 other = tables.add_service({"203.0.113.11:443/tcp"});
    tables.backend(a).service = other;
    EXPECT_EQ(run("A", even(0)).reason, AYA_REASON_NO_BACKEND) << "neither the entry's nor the slot's";
    use_tables_of(b, b);
    EXPECT_EQ(run("A", even(0)).backend, b);
}

TEST_F(Rules, UnderSourceAffinityTheTablesAnswerForNoEntry)
{
    tables.service(web).flags |= AYA_SERVICE_AFFINITY_SOURCE;
    for (u32 i = 0; i < 4; i++)
        open(even(i));
    wait(AYA_FLOW_GRACE);
    EXPECT_TRUE(run("S", even(4)).notes & AYA_NOTE_NOT_REMEMBERED);
    tables.service(web).flags &= ~u32{AYA_SERVICE_AFFINITY_SOURCE};
    EXPECT_TRUE(run("S", even(4)).notes & AYA_NOTE_EVICTED) << "without affinity, its tag tells";
}

TEST_F(Rules, FragmentsTakeNoProvenConnectionsPlace)
{
    for (u32 i = 0; i < 4; i++)
        prove(even(i));
    wait(100);
    for (u32 id = 0; id < 100; id++)
        path.run(Packet().ipv4(kClient, kVip).fragment(id, 0, true).udp(5000, 443).payload(64).build());
    for (u32 i = 0; i < 4; i++)
        EXPECT_NE(entry_of(even(i)), nullptr);
}

// Random packets of few flows, beside the model: small tables that change, backends that come and go, time
// that wraps.
class RulesModel : public testing::TestWithParam<u32>
{
protected:
    static constexpr u32 kSets = 2, kServices = 4, kBackends = 4;

    RulesModel()
    {
        for (u32 s = 0; s < kServices; s++) {
            tables.add_service({});
            for (u32 i = 0; i < kBackends; i++)
                backends_.push_back(tables.add_backend(static_cast<u16>(s)));
        }
        for (u16 s = 0; s < kServices; s++)
            change_table(s);
        tables.service(1).flags |= AYA_SERVICE_IN_TURN;
        tables.service(2).flags |= AYA_SERVICE_RANDOM;
        view_.own = own_.data();
        view_.own_count = kServices;
        tables.service(3).flags |= AYA_SERVICE_LEAST_FLOWS;
        view_.loads = loads_.data();
        view_.load_count = static_cast<u32>(loads_.size());
    }

    u32 backend_of(u32 service) { return backends_[service * kBackends + random_() % kBackends]; }

    void change_table(u16 service)
    {
        std::vector<u32> slots(16);
        for (u32 &slot : slots)
            slot = backend_of(service);
        tables.set_lookup(service, slots);
    }

    void change_something()
    {
        const u16 service = static_cast<u16>(random_() % kServices);
        aya_backend &backend = tables.backend(backend_of(service));
        switch (random_() % 5) {
        case 0:
            if (++changes_ < 8000) // the arena of the tables is finite
                change_table(service);
            break;
        case 1:
            tables.service(service).previous_size = 0;
            break;
        case 2:
            tables.take_down(backend_of(service));
            break;
        case 3:
            backend.state = AYA_BACKEND_DRAINING;
            break;
        default:
            backend.state = AYA_BACKEND_UP;
        }
    }

    NaiveFlows::Packet random_packet()
    {
        static const std::vector<std::string> flags{"S", "S", "A", "A", "PA", "FA", "R"};
        const u64 flow = random_() % 12;
        const bool tcp = flow % 4 != 0; // the protocol is part of a flow's hash
        return {.hash = (flow * 0x15555555u) << 32 | random_() % kSets,
                .service = static_cast<u16>(random_() % kServices),
                .tcp = tcp,
                .flags = tcp ? flags[random_() % flags.size()] : ""};
    }

    NaiveFlows::Decision decide(const NaiveFlows::Packet &wanted)
    {
        aya_packet packet{};
        packet.flow.protocol = wanted.tcp ? AYA_PROTO_TCP : AYA_PROTO_UDP;
        packet.ttl = 64;
        for (const auto &[letter, bit] : {std::pair{'S', AYA_TCP_SYN},
                                          {'A', AYA_TCP_ACK},
                                          {'P', AYA_TCP_PSH},
                                          {'F', AYA_TCP_FIN},
                                          {'R', AYA_TCP_RST}})
            packet.tcp_flags = static_cast<u8>(packet.tcp_flags | (wanted.has(letter) ? bit : 0));
        aya_flow_set *set = &sets_[aya_flow_set_index(wanted.hash, kSets - 1)];
        aya_verdict verdict;
        aya_choose(&view_, &packet, wanted.service, wanted.hash, set, nullptr, static_cast<u16>(now_),
                   &verdict);
        const auto noted = [&](u32 note) { return (verdict.notes & note) != 0; };
        return {.backend = verdict.backend ? std::optional(verdict.backend_id) : std::nullopt,
                .is_new = noted(AYA_NOTE_NEW),
                .evicted = noted(AYA_NOTE_EVICTED),
                .not_remembered = noted(AYA_NOTE_NOT_REMEMBERED),
                .previous = noted(AYA_NOTE_PREVIOUS),
                .rescheduled = noted(AYA_NOTE_RESCHEDULED)};
    }

    std::mt19937_64 random_{GetParam()};
    Tables tables;
    std::vector<u32> backends_;
    std::vector<aya_flow_set> sets_ = std::vector<aya_flow_set>(kSets);
    std::array<aya_service_counters, kServices> own_{};
    std::array<aya_backend_load, Tables::kBackends> loads_{};
    aya_view view_ = *tables.view();
    u64 now_ = 65000; // so that the clock wraps soon
    int changes_ = 0;
};

TEST_P(RulesModel, IsWhatTheRulesDo)
{
    NaiveFlows model(kSets, tables.services(), tables.backends(), tables.lookup());
    for (int step = 0; step < 100000; step++) {
        const u64 dice = random_() % 100;
        if (dice < 70) {
            const NaiveFlows::Packet packet = random_packet();
            const NaiveFlows::Decision expected = model.decide(packet, now_);
            const NaiveFlows::Decision got = decide(packet);
            ASSERT_EQ(got, expected) << "step " << step << ", flags " << packet.flags << ", backend "
                                     << got.backend.value_or(0) << " instead of "
                                     << expected.backend.value_or(0);
        } else if (dice < 95) {
            now_ += random_() % 3;
        } else if (dice < 99) {
            change_something();
        } else {
            now_ += random_() % 4 ? random_() % 400 : random_() % 9000;
        }
        if (dice == 99) {
            u32 live = 0;
            for (aya_flow_set &set : sets_)
                live += aya_sweep_counted(loads_.data(), static_cast<u32>(loads_.size()), &set,
                                          static_cast<u16>(now_));
            ASSERT_EQ(live, model.sweep(now_));
        }
        for (u32 id : backends_)
            ASSERT_EQ(aya_flows_of(&view_, id, &tables.backend(id)), model.flows_of(id))
                << "step " << step << ", backend " << id;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RulesModel, testing::Range(1u, 9u));

} // namespace
} // namespace aya::test::flow_rules_test
