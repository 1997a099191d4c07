// SPDX-License-Identifier: BSD-2-Clause
// Evenness and disruption of the lookup tables, as statistics over many seeds.
#include "kinds/maglev.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "aya/hash.h"

namespace aya
{
namespace
{

constexpr u32 kSlots = 65537;

using Candidates = std::vector<Candidate>;

Candidates equal_candidates(u32 count, u64 seed)
{
    Candidates candidates;
    for (u32 i = 0; i < count; i++)
        candidates.push_back({.key = aya_splitmix64(&seed), .weight = 1});
    return candidates;
}

Candidates random_candidates(u32 count, u64 seed, u32 largest_weight = 100)
{
    Candidates candidates = equal_candidates(count, seed);
    std::mt19937_64 random(seed);
    for (Candidate &candidate : candidates)
        candidate.weight = 1 + static_cast<u32>(random() % largest_weight);
    return candidates;
}

std::vector<u32> count_slots(const std::vector<u32> &table, size_t candidates)
{
    std::vector<u32> counts(candidates);
    for (u32 candidate : table)
        counts.at(candidate)++;
    return counts;
}

// Slots that changed owner, other than those of `except`.
u32 count_moved(const std::vector<u32> &before, const std::vector<u32> &after, u32 except)
{
    u32 moved = 0;
    for (size_t i = 0; i < before.size(); i++)
        moved += before[i] != after[i] && before[i] != except ? 1 : 0;
    return moved;
}

// The paper's other quality beside evenness.
double mean_disruption_of_removal(const Candidates &candidates, u32 step)
{
    const auto before = build_maglev(candidates, kSlots);
    double moved = 0;
    u32 removals = 0;
    for (u32 gone = 0; gone < candidates.size(); gone += step, removals++) {
        Candidates rest = candidates;
        rest[gone].weight = 0;
        moved += count_moved(before, build_maglev(rest, kSlots), gone);
    }
    return moved / removals / kSlots;
}

void expect_shares_near_ideal(const Candidates &candidates)
{
    const auto counts = count_slots(build_maglev(candidates, kSlots), candidates.size());
    double weights = 0;
    for (const auto &candidate : candidates)
        weights += candidate.weight;
    for (size_t i = 0; i < candidates.size(); i++) {
        const double ideal = kSlots * candidates[i].weight / weights;
        EXPECT_LE(std::abs(counts[i] - ideal), std::max(2.0, ideal / 100))
            << i << " of " << candidates.size();
        EXPECT_GT(counts[i], 0u) << i << " of " << candidates.size();
    }
}

TEST(Maglev, GivesEveryWeightItsShare)
{
    for (u64 seed = 1; seed <= 10; seed++)
        for (u32 count : {1u, 2u, 3u, 7u, 100u, 1000u, 4000u}) {
            SCOPED_TRACE("seed " + std::to_string(seed));
            expect_shares_near_ideal(random_candidates(count, seed));
            expect_shares_near_ideal(equal_candidates(count, seed));
        }
}

TEST(Maglev, GivesExactlyTheQuotas)
{
    for (u64 seed = 1; seed <= 20; seed++)
        for (u32 size : {251u, 4099u, kSlots}) {
            const auto candidates = random_candidates(1 + static_cast<u32>(seed * 37 % 200), seed, 65535);
            EXPECT_EQ(count_slots(build_maglev(candidates, size), candidates.size()),
                      maglev_quotas(candidates, size));
        }
}

TEST(Maglev, QuotasAddUpAndForgetNobody)
{
    std::mt19937_64 random(42);
    for (int round = 0; round < 500; round++) {
        const u32 size = 251 + static_cast<u32>(random() % 2000);
        const u32 count = 1 + static_cast<u32>(random() % size);
        Candidates candidates = random_candidates(count, random(), round % 2 ? 65535 : 3);
        candidates[0].weight = 65535;
        const auto quotas = maglev_quotas(candidates, size);
        EXPECT_EQ(std::accumulate(quotas.begin(), quotas.end(), 0u), size);
        EXPECT_EQ(std::count(quotas.begin(), quotas.end(), 0u), 0);
    }
}

TEST(Maglev, FillsATableThatIsSmallerThanTheCandidatesAreMany)
{
    const auto candidates = random_candidates(400, 9);
    const auto table = build_maglev(candidates, 251);
    ASSERT_EQ(table.size(), 251u);
    for (u32 owner : table)
        EXPECT_LT(owner, 400u);
}

TEST(Maglev, RemovingOneOfAHundredEqualsMovesFewOthers)
{
    double mean = 0;
    for (u64 seed = 1; seed <= 5; seed++)
        mean += mean_disruption_of_removal(equal_candidates(100, seed), 3) / 5;
    EXPECT_LE(mean, 0.007);
    RecordProperty("share_moved", std::to_string(mean));
}

TEST(Maglev, RemovingOneOfAHundredWithRandomWeightsMovesFewOthers)
{
    double mean = 0;
    for (u64 seed = 1; seed <= 5; seed++)
        mean += mean_disruption_of_removal(random_candidates(100, seed), 3) / 5;
    EXPECT_LE(mean, 0.01);
    RecordProperty("share_moved", std::to_string(mean));
}

TEST(Maglev, ChangingOneWeightMovesLittleMoreThanItsShareAsksFor)
{
    double excess = 0;
    int changes = 0;
    for (u64 seed = 1; seed <= 5; seed++) {
        const auto candidates = random_candidates(100, seed);
        const auto before = build_maglev(candidates, kSlots);
        const auto quotas = maglev_quotas(candidates, kSlots);
        for (u32 i = 0; i < 100; i += 7, changes++) {
            auto changed = candidates;
            changed[i].weight = i % 2 ? candidates[i].weight * 2 : std::max(1u, candidates[i].weight / 2);
            const auto wanted = maglev_quotas(changed, kSlots);
            u32 must = 0;
            for (size_t k = 0; k < wanted.size(); k++)
                must += wanted[k] > quotas[k] ? wanted[k] - quotas[k] : 0;
            excess += count_moved(before, build_maglev(changed, kSlots), ~0u) - must;
        }
    }
    EXPECT_LE(excess / changes / kSlots, 0.007);
}

TEST(Maglev, DoesNotDependOnTheOrderOfCandidates)
{
    std::mt19937_64 random(7);
    for (u64 seed = 1; seed <= 5; seed++) {
        auto candidates = random_candidates(300, seed);
        const auto before = build_maglev(candidates, kSlots);
        auto shuffled = candidates;
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        const auto after = build_maglev(shuffled, kSlots);
        for (u32 i = 0; i < kSlots; i++)
            ASSERT_EQ(candidates[before[i]].key, shuffled[after[i]].key) << "slot " << i;
    }
}

TEST(Maglev, DoesNotSeeCandidatesWithoutWeight)
{
    const auto few = random_candidates(50, 3);
    auto more = few;
    for (const auto &candidate : random_candidates(50, 4))
        more.push_back({.key = candidate.key, .weight = 0});
    EXPECT_EQ(build_maglev(few, kSlots), build_maglev(more, kSlots));
}

TEST(Maglev, IsEmptyWithoutPositiveWeights)
{
    EXPECT_TRUE(build_maglev({}, kSlots).empty());
    EXPECT_TRUE(build_maglev(Candidates{{.key = 1, .weight = 0}}, kSlots).empty());
}

TEST(Maglev, OtherSeedsGiveOtherTables)
{
    const auto one = build_maglev(equal_candidates(10, 1), kSlots);
    const auto other = build_maglev(equal_candidates(10, 2), kSlots);
    u32 equal = 0;
    for (u32 i = 0; i < kSlots; i++)
        equal += one[i] == other[i] ? 1 : 0;
    EXPECT_NEAR(equal, kSlots / 10.0, kSlots / 100.0);
}

TEST(Maglev, SpreadsDistinctFlowsByWeight)
{
    const u64 seed[2] = {0x1234, 0x5678};
    aya_hash_key key;
    aya_hash_key_init(&key, seed);
    const Candidates candidates = {{11, 1}, {22, 2}, {33, 3}, {44, 4}};
    const auto table = build_maglev(candidates, kSlots);
    std::vector<u32> counts(candidates.size());
    constexpr u32 kFlows = 100000;
    for (u32 i = 0; i < kFlows; i++) {
        aya_flow flow = {};
        flow.family = AYA_IPV4;
        flow.protocol = AYA_PROTO_TCP;
        flow.src[3] = aya_cpu_to_be32(0xc6336400 + i / 1000);
        flow.dst[3] = aya_cpu_to_be32(0xcb00710a);
        flow.src_port = aya_cpu_to_be16(static_cast<u16>(40000 + i % 1000));
        flow.dst_port = aya_cpu_to_be16(443);
        counts[table[aya_slot(aya_hash(&key, &flow), kSlots)]]++;
    }
    for (size_t i = 0; i < candidates.size(); i++) {
        const double expected = kFlows * candidates[i].weight / 10.0;
        EXPECT_NEAR(counts[i], expected, expected * 0.02) << "weight " << candidates[i].weight;
    }
}

TEST(MaglevKey, TellsNamesAddressesAndSeedsApart)
{
    std::set<u64> keys;
    Seed seed{};
    for (u8 s = 0; s < 4; s++)
        for (u8 host = 0; host < 50; host++)
            for (int name = 0; name < 20; name++) {
                seed[15] = s;
                const std::string text(static_cast<size_t>(name), 'x');
                keys.insert(maglev_key(seed, text, IpAddress::v4(10, 0, 0, host)));
            }
    EXPECT_EQ(keys.size(), 4u * 50 * 20);
}

} // namespace
} // namespace aya
