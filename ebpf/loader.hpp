// SPDX-License-Identifier: BSD-2-Clause
//
// The forwarding program in the kernel: loaded with given sizes, its maps mapped. libbpf stays behind this
// class.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "aya/counters.h"
#include "aya/flow_table.h"
#include "aya/shm.hpp"

namespace aya
{

// One line: what was tried, what the kernel said, what to do.
class BpfError : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

struct ForwardSizes {
    Capacities capacities{};
    u32 queues = 1;
    u32 flow_sets = 1 << 15; // of each queue, a power of two
    u32 port_index = 0;
};

// One slot of the double tables, as the publisher writes and an accessor reads it.
struct ForwardSlot {
    aya_settings *settings;
    aya_vip *vips;
    aya_service *services;
    aya_backend *backends;
};

class ForwardProgram
{
public:
    explicit ForwardProgram(const ForwardSizes &sizes); // throws BpfError
    ~ForwardProgram();
    ForwardProgram(const ForwardProgram &) = delete;
    ForwardProgram &operator=(const ForwardProgram &) = delete;

    int program_fd() const;
    int map_fd(const char *name) const; // throws BpfError for an unknown name

    const ForwardSlot &slot(u64 generation) const { return slots_[generation & 1]; }
    u32 *lookup() const { return lookup_; }
    aya_control *control() const { return control_; }
    aya_flow_set *flows(u32 queue) const { return flows_ + u64{queue} * sizes_.flow_sets; }
    aya_worker_totals *totals(u32 queue) const { return totals_ + queue; }
    aya_service_counters *service_counters(u32 queue) const
    {
        return service_counters_ + u64{queue} * sizes_.capacities.services;
    }
    aya_backend_counters *backend_counters(u32 queue) const
    {
        return backend_counters_ + u64{queue} * sizes_.capacities.backends;
    }

private:
    struct Object;
    template <class Entry>
    Entry *map(const char *name, u64 entries);

    ForwardSizes sizes_;
    std::unique_ptr<Object> object_;
    ForwardSlot slots_[2]{};
    u32 *lookup_ = nullptr;
    aya_control *control_ = nullptr;
    aya_flow_set *flows_ = nullptr;
    aya_worker_totals *totals_ = nullptr;
    aya_service_counters *service_counters_ = nullptr;
    aya_backend_counters *backend_counters_ = nullptr;
};

} // namespace aya
