// SPDX-License-Identifier: BSD-2-Clause
#include "loader.hpp"

#include <cerrno>
#include <sys/mman.h>

namespace aya
{

template <class Entry>
Entry *ForwardProgram::map(const char *name, u64 entries)
{
    const size_t size = (entries * sizeof(Entry) + 4095) & ~size_t{4095};
    void *data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd(name), 0);
    if (data == MAP_FAILED)
        throw BpfError(bpf_failure(std::string("cannot map BPF table ") + name, errno));
    mappings_.emplace_back(data, size);
    return static_cast<Entry *>(data);
}

ForwardProgram::ForwardProgram(const ForwardSizes &sizes) : sizes_(sizes), object_(sizes)
{
    const Capacities &c = sizes.capacities;
    control_ = map<aya_control>("control", 1);
    mode_ = map<aya_xdp_mode>("mode", 1);
    auto *settings = map<aya_settings>("settings", 2);
    for (u32 i = 0; i < 2; i++)
        slots_[i].settings = settings + i;
#define AYA_X(table, entry, per)                                   \
    slots_[0].table = map<aya_##entry>(#table, 2 * u64{c.per##s}); \
    slots_[1].table = slots_[0].table + c.per##s;
    AYA_PACKET_TABLES(AYA_X)
#undef AYA_X
    lookup_ = map<u32>("lookup", c.lookup_slots);
    flows_ = map<aya_flow_set>("flows", u64{sizes.queues} * sizes.flow_sets);
    flow_loads_ = map<aya_backend_load>("flow_loads", u64{sizes.queues} * c.backends);
    totals_ = map<aya_worker_totals>("totals", sizes.queues);
    service_counters_ = map<aya_service_counters>("service_counters", u64{sizes.queues} * c.services);
    buckets_ = map<aya_buckets>("buckets", c.services);
    source_buckets_ = map<u64>("source_buckets", u64{2} * AYA_SOURCE_BUCKETS);
    backend_counters_ = map<aya_backend_counters>("backend_counters", u64{sizes.queues} * c.backends);
}

ForwardProgram::~ForwardProgram()
{
    for (auto [data, size] : mappings_)
        ::munmap(data, size);
}

} // namespace aya
