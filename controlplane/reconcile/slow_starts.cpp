// SPDX-License-Identifier: BSD-2-Clause
#include "reconcile/slow_starts.hpp"

#include "reconcile/backend_key.hpp"

#include <algorithm>
#include <cmath>

namespace aya
{

namespace
{

using Seconds = std::chrono::duration<double>;

constexpr int kSteps = 20; // per window, as HAProxy has it: each makes a lookup table
constexpr Seconds kShortestStep{1};

} // namespace

void SlowStarts::begin(const std::string &service, const std::string &backend, const SlowStart &rule,
                       Clock::time_point now)
{
    Start start{.service = service, .backend = backend, .rule = rule, .begun = now};
    start.part = part_of(start, now);
    starting_.insert_or_assign(backend_key(service, backend), std::move(start));
}

// Envoy's: max(min_weight, TimeFactor^(1/aggression)), and TimeFactor is at least that of one second.
unsigned SlowStarts::part_of(const Start &start, Clock::time_point now)
{
    const Seconds window = *start.rule.window;
    const Seconds step = std::max(window / kSteps, kShortestStep);
    const Seconds elapsed = now - start.begun;
    if (elapsed >= window)
        return kWholeWeight;
    const Seconds counted = std::max(std::floor(elapsed / step) * step, kShortestStep);
    const double factor =
        std::max(std::pow(counted / window, 1.0 / start.rule.aggression), start.rule.min_weight / 100.0);
    return std::clamp(static_cast<unsigned>(std::lround(factor * kWholeWeight)), 1U, kWholeWeight);
}

std::vector<std::string> SlowStarts::advance(Clock::time_point now)
{
    std::vector<std::string> services;
    for (auto at = starting_.begin(); at != starting_.end();) {
        Start &start = at->second;
        const unsigned part = part_of(start, now);
        if (std::exchange(start.part, part) != part)
            services.push_back(start.service);
        at = part == kWholeWeight ? starting_.erase(at) : std::next(at);
    }
    return services;
}

unsigned SlowStarts::part(const std::string &service, const std::string &backend) const
{
    const auto found = starting_.find(backend_key(service, backend));
    return found == starting_.end() ? kWholeWeight : found->second.part;
}

void SlowStarts::keep(const Still &still)
{
    std::erase_if(starting_,
                  [&](const auto &entry) { return !still(entry.second.service, entry.second.backend); });
}

} // namespace aya
