// SPDX-License-Identifier: BSD-2-Clause
// When bad probes say nothing of a server: while the way to it is broken at this end, and until addresses and
// neighbours had a moment to come back. Pure: the clock is passed in.
#pragma once

#include "health/tracker.hpp"

#include <cstdint>
#include <unordered_map>

namespace aya::health
{

class Doubt
{
public:
    // Whether a bad probe by this way that began then is doubted. `broken`: the way is, now.
    bool doubts(std::uint16_t way, bool broken, TimePoint began, TimePoint now)
    {
        if (broken)
            believed_from_[way] = now + kGrace;
        const auto found = believed_from_.find(way);
        return found != believed_from_.end() && began < found->second;
    }

    static constexpr auto kGrace = std::chrono::seconds(3);

private:
    std::unordered_map<std::uint16_t, TimePoint> believed_from_;
};

} // namespace aya::health
