// SPDX-License-Identifier: BSD-2-Clause
#include "health/doubt.hpp"
#include "health/lag.hpp"

#include <gtest/gtest.h>

namespace aya::health::lag_test
{
namespace
{

using namespace std::chrono_literals;

const TimePoint kStart{1h};

TEST(Lag, IsTheLongestOfTheLastTenToTwentySeconds)
{
    Lag lag;
    EXPECT_EQ(lag.longest(kStart), 0s);
    lag.started(3ms, 1000ms, kStart);
    lag.started(40ms, 1000ms, kStart + 1s);
    lag.started(2ms, 1000ms, kStart + 9s);
    EXPECT_EQ(lag.longest(kStart + 9s), 40ms);
    lag.started(5ms, 1000ms, kStart + 11s);
    EXPECT_EQ(lag.longest(kStart + 11s), 40ms);
    lag.started(2ms, 1000ms, kStart + 22s);
    EXPECT_EQ(lag.longest(kStart + 22s), 5ms) << "forgotten";
    EXPECT_EQ(lag.longest(kStart + 60s), 0s) << "nothing started since";
}

TEST(Lag, IsBehindWhereAProbeIsLaterThanHalfItsInterval)
{
    Lag lag;
    lag.started(499ms, 1000ms, kStart);
    EXPECT_FALSE(lag.behind(kStart));
    lag.started(99ms, 100ms, kStart);
    EXPECT_FALSE(lag.behind(kStart)) << "too little to matter";
    lag.started(101ms, 100ms, kStart + 1s);
    EXPECT_TRUE(lag.behind(kStart + 1s));
    EXPECT_TRUE(lag.behind(kStart + 10s));
    for (int second = 2; second < 25; second++)
        lag.started(0ms, 100ms, kStart + std::chrono::seconds(second));
    EXPECT_FALSE(lag.behind(kStart + 25s));
}

TEST(Doubt, LastsWhileTheWayIsBrokenAndAMomentAfter)
{
    Doubt doubt;
    EXPECT_FALSE(doubt.doubts(1, false, kStart, kStart));
    EXPECT_TRUE(doubt.doubts(1, true, kStart, kStart));
    EXPECT_FALSE(doubt.doubts(2, false, kStart, kStart)) << "another way";
    EXPECT_TRUE(doubt.doubts(1, false, kStart + 2s, kStart + 4s)) << "it began when nothing could come of it";
    EXPECT_FALSE(doubt.doubts(1, false, kStart + 3s, kStart + 4s));
}

} // namespace
} // namespace aya::health::lag_test
