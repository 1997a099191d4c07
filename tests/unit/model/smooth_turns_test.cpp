// SPDX-License-Identifier: BSD-2-Clause
// The order of turns against the definition: nginx's, one backend after the other, turn by turn.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "aya/hash.h"
#include "kinds/maglev.hpp"

namespace aya
{
namespace
{

using Candidates = std::vector<Candidate>;

// Of nginx's ngx_http_upstream_get_peer, over backends in the order of their keys, with quotas as weights.
std::vector<u32> turns_by_definition(const Candidates &candidates, u32 size)
{
    const std::vector<u32> quotas = maglev_quotas(candidates, size);
    std::vector<u32> order(candidates.size());
    for (u32 i = 0; i < order.size(); i++)
        order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](u32 a, u32 b) { return candidates[a].key < candidates[b].key; });
    std::vector<long long> current(candidates.size());
    std::vector<u32> turns;
    for (u32 turn = 0; turn < size; turn++) {
        const u32 *best = nullptr;
        long long total = 0;
        for (const u32 &i : order) {
            current[i] += quotas[i];
            total += quotas[i];
            if (quotas[i] != 0 && (best == nullptr || current[i] > current[*best]))
                best = &i;
        }
        if (best == nullptr)
            return {};
        current[*best] -= total;
        turns.push_back(*best);
    }
    return turns;
}

Candidates candidates_of(const std::vector<u32> &weights, u64 seed = 0)
{
    Candidates candidates;
    for (u32 weight : weights)
        candidates.push_back(
            {.key = seed == 0 ? candidates.size() : aya_splitmix64(&seed), .weight = weight});
    return candidates;
}

TEST(SmoothTurns, AreThoseOfNginxsExample)
{
    EXPECT_EQ(build_smooth_turns(candidates_of({5, 1, 1}), 7), (std::vector<u32>{0, 0, 1, 0, 2, 0, 0}));
}

TEST(SmoothTurns, OfEqualBackendsGoRound)
{
    EXPECT_EQ(build_smooth_turns(candidates_of({3, 3, 3}), 9), (std::vector<u32>{0, 1, 2, 0, 1, 2, 0, 1, 2}));
}

TEST(SmoothTurns, AreThoseOfTheDefinition)
{
    std::mt19937 random(1);
    const auto below = [&](u64 limit) { return static_cast<u32>(random() % limit); };
    for (u64 seed = 1; seed <= 60; seed++) {
        std::vector<u32> weights(1 + below(30));
        const u32 largest = 1 + below(seed % 2 ? 3 : 1000);
        for (u32 &weight : weights)
            weight = below(largest + 1);
        const Candidates candidates = candidates_of(weights, seed);
        const u32 size = 1 + below(997);
        EXPECT_EQ(build_smooth_turns(candidates, size), turns_by_definition(candidates, size))
            << "seed " << seed;
    }
}

TEST(SmoothTurns, GiveEachBackendItsQuota)
{
    const Candidates candidates = candidates_of({100, 1, 50, 0, 25, 7, 7}, 5);
    const std::vector<u32> quotas = maglev_quotas(candidates, 65537);
    const std::vector<u32> turns = build_smooth_turns(candidates, 65537);
    for (u32 i = 0; i < quotas.size(); i++)
        EXPECT_EQ(std::count(turns.begin(), turns.end(), i), quotas[i]);
}

TEST(SmoothTurns, OfNobodyAreNone)
{
    EXPECT_TRUE(build_smooth_turns(candidates_of({0, 0}), 251).empty());
    EXPECT_TRUE(build_smooth_turns({}, 251).empty());
}

} // namespace
} // namespace aya
