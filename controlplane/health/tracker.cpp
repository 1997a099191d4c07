// SPDX-License-Identifier: BSD-2-Clause
#include "health/tracker.hpp"

#include <algorithm>

namespace aya::health
{

namespace
{

// A failure is checked again after this part of the interval.
constexpr int kRecheckDivisor = 5;
constexpr double kJitter = 0.1;

} // namespace

Tracker::Tracker(const Rule &rule, Health initial, TimePoint now) : rule_(rule), since_(now), health_(initial)
{
}

bool Tracker::record(const Finding &finding, TimePoint now)
{
    last_ = finding;
    if (finding.outcome == Outcome::local_error)
        return false;

    const bool good = finding.outcome == Outcome::ok;
    streak_ = good == good_ ? streak_ + 1 : 1;
    good_ = good;
    (good ? successes_ : failures_)++;

    const Health before = health_;
    if (good && (health_ == Health::unknown || (health_ == Health::down && streak_ >= rule_.rise)))
        enter(Health::up, now);
    else if (!good && health_ != Health::down && streak_ >= rule_.fall)
        enter(Health::down, now);
    return health_ != before;
}

Milliseconds Tracker::next_delay(double dice) const
{
    const bool undecided_failure = !good_ && health_ != Health::down;
    const auto base = undecided_failure ? rule_.interval / kRecheckDivisor : rule_.interval;
    const double factor = 1.0 - kJitter + 2 * kJitter * dice;
    const auto delay = static_cast<std::int64_t>(static_cast<double>(base.count()) * factor);
    return Milliseconds{std::max<std::int64_t>(1, delay)};
}

Milliseconds Tracker::first_delay(const Rule &rule, double dice)
{
    return Milliseconds{static_cast<std::int64_t>(static_cast<double>(rule.interval.count()) * dice)};
}

void Tracker::enter(Health health, TimePoint now)
{
    health_ = health;
    since_ = now;
}

} // namespace aya::health
