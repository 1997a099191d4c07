// SPDX-License-Identifier: BSD-2-Clause
// How long a lookup table takes to build. CPU time of this thread, best and median of many: run by hand.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <random>
#include <vector>

#include "aya/hash.h"
#include "kinds/maglev.hpp"

namespace
{

using namespace aya;

double cpu_ms()
{
    timespec now = {};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void measure(u32 slots, u32 backends, bool equal)
{
    constexpr int kRounds = 31;
    std::mt19937_64 random(1);
    std::vector<double> times;
    size_t sum = 0;
    for (int round = 0; round < kRounds; round++) {
        std::vector<Candidate> candidates;
        for (u32 i = 0; i < backends; i++)
            candidates.push_back({random(), equal ? 1 : 1 + static_cast<u32>(random() % 100)});
        const double before = cpu_ms();
        sum += build_maglev(candidates, slots)[0];
        times.push_back(cpu_ms() - before);
    }
    std::sort(times.begin(), times.end());
    std::printf("%8u %9u  %-14s %7.2f %7.2f   (%zu)\n", slots, backends, equal ? "equal" : "random 1..100",
                times[0], times[kRounds / 2], sum % 10);
}

} // namespace

int main()
{
    std::printf("   slots  backends  weights         best ms  median\n");
    for (u32 backends : {3u, 10u, 100u, 1000u, 4000u})
        for (bool equal : {true, false})
            measure(65537, backends, equal);
    measure(4099, 100, false);
    measure(1048573, 1000, false);
    return 0;
}
