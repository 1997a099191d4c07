// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include "aya/flow_table.h"

namespace aya::test::flow_table_test
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

    // Only a live one.
    aya_flow_entry *find(u32 tag, u16 now, u16 service = kService)
    {
        aya_flow_entry *entry = aya_flow_locate(&set, flow(tag), service);
        return entry && aya_flow_remaining(entry, now) > 0 ? entry : nullptr;
    }

    void insert(u32 tag, u8 state, u16 now, u16 idle)
    {
        aya_flow_entry *entry = aya_flow_free_way(&set);
        ASSERT_NE(entry, nullptr);
        aya_flow_write(entry, flow(tag), kService, 100 + tag, 1, state, static_cast<u16>(now + idle));
    }
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
    EXPECT_EQ(aya_flow_locate(&table.set, 0, 0), nullptr) << "all zero is free, not flow 0 of service 0";
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

TEST(FlowTable, GivesOutEveryFreeWayOnce)
{
    SetOfFour table;
    for (u32 tag = 0; tag < 4; tag++)
        table.insert(tag, AYA_FLOW_ESTABLISHED, 0, 900);
    EXPECT_EQ(aya_flow_free_way(&table.set), nullptr);
    for (u32 tag = 0; tag < 4; tag++)
        EXPECT_NE(table.find(tag, 1), nullptr);
    table.find(2, 1)->state = AYA_FLOW_FREE;
    EXPECT_EQ(aya_flow_free_way(&table.set), &table.set.way[2]);
}

TEST(FlowTable, SweepCountsTheLiveAndFreesWhatExpiredLongAgo)
{
    SetOfFour table;
    table.insert(1, AYA_FLOW_ESTABLISHED, 0, 10);
    table.insert(2, AYA_FLOW_EMBRYONIC, 0, 20);
    table.insert(3, AYA_FLOW_CLOSING, 0, 30);
    EXPECT_EQ(aya_flow_sweep(&table.set, 5), 3u);
    EXPECT_EQ(aya_flow_sweep(&table.set, 20), 1u);
    EXPECT_NE(aya_flow_locate(&table.set, flow(1), kService), nullptr) << "expired, and a good guess still";
    EXPECT_EQ(aya_flow_sweep(&table.set, 20 + AYA_FLOW_KEEP), 0u);
    EXPECT_EQ(aya_flow_locate(&table.set, flow(1), kService), nullptr);
    EXPECT_EQ(aya_flow_locate(&table.set, flow(2), kService), nullptr);
    EXPECT_NE(aya_flow_locate(&table.set, flow(3), kService), nullptr);
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

} // namespace
} // namespace aya::test::flow_table_test
