// SPDX-License-Identifier: BSD-2-Clause
#include "health/tracker.hpp"

#include <algorithm>

namespace aya::health
{

namespace
{

// A failure is checked again after this part of the interval, and a backend that waits for its first probe is
// probed within it.
constexpr int kHurryDivisor = 5;
constexpr int kSilentIntervals = 3;
constexpr Milliseconds kSilentAtLeast{2000}; // short intervals would have every hiccup reported

} // namespace

Tracker::Tracker(const Rule &rule, Health initial, TimePoint now)
    : rule_(rule), since_(now), heard_(now), probing_since_(now), health_(initial), before_(initial)
{
}

bool Tracker::record(const Finding &finding, TimePoint now)
{
    last_ = finding;
    if (finding.outcome == Outcome::local_error)
        return false;
    heard_ = now;

    const bool good = finding.outcome == Outcome::ok;
    streak_ = good == good_ ? streak_ + 1 : 1;
    good_ = good;
    (good ? successes_ : failures_)++;

    const Health next = good ? Health::up : Health::down;
    if (health_ == next || streak_ < (good ? needed_successes() : needed_failures()))
        return false;
    enter(next, now);
    return true;
}

unsigned Tracker::needed_successes() const
{
    if (health_ == Health::unknown)
        return 1;
    const bool first_decides = health_ == Health::waiting && rule_.init != InitState::fully_down;
    return first_decides && failures_ == 0 ? 1 : rule_.rise;
}

unsigned Tracker::needed_failures() const
{
    return health_ == Health::unknown && rule_.init == InitState::up ? 1 : rule_.fall;
}

Milliseconds Tracker::interval() const
{
    const bool falling = !good_ && health_ != Health::down;
    const bool rising = good_ && streak_ > 0 && health_ != Health::up;
    if (rising)
        return rule_.fast_interval.value_or(rule_.interval);
    if (falling)
        return rule_.fast_interval.value_or(rule_.interval / kHurryDivisor);
    return health_ == Health::down ? rule_.down_interval.value_or(rule_.interval) : rule_.interval;
}

Milliseconds Tracker::next_delay(double dice) const
{
    const double jitter = rule_.jitter / 100.0;
    const double factor = 1.0 - jitter + 2 * jitter * dice;
    const auto delay = static_cast<std::int64_t>(static_cast<double>(interval().count()) * factor);
    return Milliseconds{std::max<std::int64_t>(1, delay)};
}

Milliseconds Tracker::first_delay(double dice) const
{
    const auto within =
        health_ == Health::waiting ? rule_.interval / kHurryDivisor : std::min(rule_.interval, interval());
    return Milliseconds{static_cast<std::int64_t>(static_cast<double>(within.count()) * dice)};
}

bool Tracker::silent(TimePoint now) const
{
    return now - std::max(heard_, probing_since_) >
           std::max(kSilentIntervals * interval() + rule_.timeout, kSilentAtLeast);
}

void Tracker::enter(Health health, TimePoint now)
{
    before_ = health_;
    health_ = health;
    since_ = now;
}

} // namespace aya::health
