// SPDX-License-Identifier: BSD-2-Clause
//
// The file of one queue's flow table: aya-dataplane writes it, the control plane looks into it.
#pragma once

#include <fstream>
#include <sstream>
#include <string>

#include "aya/flow_table.h"
#include "aya/segment.hpp"

namespace aya
{

constexpr u64 kFlowsMagic = 0x31776f6c66617961; // "ayaflow1"
constexpr u64 kFlowSetsOffset = 4096;           // of the first aya_flow_set

// Ticks without a sweep after which entries that had expired may look alive again. Before that, a worker came
// round to each set in less than 1024 ticks.
constexpr u64 kFlowsMaxAge = 0x8000 - AYA_FLOW_KEEP - 1024;

struct FlowFileHeader {
    u64 magic;
    u64 layout_hash;
    u64 tables_identity; // ids in entries are those of this tables segment; 0: none yet
    u64 last_tick; // not cut to 16 bits, when last swept: what is older than kFlowsMaxAge has no meaning
    u32 set_count;
    u32 queues; // of the port: with another number, flows arrive at other queues
    u64 unused[3];
};
static_assert(sizeof(FlowFileHeader) == 64);

constexpr u64 flows_layout_hash()
{
    u64 h = 0xcbf29ce484222325ull;
    for (const u64 v : {sizeof(FlowFileHeader), sizeof(aya_flow_entry), offsetof(aya_flow_entry, service),
                        offsetof(aya_flow_entry, incarnation), offsetof(aya_flow_entry, backend),
                        offsetof(aya_flow_entry, expires), offsetof(aya_flow_entry, state),
                        u64{AYA_FLOW_WAYS}, u64{AYA_ABI_VERSION}})
        h = fnv1a(h, v);
    return h;
}

// The first hugetlbfs that is mounted; empty: none.
inline std::string hugetlbfs_mount()
{
    std::ifstream mounts("/proc/mounts");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream fields(line);
        std::string device, directory, type;
        if (fields >> device >> directory >> type && type == "hugetlbfs")
            return directory;
    }
    return {};
}

// Where flow tables are kept: huge pages if `huge_pages` and some hugetlbfs is mounted, else the instance's
// directory.
inline std::string flow_file_path(const std::string &instance_dir, const std::string &instance, u32 port,
                                  u32 queue, bool huge_pages)
{
    const std::string name = "flows-" + std::to_string(port) + "-" + std::to_string(queue);
    const std::string mount = huge_pages ? hugetlbfs_mount() : "";
    return mount.empty() ? instance_dir + "/" + name : mount + "/aya-" + instance + "-" + name;
}

} // namespace aya
