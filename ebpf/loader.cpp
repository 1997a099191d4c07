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
    auto *vips = map<aya_vip>("vips", 2 * u64{c.vips});
    auto *services = map<aya_service>("services", 2 * u64{c.services});
    auto *backends = map<aya_backend>("backends", 2 * u64{c.backends});
    auto *tunnels = map<aya_tunnel>("tunnels", 2 * u64{c.backends});
    for (u32 i = 0; i < 2; i++)
        slots_[i] = {settings + i, vips + u64{i} * c.vips, services + u64{i} * c.services,
                     backends + u64{i} * c.backends, tunnels + u64{i} * c.backends};
    lookup_ = map<u32>("lookup", c.lookup_slots);
    flows_ = map<aya_flow_set>("flows", u64{sizes.queues} * sizes.flow_sets);
    totals_ = map<aya_worker_totals>("totals", sizes.queues);
    service_counters_ = map<aya_service_counters>("service_counters", u64{sizes.queues} * c.services);
    backend_counters_ = map<aya_backend_counters>("backend_counters", u64{sizes.queues} * c.backends);
}

ForwardProgram::~ForwardProgram()
{
    for (auto [data, size] : mappings_)
        ::munmap(data, size);
}

} // namespace aya
