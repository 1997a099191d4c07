// SPDX-License-Identifier: BSD-2-Clause
//
// What goes to the kernel, by what depends on it. Each class has a ring of its own, which the others cannot
// fill, and its share of each turn of the main thread.
#pragma once

#include <array>

#include "aya/flow.h"
#include "aya/reasons.h"

struct rte_mbuf;
struct rte_ring;

namespace aya
{

enum class PuntClass : u8 {
    link, // ARP, neighbour discovery and other talk of neighbours, which no router passes on; BFD on the link
    routing, // BGP, BFD over several hops
    answers, // TCP that does not open a connection: ssh sessions, answers to health probes
    rest,
};
constexpr u32 kPuntClasses = 4;

struct PuntClassRow {
    const char *name;
    u32 ring_size;       // a power of two
    u32 frames_per_turn; // to the kernel, at most
};

constexpr std::array<PuntClassRow, kPuntClasses> kPuntClassRows = {{
    {"link", 512, 32},
    {"routing", 512, 32},
    {"answers", 1024, 32},
    {"rest", 512, 16},
}};

constexpr u32 kPuntRingSizes = [] {
    u32 sum = 0;
    for (const PuntClassRow &row : kPuntClassRows)
        sum += row.ring_size;
    return sum;
}();

using PuntRings = std::array<rte_ring *, kPuntClasses>; // by class

// Of the rest, each worker hands over no more than this: every frame costs the main thread a system call.
constexpr u64 kPuntRestPerSecond = 20'000;
constexpr u64 kPuntRestBurst = 512;

// `packet` and `reason`: what aya_parse and aya_classify have made of the frame.
PuntClass punt_class(const rte_mbuf &frame, const aya_packet &packet, aya_reason reason) noexcept;

} // namespace aya
