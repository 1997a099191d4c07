// SPDX-License-Identifier: BSD-2-Clause
//
// The way to the kernel has a ring for each class of include/aya/punt.h, which the others cannot fill, and
// each class its share of each turn of the main thread.
#pragma once

#include <array>

#include "aya/punt.h"

struct rte_ring;

namespace aya
{

struct PuntClassRow {
    const char *name;
    u32 ring_size;       // a power of two
    u32 frames_per_turn; // to the kernel, at most
};

constexpr std::array<PuntClassRow, AYA_PUNT_CLASSES> kPuntClassRows = {{
    {"neighbours", 512, 32},
    {"link", 256, 32},
    {"routing", 512, 32},
    {"answers", 1024, 32},
    {"opening", 512, 16},
    {"rest", 512, 16},
}};

constexpr u32 kPuntRingSizes = [] {
    u32 sum = 0;
    for (const PuntClassRow &row : kPuntClassRows)
        sum += row.ring_size;
    return sum;
}();

using PuntRings = std::array<rte_ring *, AYA_PUNT_CLASSES>; // by class

} // namespace aya
