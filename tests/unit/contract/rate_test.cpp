// SPDX-License-Identifier: BSD-2-Clause
//
// Buckets held against a plain token bucket, and what sources that share buckets do to each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "aya/rate.h"

namespace aya::test::rate_test
{
namespace
{

constexpr u64 kSecond = 1000000000;

// A bucket of one second's tokens, filled at their rate. Counted in parts of a token: a sixteenth of a
// nanosecond brings one, and `cost` parts are a token.
class NaiveBucket
{
public:
    explicit NaiveBucket(u64 cost) : cost_(cost) {}

    bool take(u64 now_ns)
    {
        parts_ = std::min<u64>(AYA_RATE_SECOND, parts_ + (now_ns - seen_ns_) * 16);
        seen_ns_ = now_ns;
        if (parts_ < cost_)
            return false;
        parts_ -= cost_;
        return true;
    }

private:
    u64 cost_;
    u64 parts_ = AYA_RATE_SECOND;
    u64 seen_ns_ = 0;
};

TEST(Rate, IsThatOfATokenBucket)
{
    std::mt19937_64 random(7);
    for (u32 per_second : {1u, 2u, 7u, 1000u, 65537u, 1000000u, u32{AYA_RATE_MOST}}) {
        const u64 cost = aya_rate_cost(per_second);
        NaiveBucket naive(cost);
        u64 bucket = 0, now = 5 * kSecond;
        for (int i = 0; i < 20000; i++) {
            now += random() % (i % 3000 == 0 ? 3 * kSecond : std::max<u64>(2, kSecond / per_second));
            ASSERT_EQ(aya_take_from(&bucket, now, cost) != 0, naive.take(now)) << per_second << ", " << i;
        }
    }
}

TEST(Rate, LetsASecondsWorthPassAtOnceAndThenItsRate)
{
    for (u32 per_second : {1u, 10u, 1000u, 12345u}) {
        const u64 cost = aya_rate_cost(per_second);
        u64 bucket = 0, passed = 0;
        for (u32 i = 0; i < 3 * per_second; i++)
            passed += aya_take_from(&bucket, kSecond, cost);
        EXPECT_EQ(passed, per_second);
        passed = 0;
        for (u64 step = 1; step <= 1000; step++)
            for (u32 i = 0; i < per_second / 100 + 1; i++)
                passed += aya_take_from(&bucket, kSecond + step * kSecond / 100, cost);
        EXPECT_NEAR(static_cast<double>(passed), 10.0 * per_second, 1) << "in the ten seconds after";
    }
}

TEST(Rate, OfTheLargestIsStillRight)
{
    EXPECT_EQ(AYA_RATE_SECOND / aya_rate_cost(AYA_RATE_MOST), u64{AYA_RATE_MOST});
    const u64 passing = AYA_RATE_SECOND / aya_rate_cost(AYA_RATE_MOST - 1);
    EXPECT_NEAR(static_cast<double>(passing), AYA_RATE_MOST, 1e6);
}

TEST(Rate, WithoutALimitEverythingPasses)
{
    u64 bucket = ~u64{0};
    EXPECT_TRUE(aya_take_from(&bucket, 1, 0));
    EXPECT_TRUE(aya_take_from(nullptr, 1, 5));
    EXPECT_TRUE(aya_take_from_either(nullptr, nullptr, 1, 5));
}

TEST(Rate, IsSharedByWorkers)
{
    u64 bucket = 0;
    std::atomic<u64> passed{0};
    std::vector<std::thread> workers;
    for (int i = 0; i < 4; i++)
        workers.emplace_back([&] {
            u64 own = 0;
            for (int packet = 0; packet < 20000; packet++)
                own += aya_take_from(&bucket, kSecond, aya_rate_cost(10000));
            passed += own;
        });
    for (std::thread &worker : workers)
        worker.join();
    EXPECT_GE(passed, 10000u);
    EXPECT_LE(passed, 10000u + 8u) << "few tokens are taken by two";
}

TEST(SourceRate, OfOneThatSharesNothingIsExact)
{
    const u64 cost = aya_rate_cost(10);
    u64 one = 0, other = 0, alone = 0;
    for (u64 now = kSecond; now < 20 * kSecond; now += 7'000'000)
        ASSERT_EQ(aya_take_from_either(&one, &other, now, cost), aya_take_from(&alone, now, cost));
}

TEST(SourceRate, SuffersFromOthersOnlyIfTheyUseUpBothBuckets)
{
    const u64 cost = aya_rate_cost(10);
    u64 shared = 0, own = 0, heavy_own = 0;
    for (int i = 0; i < 100; i++)
        aya_take_from_either(&shared, &heavy_own, kSecond, cost);
    EXPECT_FALSE(aya_take_from_either(&shared, &heavy_own, kSecond, cost));
    for (int i = 0; i < 10; i++)
        EXPECT_TRUE(aya_take_from_either(&shared, &own, kSecond, cost)) << i;
    EXPECT_FALSE(aya_take_from_either(&shared, &own, kSecond, cost));
    EXPECT_FALSE(aya_take_from_either(&shared, &heavy_own, kSecond, cost)) << "both used up by others";
}

TEST(SourceRate, IsAtMostTwiceTheLimitWhateverOthersDo)
{
    std::mt19937_64 random(3);
    const u64 cost = aya_rate_cost(10);
    u64 one = 0, other = 0, others_second = 0, passed = 0;
    for (u64 now = kSecond; now < 100 * kSecond; now += 5'000'000) {
        if (random() % 4 == 0)
            aya_take_from_either(random() % 2 ? &one : &other, &others_second, now, cost);
        passed += aya_take_from_either(&one, &other, now, cost);
    }
    EXPECT_GE(passed, 99u * 10 / 2);
    EXPECT_LE(passed, 2u * 100 * 10 + 20);
}

} // namespace
} // namespace aya::test::rate_test
