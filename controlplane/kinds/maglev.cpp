// SPDX-License-Identifier: BSD-2-Clause
//
// The paper lets backends take turns until the table is full, and a turn ends with a slot. With weights that
// has two known faults: how often a backend gets a turn depends on everyone's weights, so that changing one
// weight moves slots between others; and a turn that has to search long shifts all later ones. Here:
//
//   - Each backend's share is an exact quota (largest remainder), so shares hold whatever the permutations
//     do.
//   - Time is virtual. Backend b makes probe k of its permutation at time (k + phase) / weight, whether or
//     not it wins the slot, and stops once its quota is full. When a backend reaches a slot depends on no
//     other backend, so if one goes, a slot of another moves only where a quota forces it to.
//
// Measured at 65537 slots and 100 equal backends, removal of one moves 0.3 % of all slots beyond its own;
// turns that end with a slot move 0.56 %.
#include "kinds/maglev.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "aya/hash.h"

namespace aya
{

namespace
{

// Fixed point of virtual time.
constexpr u32 kShift = 16;
constexpr u64 kUnit = u64{1} << kShift;
// Probes that a backend makes in one round, on average. Rounds save the cost of a priority queue; within a
// round backends go in order of their keys. More make the build faster, and the order coarser.
constexpr u64 kProbesPerRound = 8;

// Part of the slots below which few are free.
constexpr u32 kFewFree = 16;

struct Walker {
    u32 position; // next slot of the permutation
    u32 skip;
    u32 due;   // slots still to take
    u32 phase; // virtual time left over from the last round
    u32 weight;
    u32 candidate;
};

// In the order of keys: what comes out must not depend on the order of what goes in.
std::vector<Walker> make_walkers(std::span<const Candidate> candidates, u32 size)
{
    const std::vector<u32> quotas = maglev_quotas(candidates, size);
    std::vector<Walker> walkers;
    walkers.reserve(candidates.size());
    for (u32 i = 0; i < candidates.size(); i++) {
        if (quotas[i] == 0)
            continue;
        u64 stream = candidates[i].key;
        u64 offset = aya_splitmix64(&stream);
        u64 skip = aya_splitmix64(&stream);
        u64 phase = aya_splitmix64(&stream);
        walkers.push_back({.position = aya_slot(offset, size),
                           .skip = 1 + aya_slot(skip, size - 1),
                           .due = quotas[i],
                           .phase = static_cast<u32>(phase % kUnit),
                           .weight = candidates[i].weight,
                           .candidate = i});
    }
    std::sort(walkers.begin(), walkers.end(), [&](const Walker &a, const Walker &b) {
        u64 key_a = candidates[a.candidate].key;
        u64 key_b = candidates[b.candidate].key;
        return key_a != key_b ? key_a < key_b : a.candidate < b.candidate;
    });
    return walkers;
}

// How much virtual time the next round spans: a power of two, so that a change of weights rarely moves the
// borders between rounds.
u64 round_length(const std::vector<Walker> &walkers)
{
    u64 weights = 0;
    for (const Walker &walker : walkers)
        weights += walker.weight;
    u64 length = 1;
    while (weights * length < kProbesPerRound * kUnit * walkers.size())
        length <<= 1;
    return length;
}

// Some 600 000 probes make a table. While many slots are free, what a probe finds is unpredictable, so there
// is no branch on it; once most are taken, a guess is nearly always right and spares the write.
template <bool kManyFree>
void walk(Walker &walker, u64 probes, std::vector<u32> &table, std::vector<u64> &taken)
{
    u32 *const owners = table.data();
    u64 *const bits = taken.data();
    const u32 size = static_cast<u32>(table.size());
    const u32 skip = walker.skip;
    u32 position = walker.position;
    u32 due = walker.due;
    for (; probes > 0 && due > 0; probes--) {
        const u64 word = bits[position / 64];
        const u32 free = static_cast<u32>(~word >> (position % 64)) & 1;
        if (kManyFree || free) {
            bits[position / 64] = word | u64{1} << (position % 64);
            owners[position] ^= (owners[position] ^ walker.candidate) & (0 - free);
            due -= free;
        }
        position += skip;
        position -= position >= size ? size : 0;
    }
    walker.position = position;
    walker.due = due;
}

u64 mix(u64 state)
{
    return aya_splitmix64(&state);
}

} // namespace

u64 maglev_key(const Seed &seed, std::string_view name, const IpAddress &address)
{
    u64 words[2];
    std::memcpy(words, seed.data(), sizeof(words));
    u64 key = mix(words[0] ^ name.size());
    auto absorb = [&key](const void *from, size_t length) {
        u64 word = 0;
        std::memcpy(&word, from, length);
        key = mix(key ^ word);
    };
    absorb(address.bytes.data(), 8);
    absorb(address.bytes.data() + 8, 8);
    for (size_t at = 0; at < name.size(); at += 8)
        absorb(name.data() + at, std::min<size_t>(8, name.size() - at));
    return mix(key ^ words[1]);
}

std::vector<u32> maglev_quotas(std::span<const Candidate> candidates, u32 size)
{
    std::vector<u32> quotas(candidates.size(), 0);
    std::vector<u32> sharing; // who shares the rest of the slots by weight
    u64 weights = 0;
    for (u32 i = 0; i < candidates.size(); i++) {
        if (candidates[i].weight == 0)
            continue;
        sharing.push_back(i);
        weights += candidates[i].weight;
    }
    u64 slots = size;
    // Who is due of less than one slot gets one, and the others share what is left, until that changes
    // nothing.
    for (bool settled = sharing.size() > size; !settled && !sharing.empty();) {
        const u64 slots_before = slots;
        const u64 weights_before = weights;
        std::erase_if(sharing, [&](u32 i) {
            if (slots_before * candidates[i].weight >= weights_before)
                return false;
            quotas[i] = 1;
            slots--;
            weights -= candidates[i].weight;
            return true;
        });
        settled = slots == slots_before;
    }
    u64 left = sharing.empty() ? 0 : slots;
    for (u32 i : sharing) {
        quotas[i] = static_cast<u32>(slots * candidates[i].weight / weights);
        left -= quotas[i];
    }
    auto larger_remainder = [&](u32 a, u32 b) {
        u64 of_a = slots * candidates[a].weight % weights;
        u64 of_b = slots * candidates[b].weight % weights;
        if (of_a != of_b)
            return of_a > of_b;
        return candidates[a].key != candidates[b].key ? candidates[a].key < candidates[b].key : a < b;
    };
    std::nth_element(sharing.begin(), sharing.begin() + static_cast<std::ptrdiff_t>(left), sharing.end(),
                     larger_remainder);
    for (u64 i = 0; i < left; i++)
        quotas[sharing[i]]++;
    return quotas;
}

std::vector<u32> build_maglev(std::span<const Candidate> candidates, u32 size)
{
    std::vector<Walker> walkers = make_walkers(candidates, size);
    if (walkers.empty())
        return {};
    std::vector<u32> table(size);
    std::vector<u64> taken(size / 64 + 1); // a bit a slot: stays in the L1 cache
    u64 free = size;
    while (!walkers.empty()) {
        const u64 length = round_length(walkers);
        const bool many_free = free > size / kFewFree;
        free = 0;
        auto keep = walkers.begin();
        for (Walker walker : walkers) {
            const u64 time = walker.phase + walker.weight * length;
            walker.phase = static_cast<u32>(time % kUnit);
            if (many_free)
                walk<true>(walker, time / kUnit, table, taken);
            else
                walk<false>(walker, time / kUnit, table, taken);
            free += walker.due;
            if (walker.due > 0)
                *keep++ = walker;
        }
        walkers.erase(keep, walkers.end());
    }
    return table;
}

} // namespace aya
