// SPDX-License-Identifier: BSD-2-Clause
// From single probe results to a backend's health. Pure: the clock and the dice are passed in.
#pragma once

#include "health/health.hpp"
#include "health/probe.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace aya::health
{

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Milliseconds = std::chrono::milliseconds;

struct Rule {
    Milliseconds interval{1000};
    Milliseconds timeout{500};
    unsigned rise = 2;
    unsigned fall = 3;
    std::optional<InitState> init = std::nullopt; // absent: `fully_up` while unknown, `down` while waiting
    std::optional<Milliseconds> fast_interval = std::nullopt; // between up and down
    std::optional<Milliseconds> down_interval = std::nullopt;
    unsigned jitter = 10; // percent of each wait, either way

    bool operator==(const Rule &) const = default;
};

// rise good results in a row take a backend from down to up, fall bad ones from up to down. Before anything
// is known, InitState says how many it takes. A failure that decides nothing yet is checked again soon
// instead of after a whole interval. local_error changes nothing: it says nothing of the backend.
class Tracker
{
public:
    // `initial`: what is known from before, e.g. from the tables of an earlier run.
    Tracker(const Rule &rule, Health initial, TimePoint now);

    // True if this result changed health().
    bool record(const Finding &finding, TimePoint now);

    // A probe has ended whose result is not believed.
    void doubted(TimePoint now) { heard_ = now; }

    // A series of probes begins, the first or one under another rule: no result can be there yet.
    void probing(TimePoint now) { probing_since_ = now; }

    // A changed rule counts from the results seen so far.
    void set_rule(const Rule &rule) { rule_ = rule; }

    // Wait before the next probe starts. `dice` is uniform in [0, 1): the interval varies by the jitter, so
    // that probes of many backends, and of many balancers, do not march in step.
    Milliseconds next_delay(double dice) const;

    // Wait before the first probe of a series: anywhere within the interval, or a fifth of it for a backend
    // that gets no traffic before. A long down_interval does not count.
    Milliseconds first_delay(double dice) const;

    // When a probe last had a result; before the first one, when probing began.
    TimePoint heard() const { return heard_; }

    // No result for three intervals: nothing is known of the backend any more.
    bool silent(TimePoint now) const;

    const Rule &rule() const { return rule_; }
    Health health() const { return health_; }
    TimePoint since() const { return since_; } // when health() became what it is
    Health before() const { return before_; }  // what it was before that
    bool probed() const { return successes_ + failures_ > 0; }
    const Finding &last() const { return last_; }
    // Equal results in a row, as good or bad.
    unsigned good_streak() const { return good_ ? streak_ : 0; }
    unsigned bad_streak() const { return good_ ? 0 : streak_; }
    std::uint64_t successes() const { return successes_; }
    std::uint64_t failures() const { return failures_; }

private:
    Milliseconds interval() const; // now
    unsigned needed_successes() const;
    unsigned needed_failures() const;
    void enter(Health health, TimePoint now);

    Rule rule_;
    TimePoint since_;
    TimePoint heard_;
    TimePoint probing_since_;
    std::uint64_t successes_ = 0;
    std::uint64_t failures_ = 0;
    unsigned streak_ = 0;
    Health health_;
    Health before_;
    Finding last_ = {Outcome::ok};
    bool good_ = true; // the streak
};

} // namespace aya::health
