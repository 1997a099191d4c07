// SPDX-License-Identifier: BSD-2-Clause
// The flow tables of what forwards, to look up a flow in.
#pragma once

#include <string>
#include <vector>

#include "aya/flow_table.h"
#include "aya/segment.hpp"

namespace aya
{

// Of one queue. Its worker writes it at the same time; a set that is read meanwhile may show an entry half
// written, which then matches no flow or no incarnation.
struct FlowTableView {
    u32 port = 0;
    u32 queue = 0;
    const aya_flow_set *sets = nullptr;
    u32 set_mask = 0;
};

struct FlowTables {
    std::vector<FlowTableView> tables;
    std::vector<std::string> errors; // one line for each table that cannot be read
    std::vector<MappedFile> files;   // which the tables lie in
};

// Of a DPDK data plane: those of `queues` queues of `port`, for the tables with `identity`. Added to `found`.
void open_flow_files(const std::string &instance_dir, u32 port, u32 queues, u64 identity, FlowTables &found);

} // namespace aya
