// SPDX-License-Identifier: BSD-2-Clause
// Whether probes start when they are due. Pure: the clock is passed in.
#pragma once

#include "health/tracker.hpp"

namespace aya::health
{

class Lag
{
public:
    // An attempt of a probe with this interval started so long after it was due.
    void started(Clock::duration late, Milliseconds interval, TimePoint now);

    // The longest delay of the last ten to twenty seconds.
    Clock::duration longest(TimePoint now) const;

    // In that time a probe was later than half its interval, and 100 ms: more are asked for than this process
    // can send.
    bool behind(TimePoint now) const;

private:
    struct Period {
        Clock::duration longest{};
        bool behind = false;
    };

    void turn(TimePoint now);
    // Of the two periods, those that are not over for too long.
    template <class Value>
    Value of(TimePoint now, Value Period::*member) const;

    Period current_, before_;
    TimePoint current_since_{};
};

} // namespace aya::health
