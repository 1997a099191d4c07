// SPDX-License-Identifier: BSD-2-Clause
#include "publish/arena.hpp"

#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace aya
{
namespace
{

TEST(Arena, GivesWholeLinesFromTheBottom)
{
    Arena arena(160);
    EXPECT_EQ(arena.allocate(17), (Span{0, 17}));
    EXPECT_EQ(arena.allocate(1), (Span{32, 1}));
    EXPECT_EQ(arena.allocate(112), (Span{48, 112}));
    EXPECT_EQ(arena.allocate(1), std::nullopt);
    EXPECT_EQ(arena.free_slots(), 0u);
}

TEST(Arena, JoinsFreeNeighbours)
{
    Arena arena(160);
    const Span a = *arena.allocate(48);
    const Span b = *arena.allocate(48);
    const Span c = *arena.allocate(48);
    arena.release(a);
    arena.release(c);
    EXPECT_EQ(arena.allocate(96), std::nullopt);
    arena.release(b);
    EXPECT_EQ(arena.allocate(160), (Span{0, 160}));
}

TEST(Arena, ReservesOnlyWhatIsFreeAndInside)
{
    Arena arena(160);
    EXPECT_TRUE(arena.reserve({32, 17}));
    EXPECT_FALSE(arena.reserve({32, 17}));
    EXPECT_FALSE(arena.reserve({16, 17}));
    EXPECT_FALSE(arena.reserve({48, 1}));
    EXPECT_FALSE(arena.reserve({8, 1})) << "not on a line";
    EXPECT_FALSE(arena.reserve({0, 0}));
    EXPECT_FALSE(arena.reserve({144, 17}));
    EXPECT_FALSE(arena.reserve({0xfffffff0, 0xffffffff}));
    EXPECT_TRUE(arena.reserve({144, 16}));
    EXPECT_TRUE(arena.reserve({0, 32}));
    EXPECT_EQ(arena.free_slots(), 160u - 32 - 32 - 16);
}

TEST(Arena, NeverGivesOneSlotTwiceAndLosesNone)
{
    std::mt19937 random(1);
    constexpr u32 kSlots = 16 * 256;
    Arena arena(kSlots);
    std::vector<bool> used(kSlots);
    std::vector<Span> spans;
    u64 in_use = 0;
    for (int step = 0; step < 20000; step++) {
        if (random() % 2 == 0 || spans.empty()) {
            const u32 size = 1 + static_cast<u32>(random() % 300);
            const auto span = arena.allocate(size);
            if (!span)
                continue;
            const u32 rounded = (size + 15) / 16 * 16;
            ASSERT_EQ(span->offset % 16, 0u);
            ASSERT_LE(span->offset + rounded, kSlots);
            for (u32 i = 0; i < rounded; i++) {
                ASSERT_FALSE(used[span->offset + i]);
                used[span->offset + i] = true;
            }
            in_use += rounded;
            spans.push_back(*span);
        } else {
            const size_t at = random() % spans.size();
            const u32 rounded = (spans[at].size + 15) / 16 * 16;
            for (u32 i = 0; i < rounded; i++)
                used[spans[at].offset + i] = false;
            in_use -= rounded;
            arena.release(spans[at]);
            spans.erase(spans.begin() + static_cast<long>(at));
        }
        ASSERT_EQ(arena.free_slots(), kSlots - in_use);
    }
    for (Span span : spans)
        arena.release(span);
    EXPECT_EQ(arena.allocate(kSlots), (Span{0, kSlots}));
}

} // namespace
} // namespace aya
