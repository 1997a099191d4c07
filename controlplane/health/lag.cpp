// SPDX-License-Identifier: BSD-2-Clause
#include "health/lag.hpp"

#include <algorithm>
#include <utility>

namespace aya::health
{

namespace
{

constexpr auto kPeriod = std::chrono::seconds(10);
constexpr auto kTolerated = std::chrono::milliseconds(100); // of however short an interval

} // namespace

void Lag::started(Clock::duration late, Milliseconds interval, TimePoint now)
{
    turn(now);
    current_.longest = std::max(current_.longest, late);
    current_.behind = current_.behind || late > std::max<Clock::duration>(interval / 2, kTolerated);
}

void Lag::turn(TimePoint now)
{
    if (now - current_since_ < kPeriod)
        return;
    before_ = now - current_since_ < 2 * kPeriod ? std::exchange(current_, {}) : Period{};
    current_ = {};
    current_since_ = now;
}

template <class Value>
Value Lag::of(TimePoint now, Value Period::*member) const
{
    const auto age = now - current_since_;
    if (age >= 2 * kPeriod)
        return {};
    return age >= kPeriod ? current_.*member : std::max(current_.*member, before_.*member);
}

Clock::duration Lag::longest(TimePoint now) const
{
    return of(now, &Period::longest);
}

bool Lag::behind(TimePoint now) const
{
    return of(now, &Period::behind);
}

} // namespace aya::health
