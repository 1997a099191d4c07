// SPDX-License-Identifier: BSD-2-Clause
#include "reconcile/slow_starts.hpp"

#include <gtest/gtest.h>

namespace aya::test
{
namespace
{

using namespace std::chrono_literals;

struct Slow : ::testing::Test {
    // Percent of the weight after so long.
    unsigned after(SlowStarts::Clock::duration time)
    {
        starts.advance(begun + time);
        return (starts.part("web", "one") * 100 + kWholeWeight / 2) / kWholeWeight;
    }

    SlowStarts starts;
    const SlowStarts::Clock::time_point begun = SlowStarts::Clock::now();
};

TEST_F(Slow, ALinearStartRisesFromItsFloor)
{
    EXPECT_EQ(after(0s), 100u) << "which has not begun";
    starts.begin("web", "one", {.window = 100s}, begun);
    EXPECT_EQ(after(0s), 10u);
    EXPECT_EQ(after(9s), 10u);
    EXPECT_EQ(after(25s), 25u);
    EXPECT_EQ(after(50s), 50u);
    EXPECT_EQ(after(99s), 95u) << "in steps of a twentieth";
    EXPECT_EQ(after(100s), 100u);
    EXPECT_TRUE(starts.empty());
}

// Envoy: (time / window)^(1 / aggression).
TEST_F(Slow, AnAggressiveStartIsFasterAtFirst)
{
    starts.begin("web", "one", {.window = 100s, .aggression = 2, .min_weight = 0}, begun);
    EXPECT_EQ(after(0s), 10u) << "the root of one second in a hundred";
    EXPECT_EQ(after(25s), 50u);
    EXPECT_EQ(after(81s), 89u) << "of 80 s";
}

TEST_F(Slow, TellsWhoGotOn)
{
    starts.begin("web", "one", {.window = 100s}, begun);
    EXPECT_TRUE(starts.advance(begun + 4s).empty());
    EXPECT_EQ(starts.advance(begun + 20s), std::vector<std::string>{"web"});
    starts.begin("web", "one", {.window = 100s}, begun + 50s);
    EXPECT_EQ(after(60s), 10u) << "it was down again, and begins again";
    starts.keep([](const std::string &, const std::string &backend) { return backend != "one"; });
    EXPECT_EQ(after(61s), 100u);
}

} // namespace
} // namespace aya::test
