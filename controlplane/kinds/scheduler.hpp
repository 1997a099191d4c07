// SPDX-License-Identifier: BSD-2-Clause
//
// The schedulers, a row each: how a new flow finds its backend. The packet path knows one way only: take a
// slot of the service's lookup table. A scheduler says what picks the slot, and fills the table.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "aya/tables.h"

namespace aya
{

struct Candidate {
    u64 key = 0;    // names the backend: see maglev_key(); distinct within one table
    u32 weight = 0; // 0: owns no slot

    bool operator==(const Candidate &) const = default;
};

// Position -> index into `candidates`; empty if no weight is positive. `size`: a prime. Each candidate owns
// as many slots as maglev_quotas() says, whatever the builder.
using TableBuilder = std::vector<u32>(std::span<const Candidate> candidates, u32 size);

TableBuilder build_maglev;       // maglev.cpp
TableBuilder build_smooth_turns; // smooth_turns.cpp

enum class Scheduler : std::uint8_t { maglev, source_hash, random, weighted_round_robin, least_connections };

struct SchedulerRow {
    Scheduler value;
    std::string_view name;
    u32 pick_flags; // enum aya_service_flags: what is hashed, or how a backend is drawn
    TableBuilder *build_table;

    // A new flow's backend is drawn: the flow's entry is the only record of it.
    constexpr bool draws() const { return (pick_flags & AYA_SERVICE_DRAWS) != 0; }
};

constexpr SchedulerRow kSchedulers[] = {
    {Scheduler::maglev, "maglev", 0, build_maglev},
    {Scheduler::source_hash, "source-hash", AYA_SERVICE_AFFINITY_SOURCE, build_maglev},
    {Scheduler::random, "random", AYA_SERVICE_RANDOM, build_maglev},
    {Scheduler::weighted_round_robin, "weighted-round-robin", AYA_SERVICE_IN_TURN, build_smooth_turns},
    {Scheduler::least_connections, "least-connections", AYA_SERVICE_LEAST_FLOWS, build_maglev},
};

constexpr std::span<const SchedulerRow> names_of(Scheduler)
{
    return kSchedulers;
}

} // namespace aya
