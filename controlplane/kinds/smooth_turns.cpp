// SPDX-License-Identifier: BSD-2-Clause
//
// The order of nginx's smooth weighted round robin, as a lookup table that workers walk slot by slot: at each
// turn every backend gains its weight, and the one that has most is next and pays the sum of all weights. So
// the turns of a heavy backend are spread over the round, and the others come in between: a, a, b, a, c, a, a
// for the weights 5, 1 and 1.
//
// Here a weight is the backend's quota of slots, so that a round is the table. Backends of equal quota take
// their turns in a fixed order, so that only one of each quota has to be looked at.
#include <algorithm>
#include <map>

#include "kinds/maglev.hpp"

namespace aya
{

namespace
{

// The backends of one quota.
struct Peers {
    std::int64_t gain = 0; // each turn
    std::int64_t has = 0;  // the one whose turn is next
    std::vector<u32> candidates{};
    size_t next = 0;
};

} // namespace

std::vector<u32> build_smooth_turns(std::span<const Candidate> candidates, u32 size)
{
    const std::vector<u32> quotas = maglev_quotas(candidates, size);
    // What comes out must not depend on the order of what goes in: the first of two that have the same is the
    // one with the smaller key.
    std::vector<u32> in_order;
    for (u32 i = 0; i < candidates.size(); i++) {
        if (quotas[i] != 0)
            in_order.push_back(i);
    }
    std::sort(in_order.begin(), in_order.end(),
              [&](u32 a, u32 b) { return candidates[a].key < candidates[b].key; });
    std::map<u32, Peers> by_quota;
    for (u32 i : in_order) {
        Peers &peers = by_quota[quotas[i]];
        peers.gain = quotas[i];
        peers.candidates.push_back(i);
    }
    std::vector<u32> table;
    const auto comes_before = [&](const Peers &a, const Peers &b) {
        if (a.has != b.has)
            return a.has > b.has;
        return candidates[a.candidates[a.next]].key < candidates[b.candidates[b.next]].key;
    };
    for (u32 turn = 0; turn < size && !in_order.empty(); turn++) {
        Peers *best = nullptr;
        for (auto &[quota, peers] : by_quota) {
            peers.has += peers.gain;
            if (best == nullptr || comes_before(peers, *best))
                best = &peers;
        }
        table.push_back(best->candidates[best->next]);
        if (++best->next == best->candidates.size()) {
            best->next = 0;
            best->has -= size; // the others of this quota have all paid already
        }
    }
    return table;
}

} // namespace aya
