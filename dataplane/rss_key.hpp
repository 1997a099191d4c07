// SPDX-License-Identifier: BSD-2-Clause
//
// The key by which a NIC spreads packets over its queues. Drivers would choose one at random, some at each
// start: the flows that a restart takes up would then be in the tables of other queues. Outsiders must not
// know it, or they could aim at one queue.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "aya/hash.h"
#include "common/values.hpp"

namespace aya
{

// Of the seed alone, so that it outlives restarts and upgrades. Another stream than the flow hash's keys.
inline std::vector<u8> rss_key(const Seed &seed, std::size_t size)
{
    u64 words[2];
    static_assert(sizeof(words) == sizeof(seed));
    std::memcpy(words, seed.data(), sizeof(words));
    u64 first = words[0] ^ 0x6179612d7273732dull;
    u64 second = words[1] ^ 0x7175657565732d31ull;
    std::vector<u8> key(size);
    for (std::size_t at = 0; at < size; at += sizeof(u64)) {
        const u64 next = aya_splitmix64(&first) ^ aya_splitmix64(&second);
        std::memcpy(key.data() + at, &next, std::min(sizeof(next), size - at));
    }
    return key;
}

} // namespace aya
