// SPDX-License-Identifier: BSD-2-Clause
// What the live flow tables hold of one flow.
#pragma once

#include "paths/flow_tables.hpp"

#include <string_view>
#include <vector>

namespace aya::api
{

struct Remembered {
    u32 port = 0;
    u32 queue = 0;
    aya_flow_set set = {}; // a copy, to decide on
    aya_flow_entry entry = {};
    std::int64_t expires_seconds = 0; // not above 0: it has expired, and still stands there
};

// The entries of the flow, live or expired, at most one for each queue. `now` is the tick.
std::vector<Remembered> find_remembered(const FlowTables &tables, u64 hash, u16 service, u16 now);

std::string_view flow_state_name(u8 state);

} // namespace aya::api
