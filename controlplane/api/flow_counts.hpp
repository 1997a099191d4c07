// SPDX-License-Identifier: BSD-2-Clause
// How many live flows each backend has.
#pragma once

#include "api/views.hpp"

#include <optional>
#include <vector>

namespace aya::api
{

// To count reads all of every flow table, some milliseconds for each million of flows, and the event loop
// waits meanwhile. So all backends are counted at once, and again only after kKeepNs or with the next
// generation: what was counted before a backend began to drain does not show what it has to drain.
class FlowCounts
{
public:
    static constexpr u64 kKeepNs = 1'000'000'000;

    // Of the live backend with this id, without flows that have closed or consist of one packet. nullopt:
    // there are no flow tables.
    std::optional<std::uint64_t> find(const Scene &scene, u32 backend, u64 now_ns);

private:
    bool count(const Scene &scene, u64 now_ns);

    std::vector<std::uint64_t> counts_; // by the backend's id; empty: not counted
    u64 generation_ = 0;
    u64 counted_ns_ = 0;
};

} // namespace aya::api
