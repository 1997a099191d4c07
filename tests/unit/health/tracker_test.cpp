// SPDX-License-Identifier: BSD-2-Clause
#include "health/tracker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace aya::health::tracker_test
{
namespace
{

using namespace std::chrono_literals;

const TimePoint kStart{};

struct Tracked {
    explicit Tracked(Rule rule = {}, Health initial = Health::unknown) : tracker(rule, initial, kStart) {}

    // One letter a probe: g(ood), b(ad), x (not sent). Answers the health after the last one.
    Health after(std::string_view results)
    {
        for (const char result : results) {
            now += 1s;
            tracker.record(result == 'g'   ? Outcome::ok
                           : result == 'b' ? Outcome::refused
                                           : Outcome::local_error,
                           now);
        }
        return tracker.health();
    }

    Tracker tracker;
    TimePoint now = kStart;
};

TEST(Tracker, TheFirstGoodResultTakesAnUnknownBackendUp)
{
    EXPECT_EQ(Tracked().after(""), Health::unknown);
    EXPECT_EQ(Tracked().after("g"), Health::up);
    EXPECT_EQ(Tracked().after("bbg"), Health::up);
}

TEST(Tracker, FallBadResultsInARowTakeItDown)
{
    EXPECT_EQ(Tracked({.fall = 3}).after("gbb"), Health::up);
    EXPECT_EQ(Tracked({.fall = 3}).after("gbbgbb"), Health::up);
    EXPECT_EQ(Tracked({.fall = 3}).after("gbbb"), Health::down);
    EXPECT_EQ(Tracked({.fall = 3}).after("bb"), Health::unknown);
    EXPECT_EQ(Tracked({.fall = 3}).after("bbb"), Health::down);
    EXPECT_EQ(Tracked({.fall = 1}).after("gb"), Health::down);
}

TEST(Tracker, RiseGoodResultsInARowBringItBack)
{
    EXPECT_EQ(Tracked({.rise = 2, .fall = 1}).after("bg"), Health::down);
    EXPECT_EQ(Tracked({.rise = 2, .fall = 1}).after("bgbg"), Health::down);
    EXPECT_EQ(Tracked({.rise = 2, .fall = 1}).after("bgg"), Health::up);
}

TEST(Tracker, ARecalledDownBackendMustRise)
{
    EXPECT_EQ(Tracked({.rise = 2}, Health::down).after("g"), Health::down);
    EXPECT_EQ(Tracked({.rise = 2}, Health::down).after("gg"), Health::up);
}

TEST(Tracker, InitStateSaysWhatTheFirstResultsDecide)
{
    const auto begun = [](InitState init, Health initial) {
        return Tracked({.rise = 3, .fall = 3, .init = init}, initial);
    };
    EXPECT_EQ(begun(InitState::fully_up, Health::unknown).after("bb"), Health::unknown);
    EXPECT_EQ(begun(InitState::fully_up, Health::unknown).after("bbb"), Health::down);
    EXPECT_EQ(begun(InitState::up, Health::unknown).after("b"), Health::down);
    EXPECT_EQ(begun(InitState::up, Health::unknown).after("gbb"), Health::up) << "only the first one kills";
    EXPECT_EQ(begun(InitState::up, Health::unknown).after("xx"), Health::unknown) << "not sent: no result";
    EXPECT_EQ(begun(InitState::down, Health::waiting).after("g"), Health::up);
    EXPECT_EQ(begun(InitState::down, Health::waiting).after("bgg"), Health::waiting) << "now it must rise";
    EXPECT_EQ(begun(InitState::down, Health::waiting).after("bggg"), Health::up);
    EXPECT_EQ(begun(InitState::fully_down, Health::waiting).after("gg"), Health::waiting);
    EXPECT_EQ(begun(InitState::fully_down, Health::waiting).after("ggg"), Health::up);
    EXPECT_EQ(begun(InitState::fully_down, Health::waiting).after("bb"), Health::waiting);
    EXPECT_EQ(begun(InitState::fully_down, Health::waiting).after("bbb"), Health::down);
}

TEST(Tracker, WithoutInitStateItIsFullyUpOrDown)
{
    EXPECT_EQ(Tracked({}, Health::waiting).after("g"), Health::up);
    EXPECT_EQ(Tracked({.rise = 2}, Health::waiting).after("bg"), Health::waiting);
    EXPECT_EQ(Tracked({.rise = 2}, Health::waiting).after("bgg"), Health::up);
    EXPECT_EQ(Tracked({.fall = 2}, Health::waiting).after("bb"), Health::down);
}

TEST(Tracker, ABackendThatWaitsIsProbedSoon)
{
    const Rule rule{.interval = 1000ms};
    EXPECT_EQ(Tracked(rule, Health::unknown).tracker.first_delay(0.5), 500ms);
    EXPECT_EQ(Tracked(rule, Health::waiting).tracker.first_delay(0.5), 100ms);
    Tracked falling({.interval = 1000ms, .fall = 3, .fast_interval = 300ms, .down_interval = 5000ms});
    falling.after("gb");
    EXPECT_EQ(falling.tracker.first_delay(0.5), 150ms) << "a changed rule makes it no slower";
    falling.after("bb");
    EXPECT_EQ(falling.tracker.first_delay(0.5), 500ms);
}

TEST(Tracker, AProbeThatWasNotSentSaysNothing)
{
    EXPECT_EQ(Tracked({.fall = 2}).after("gxxxx"), Health::up);
    EXPECT_EQ(Tracked({.fall = 2}).after("gbxb"), Health::down) << "the row is not broken";
    Tracked tracked;
    tracked.after("gx");
    EXPECT_EQ(tracked.tracker.last().outcome, Outcome::local_error);
    EXPECT_EQ(tracked.tracker.successes(), 1u);
    EXPECT_EQ(tracked.tracker.failures(), 0u);
}

TEST(Tracker, RememberSinceWhenTheHealthIsWhatItIs)
{
    Tracked tracked({.rise = 2, .fall = 2});
    tracked.after("ggbb"); // down with the fourth
    tracked.after("bbb");
    EXPECT_EQ(tracked.tracker.since(), kStart + 4s);
}

TEST(Tracker, AnUndecidedFailureIsCheckedAgainSoon)
{
    const Rule rule{.interval = 1000ms, .fall = 3};
    Tracked tracked(rule);
    tracked.after("g");
    EXPECT_EQ(tracked.tracker.next_delay(0.5), 1000ms);
    tracked.after("b");
    EXPECT_EQ(tracked.tracker.next_delay(0.5), 200ms);
    tracked.after("b");
    EXPECT_EQ(tracked.tracker.next_delay(0.5), 200ms);
    tracked.after("b");
    EXPECT_EQ(tracked.tracker.next_delay(0.5), 1000ms) << "decided: down";
    tracked.after("g");
    EXPECT_EQ(tracked.tracker.next_delay(0.5), 1000ms) << "nothing is gained by haste on the way up";
}

TEST(Tracker, TheFastIntervalIsThatBetweenUpAndDown)
{
    Tracked tracked(
        {.interval = 1000ms, .rise = 2, .fall = 2, .fast_interval = 300ms, .down_interval = 5000ms});
    const auto delay_after = [&](std::string_view results) {
        tracked.after(results);
        return tracked.tracker.next_delay(0.5);
    };
    EXPECT_EQ(delay_after("g"), 1000ms) << "up";
    EXPECT_EQ(delay_after("b"), 300ms) << "going down";
    EXPECT_EQ(delay_after("b"), 5000ms) << "down";
    EXPECT_EQ(delay_after("g"), 300ms) << "going up";
    EXPECT_EQ(delay_after("b"), 5000ms);
    EXPECT_EQ(delay_after("gg"), 1000ms);
}

TEST(Tracker, IsSilentAfterThreeIntervalsWithoutAResult)
{
    Tracked tracked({.interval = 1000ms, .timeout = 500ms, .rise = 2, .fall = 1, .down_interval = 5000ms});
    EXPECT_FALSE(tracked.tracker.silent(kStart + 3500ms));
    EXPECT_TRUE(tracked.tracker.silent(kStart + 3501ms)) << "before the first one, too";
    tracked.after("g");
    EXPECT_FALSE(tracked.tracker.silent(kStart + 4500ms));
    tracked.after("xxx");
    EXPECT_EQ(tracked.tracker.heard(), kStart + 1s) << "a probe that was not sent is no result";
    EXPECT_TRUE(tracked.tracker.silent(kStart + 4501ms));
    tracked.tracker.doubted(kStart + 4s);
    EXPECT_FALSE(tracked.tracker.silent(kStart + 4501ms)) << "one that is not believed is";
    tracked.after("b");
    EXPECT_FALSE(tracked.tracker.silent(tracked.now + 15500ms)) << "of the interval in force";
}

TEST(Tracker, JitterStaysWithinTenPercentAndFillsIt)
{
    std::mt19937 random(7);
    std::uniform_real_distribution<double> dice;
    for (const auto interval : {10ms, 500ms, 1000ms, 3600000ms}) {
        Tracked tracked(Rule{.interval = interval});
        tracked.after("g");
        Milliseconds least = Milliseconds::max();
        Milliseconds most{};
        for (int i = 0; i < 10000; i++) {
            const auto delay = tracked.tracker.next_delay(dice(random));
            least = std::min(least, delay);
            most = std::max(most, delay);
            const auto first =
                Tracker(Rule{.interval = interval}, Health::unknown, kStart).first_delay(dice(random));
            ASSERT_GE(first, 0ms);
            ASSERT_LT(first, interval);
        }
        EXPECT_GE(least, interval * 9 / 10);
        EXPECT_LE(most, interval * 11 / 10);
        EXPECT_LE(least, interval * 92 / 100 + 1ms);
        EXPECT_GE(most + 1ms, interval * 108 / 100);
    }
}

TEST(Tracker, ADelayIsNeverZero)
{
    Tracked tracked(Rule{.interval = 1ms});
    tracked.after("gb");
    EXPECT_GE(tracked.tracker.next_delay(0.0), 1ms);
}

// Keeps every result and looks at all of them each time.
class NaiveHealth
{
public:
    NaiveHealth(const Rule &rule, Health initial) : rule_(rule), health_(initial) {}

    void record(Outcome outcome)
    {
        if (outcome == Outcome::local_error)
            return;
        results_.push_back(outcome == Outcome::ok);
        if (health_ != Health::up && last_are(true, successes_needed()))
            health_ = Health::up;
        else if (health_ != Health::down && last_are(false, failures_needed()))
            health_ = Health::down;
    }

    void set_rule(const Rule &rule) { rule_ = rule; }
    Health health() const { return health_; }

private:
    std::size_t successes_needed() const
    {
        const bool never_failed = std::count(results_.begin(), results_.end(), false) == 0;
        const bool fully_down = rule_.init == InitState::fully_down;
        if (health_ == Health::unknown || (health_ == Health::waiting && never_failed && !fully_down))
            return 1;
        return rule_.rise;
    }

    std::size_t failures_needed() const
    {
        return health_ == Health::unknown && rule_.init == InitState::up ? 1 : rule_.fall;
    }

    bool last_are(bool wanted, std::size_t count) const
    {
        if (results_.size() < count)
            return false;
        for (std::size_t i = results_.size() - count; i < results_.size(); i++)
            if (results_[i] != wanted)
                return false;
        return true;
    }

    Rule rule_;
    Health health_;
    std::vector<bool> results_;
};

TEST(Tracker, AgreesWithANaiveModel)
{
    std::mt19937 random(42);
    const auto roll = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    for (int round = 0; round < 300; round++) {
        Rule rule{.rise = 1 + roll(4), .fall = 1 + roll(4)};
        const Health initial =
            std::array{Health::down, Health::waiting, Health::unknown, Health::up}[roll(4)];
        if (roll(2))
            rule.init = static_cast<InitState>(roll(4));
        Tracker tracker(rule, initial, kStart);
        NaiveHealth model(rule, initial);
        const unsigned bias = 1 + roll(9);
        for (int step = 0; step < 200; step++) {
            const unsigned face = roll(10);
            const Outcome outcome = face < bias ? Outcome::ok
                                    : face == 9 ? Outcome::local_error
                                    : face % 2  ? Outcome::refused
                                                : Outcome::timeout;
            if (roll(50) == 0) {
                rule.rise = 1 + roll(4);
                rule.fall = 1 + roll(4);
                tracker.set_rule(rule);
                model.set_rule(rule);
            }
            const Health before = tracker.health();
            const bool changed = tracker.record(outcome, kStart + std::chrono::seconds(step));
            model.record(outcome);
            ASSERT_EQ(tracker.health(), model.health()) << "round " << round << " step " << step;
            ASSERT_EQ(changed, before != tracker.health());
        }
    }
}

} // namespace
} // namespace aya::health::tracker_test
