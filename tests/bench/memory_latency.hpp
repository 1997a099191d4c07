// SPDX-License-Identifier: BSD-2-Clause
//
// What a load costs that finds its line in no cache of ours: the yardstick for figures over many flows. On a
// shared machine it changes by the minute, as others use the last-level cache.
#pragma once

#include <ctime>
#include <random>
#include <vector>

#include "aya/types.h"

namespace aya::bench
{

inline double thread_ns()
{
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

class MemoryLatency
{
public:
    // A flow table for 1 M flows, in which each line names the next one of a single random cycle (Sattolo).
    MemoryLatency()
    {
        std::vector<u32> order(kLines);
        for (u32 i = 0; i < kLines; i++)
            order[i] = i;
        std::mt19937 random(1);
        for (u32 i = kLines - 1; i > 0; i--)
            std::swap(order[i], order[random() % i]);
        for (u32 i = 0; i < kLines; i++)
            lines_[i].next = order[i];
    }

    // ns of CPU time a load, each of which has to wait for the one before.
    double slice()
    {
        constexpr u32 kLoads = 1 << 14;
        const double begin = thread_ns();
        for (u32 i = 0; i < kLoads; i++)
            at_ = *static_cast<const volatile u32 *>(&lines_[at_].next);
        return (thread_ns() - begin) / kLoads;
    }

private:
    static constexpr u32 kLines = 1 << 19; // 32 MiB
    struct alignas(AYA_CACHE_LINE) Line {
        u32 next;
    };
    std::vector<Line> lines_ = std::vector<Line>(kLines);
    u32 at_ = 0;
};

} // namespace aya::bench
