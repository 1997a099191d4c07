// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include <random>

#include "aya/flow_table.h"
#include "naive_models.hpp"

namespace aya::test
{
namespace
{

constexpr u16 kService = 3;

u64 flow(u32 tag, u32 set = 0)
{
    return (static_cast<u64>(tag) << 32) | set;
}

struct SetOfFour {
    aya_flow_set set{};

    aya_flow_entry *find(u32 tag, u16 now, u16 service = kService)
    {
        return aya_flow_find(&set, flow(tag), service, now);
    }

    aya_flow_entry *insert(u32 tag, u8 state, u16 now, u16 idle, bool may_evict_established = true)
    {
        aya_flow_entry *entry =
            aya_flow_place(&set, flow(tag), kService, now, may_evict_established, &evicted);
        if (entry)
            aya_flow_write(entry, flow(tag), kService, 100 + tag, 1, state, static_cast<u16>(now + idle));
        return entry;
    }

    int evicted = 0;
};

TEST(FlowTable, FindsWhatWasWritten)
{
    SetOfFour table;
    EXPECT_EQ(table.find(7, 0), nullptr);
    table.insert(7, AYA_FLOW_ESTABLISHED, 0, 10);
    ASSERT_NE(table.find(7, 0), nullptr);
    EXPECT_EQ(table.find(7, 0)->backend, 107u);
    EXPECT_EQ(table.find(8, 0), nullptr);
}

TEST(FlowTable, NeverMatchesAFlowOfAnotherService)
{
    SetOfFour table;
    table.insert(7, AYA_FLOW_ESTABLISHED, 0, 10);
    EXPECT_EQ(table.find(7, 0, kService + 1), nullptr);
    EXPECT_EQ(table.find(7, 0, AYA_SERVICE_FRAGMENT), nullptr);
}

TEST(FlowTable, AnEmptyWayIsNobodysFlow)
{
    SetOfFour table;
    EXPECT_EQ(aya_flow_find(&table.set, 0, 0, 0), nullptr) << "all zero is free, not flow 0 of service 0";
}

TEST(FlowTable, ForgetsAFlowWhenItsTimeIsOver)
{
    SetOfFour table;
    table.insert(7, AYA_FLOW_ESTABLISHED, 100, 10);
    EXPECT_NE(table.find(7, 109), nullptr);
    EXPECT_EQ(table.find(7, 110), nullptr);
}

TEST(FlowTable, KeepsTimeAcrossTheWrapOfItsClock)
{
    SetOfFour table;
    table.insert(7, AYA_FLOW_ESTABLISHED, 65530, 20);
    EXPECT_NE(table.find(7, 65535), nullptr);
    EXPECT_NE(table.find(7, 0), nullptr);
    EXPECT_NE(table.find(7, 13), nullptr);
    EXPECT_EQ(table.find(7, 14), nullptr);
}

TEST(FlowTable, HoldsTheLongestIdleTime)
{
    for (u32 start : {0u, 20000u, 40000u, 65535u}) {
        SetOfFour table;
        table.insert(7, AYA_FLOW_ESTABLISHED, static_cast<u16>(start), AYA_MAX_IDLE);
        EXPECT_NE(table.find(7, static_cast<u16>(start + AYA_MAX_IDLE - 1)), nullptr);
        EXPECT_EQ(table.find(7, static_cast<u16>(start + AYA_MAX_IDLE)), nullptr);
    }
}

TEST(FlowTable, EvictsExpiredThenEmbryonicThenClosingThenTheLongestUnseen)
{
    SetOfFour table;
    table.insert(1, AYA_FLOW_ESTABLISHED, 0, 800); // seen before 2
    table.insert(2, AYA_FLOW_ESTABLISHED, 0, 900);
    table.insert(3, AYA_FLOW_CLOSING, 0, 950);
    table.insert(4, AYA_FLOW_EMBRYONIC, 0, 1000);
    for (u32 victim : {4u, 3u, 1u, 2u}) {
        ASSERT_NE(table.find(victim, 1), nullptr);
        table.insert(10 + victim, AYA_FLOW_ESTABLISHED, 1, 5000);
        EXPECT_EQ(table.find(victim, 1), nullptr) << "expected " << victim << " to go";
        EXPECT_TRUE(table.evicted);
    }
    EXPECT_NE(table.find(11, 1), nullptr);
    aya_flow_entry *expired = table.find(12, 1);
    expired->expires = 1;
    table.insert(20, AYA_FLOW_EMBRYONIC, 1, 10);
    EXPECT_FALSE(table.evicted) << "an expired flow is no loss";
    EXPECT_EQ(aya_flow_find(&table.set, flow(20), kService, 1), expired);
}

TEST(FlowTable, AFirstPacketEvictsNoEstablishedFlow)
{
    SetOfFour table;
    for (u32 tag = 0; tag < 3; tag++)
        table.insert(tag, AYA_FLOW_ESTABLISHED, 0, 900);
    table.insert(3, AYA_FLOW_DATAGRAM, 0, 60);
    EXPECT_EQ(table.insert(4, AYA_FLOW_EMBRYONIC, 1, 10, false), nullptr);
    for (u32 tag = 0; tag < 4; tag++)
        EXPECT_NE(table.find(tag, 1), nullptr);
}

TEST(FlowTable, AFlowTakesTheWayThatItHasAlready)
{
    SetOfFour table;
    for (u32 tag = 0; tag < 4; tag++)
        table.insert(tag, AYA_FLOW_ESTABLISHED, 0, 900);
    aya_flow_entry *own = table.find(2, 1);
    EXPECT_EQ(table.insert(2, AYA_FLOW_ESTABLISHED, 1, 900, false), own);
    EXPECT_FALSE(table.evicted);
    own->expires = 0; // also when expired: a flow never has two ways
    EXPECT_EQ(table.insert(2, AYA_FLOW_ESTABLISHED, 1, 900, false), own);
}

TEST(FlowTable, SweepFreesWhatExpiredAndCountsTheRest)
{
    SetOfFour table;
    table.insert(1, AYA_FLOW_ESTABLISHED, 0, 10);
    table.insert(2, AYA_FLOW_EMBRYONIC, 0, 20);
    table.insert(3, AYA_FLOW_CLOSING, 0, 30);
    EXPECT_EQ(aya_flow_sweep(&table.set, 5), 3u);
    EXPECT_EQ(aya_flow_sweep(&table.set, 20), 1u);
    EXPECT_EQ(table.find(3, 20)->backend, 103u);
    // What was freed does not come back when the clock has gone round.
    EXPECT_EQ(table.find(1, static_cast<u16>(5 + 65536)), nullptr);
}

TEST(FlowTable, OfManySetsUsesLowHashBitsForTheSetAndHighOnesForTheTag)
{
    EXPECT_EQ(aya_flow_set_index(0x1234567800000fffull, 0xff), 0xffu);
    EXPECT_EQ(aya_flow_tag(0x1234567800000fffull), 0x12345678u);
}

TEST(FlowTable, CountsTicksWithoutDrift)
{
    EXPECT_EQ(aya_tick(0), 0);
    EXPECT_EQ(aya_tick(AYA_TICK_NS - 1), 0);
    EXPECT_EQ(aya_tick(AYA_TICK_NS), 1);
    EXPECT_EQ(aya_tick(AYA_TICK_NS * 65536), 0);
    EXPECT_EQ(aya_tick(AYA_TICK_NS * 65537 + 5), 1);
}

// Random operations on a small table, beside a model whose clock never wraps.
class FlowTableModel : public testing::TestWithParam<u32>
{
protected:
    static constexpr u32 kSets = 2, kFlows = 16, kServices = 2;

    u16 tick() const { return static_cast<u16>(now_); }
    u64 random_flow()
    {
        return flow(static_cast<u32>(random_() % (kFlows / kSets)), static_cast<u32>(random_() % kSets));
    }
    u16 random_service() { return static_cast<u16>(random_() % kServices); }
    aya_flow_set *set_of(u64 hash) { return &table_[aya_flow_set_index(hash, kSets - 1)]; }

    u64 random_idle()
    {
        const u64 choices[] = {1, 5, 10, 60, 900, AYA_MAX_IDLE};
        return choices[random_() % 6];
    }

    void look_up()
    {
        const u64 hash = random_flow();
        const u16 service = random_service();
        aya_flow_entry *entry = aya_flow_find(set_of(hash), hash, service, tick());
        NaiveFlowTable::Entry *expected = model_.find(hash, service, now_);
        ASSERT_EQ(entry != nullptr, expected != nullptr);
        if (!entry)
            return;
        const NaiveFlowTable::Entry seen{entry->tag,         entry->service, entry->backend,
                                         entry->incarnation, entry->state,   expected->expires};
        ASSERT_EQ(seen, *expected);
        ASSERT_EQ(static_cast<u64>(aya_flow_remaining(entry, tick())), expected->expires - now_);
        if (random_() % 2) { // one more packet of this flow
            const u64 expires = now_ + random_idle();
            entry->expires = static_cast<u16>(expires);
            entry->state = random_state();
            expected->expires = expires;
            expected->state = entry->state;
        }
    }

    void insert()
    {
        const u64 hash = random_flow(), expires = now_ + random_idle();
        const u16 service = random_service(), incarnation = static_cast<u16>(random_());
        const u32 backend = static_cast<u32>(random_());
        const u8 state = random_state();
        const bool may_evict = random_() % 2;
        int evicts = 0;
        bool expected_evicts = false;
        aya_flow_entry *entry = aya_flow_place(set_of(hash), hash, service, tick(), may_evict, &evicts);
        const bool expected =
            model_.insert(hash, {static_cast<u32>(hash >> 32), service, backend, incarnation, state, expires},
                          now_, may_evict, expected_evicts);
        ASSERT_EQ(entry != nullptr, expected);
        ASSERT_EQ(evicts != 0, expected_evicts);
        if (entry)
            aya_flow_write(entry, hash, service, backend, incarnation, state, static_cast<u16>(expires));
    }

    void sweep()
    {
        u32 live = 0;
        for (aya_flow_set &set : table_)
            live += aya_flow_sweep(&set, tick());
        model_.sweep(now_);
        ASSERT_EQ(live, model_.live(now_));
        swept_ = now_;
    }

    u8 random_state() { return static_cast<u8>(AYA_FLOW_EMBRYONIC + random_() % 4); }

    std::mt19937_64 random_{GetParam()};
    std::vector<aya_flow_set> table_ = std::vector<aya_flow_set>(kSets);
    NaiveFlowTable model_{kSets};
    u64 now_ = 65000; // so that the clock wraps soon
    u64 swept_ = now_;
};

TEST_P(FlowTableModel, IsWhatTheTableDoes)
{
    for (int step = 0; step < 100000 && !HasFatalFailure(); step++) {
        const u64 dice = random_() % 100;
        if (dice < 45)
            look_up();
        else if (dice < 80)
            insert();
        else if (dice < 98)
            now_ += random_() % 8;
        else
            now_ += random_() % 10000;
        if (dice == 99 || now_ - swept_ > 12000)
            sweep();
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, FlowTableModel, testing::Range(1u, 6u));

} // namespace
} // namespace aya::test
