// SPDX-License-Identifier: BSD-2-Clause
#include "api/flow_counts.hpp"

namespace aya::api
{

std::optional<std::uint64_t> FlowCounts::find(const Scene &scene, u32 backend, u64 now_ns)
{
    const bool is_fresh =
        !counts_.empty() && generation_ == scene.tables.generation() && now_ns - counted_ns_ < kKeepNs;
    if (!is_fresh && !count(scene, now_ns))
        return std::nullopt;
    return counts_.at(backend);
}

bool FlowCounts::count(const Scene &scene, u64 now_ns)
{
    counts_.clear();
    const FlowTables tables = scene.dataplane.flow_tables();
    if (tables.tables.empty())
        return false;
    generation_ = scene.tables.generation();
    counted_ns_ = now_ns;
    counts_.resize(scene.tables.capacities().backends);
    const aya_backend *backends = scene.tables.slot(generation_).backends;
    const u16 now = aya_tick(now_ns);
    for (const FlowTableView &table : tables.tables)
        for (std::uint64_t set = 0; set <= table.set_mask; set++)
            for (const aya_flow_entry &entry : table.sets[set].way)
                if (entry.state >= AYA_FLOW_ESTABLISHED && entry.backend < counts_.size() &&
                    entry.incarnation == backends[entry.backend].incarnation &&
                    entry.service == backends[entry.backend].service && aya_flow_remaining(&entry, now) > 0)
                    counts_[entry.backend]++;
    return true;
}

} // namespace aya::api
