// SPDX-License-Identifier: BSD-2-Clause
//
// All that may be included from here by others: the forwarding program, its tables, and attaching it. libbpf
// is hidden by these classes.
//
//   ForwardProgram    a program that lives as long as its object; for tests and benchmarks
//   XdpTables         pinned tables that all ports of an instance share
//   XdpPort           a pinned program on one interface
#pragma once

#include <vector>

#include "aya/counters.h"
#include "aya/flow_table.h"
#include "aya/shm.hpp"
#include "bpf_error.hpp"
#include "forward_object.hpp"
#include "pins.hpp"
#include "xdp_port.hpp"
#include "xdp_tables.hpp"

namespace aya
{

// The program with its maps mapped; nothing is pinned or attached.
class ForwardProgram
{
public:
    explicit ForwardProgram(const ForwardSizes &sizes); // throws BpfError
    ~ForwardProgram();
    ForwardProgram(const ForwardProgram &) = delete;
    ForwardProgram &operator=(const ForwardProgram &) = delete;

    int program_fd() const { return object_.program_fd(); }
    int map_fd(const char *name) const { return object_.map_fd(name); } // throws BpfError for an unknown name

    const TableSlot &slot(u64 generation) const { return slots_[generation & 1]; }
    u32 *lookup() const { return lookup_; }
    aya_control *control() const { return control_; }
    aya_xdp_mode *mode() const { return mode_; }
    aya_flow_set *flows(u32 queue) const { return flows_ + u64{queue} * sizes_.flow_sets; }
    aya_backend_load *flow_loads(u32 queue) const
    {
        return flow_loads_ + u64{queue} * sizes_.capacities.backends;
    }
    aya_worker_totals *totals(u32 queue) const { return totals_ + queue; }
    aya_service_counters *service_counters(u32 queue) const
    {
        return service_counters_ + u64{queue} * sizes_.capacities.services;
    }
    aya_backend_counters *backend_counters(u32 queue) const
    {
        return backend_counters_ + u64{queue} * sizes_.capacities.backends;
    }

    aya_buckets *buckets() const { return buckets_; }
    u64 *source_buckets() const { return source_buckets_; }

private:
    template <class Entry>
    Entry *map(const char *name, u64 entries);

    ForwardSizes sizes_;
    ForwardObject object_;
    std::vector<std::pair<void *, size_t>> mappings_;
    TableSlot slots_[2]{};
    u32 *lookup_ = nullptr;
    aya_control *control_ = nullptr;
    aya_xdp_mode *mode_ = nullptr;
    aya_flow_set *flows_ = nullptr;
    aya_backend_load *flow_loads_ = nullptr;
    aya_worker_totals *totals_ = nullptr;
    aya_service_counters *service_counters_ = nullptr;
    aya_backend_counters *backend_counters_ = nullptr;
    aya_buckets *buckets_ = nullptr;
    u64 *source_buckets_ = nullptr;
};

} // namespace aya
