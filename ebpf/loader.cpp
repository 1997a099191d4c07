// SPDX-License-Identifier: BSD-2-Clause
#include "loader.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <utility>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "forward.skel.h"
#pragma GCC diagnostic pop

namespace aya
{

namespace
{

// libbpf's own words are for its developers; the errors that we throw say what an operator can do.
int keep_quiet(libbpf_print_level, const char *, va_list)
{
    return 0;
}

std::string why(const char *what, int error)
{
    std::string text = std::string(what) + ": " + std::strerror(error);
    if (error == EPERM || error == EACCES)
        text += "; run as root (or with CAP_BPF and CAP_NET_ADMIN), kernel 5.15 or newer";
    else if (error == ENOMEM || error == E2BIG)
        text += "; lower \"limits\" or \"flows_per_worker\" in the configuration";
    return text;
}

} // namespace

struct ForwardProgram::Object {
    forward_bpf *skeleton = nullptr;
    std::vector<std::pair<void *, size_t>> mappings{};

    ~Object()
    {
        for (auto [data, size] : mappings)
            ::munmap(data, size);
        forward_bpf__destroy(skeleton);
    }
};

template <class Entry>
Entry *ForwardProgram::map(const char *name, u64 entries)
{
    const size_t size = (entries * sizeof(Entry) + 4095) & ~size_t{4095};
    void *data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd(name), 0);
    if (data == MAP_FAILED)
        throw BpfError(why((std::string("cannot map BPF table ") + name).c_str(), errno));
    object_->mappings.emplace_back(data, size);
    return static_cast<Entry *>(data);
}

ForwardProgram::ForwardProgram(const ForwardSizes &sizes) : sizes_(sizes), object_(std::make_unique<Object>())
{
    libbpf_set_print(keep_quiet);
    const Capacities &c = sizes.capacities;
    forward_bpf *skeleton = object_->skeleton = forward_bpf__open();
    if (!skeleton)
        throw BpfError(why("cannot open the XDP program", errno));
    skeleton->rodata->vip_capacity = c.vips;
    skeleton->rodata->service_capacity = c.services;
    skeleton->rodata->backend_capacity = c.backends;
    skeleton->rodata->flow_set_mask = sizes.flow_sets - 1;
    skeleton->rodata->queue_count = sizes.queues;
    skeleton->rodata->port_index = sizes.port_index;
    const std::pair<bpf_map *, u64> entries[] = {
        {skeleton->maps.vips, 2 * u64{c.vips}},
        {skeleton->maps.services, 2 * u64{c.services}},
        {skeleton->maps.backends, 2 * u64{c.backends}},
        {skeleton->maps.lookup, c.lookup_slots / 16},
        {skeleton->maps.flows, u64{sizes.queues} * sizes.flow_sets},
        {skeleton->maps.totals, sizes.queues},
        {skeleton->maps.reply_limits, sizes.queues},
        {skeleton->maps.service_counters, u64{sizes.queues} * c.services},
        {skeleton->maps.backend_counters, u64{sizes.queues} * c.backends},
    };
    for (const auto &[map, count] : entries)
        if (int error = bpf_map__set_max_entries(map, static_cast<u32>(count)))
            throw BpfError(why("cannot size the XDP program's tables", -error));
    if (int error = forward_bpf__load(skeleton))
        throw BpfError(why("the kernel refused the XDP program", -error));

    control_ = map<aya_control>("control", 1);
    auto *settings = map<aya_settings>("settings", 2);
    auto *vips = map<aya_vip>("vips", 2 * u64{c.vips});
    auto *services = map<aya_service>("services", 2 * u64{c.services});
    auto *backends = map<aya_backend>("backends", 2 * u64{c.backends});
    for (u32 i = 0; i < 2; i++)
        slots_[i] = {settings + i, vips + u64{i} * c.vips, services + u64{i} * c.services,
                     backends + u64{i} * c.backends};
    lookup_ = map<u32>("lookup", c.lookup_slots);
    flows_ = map<aya_flow_set>("flows", u64{sizes.queues} * sizes.flow_sets);
    totals_ = map<aya_worker_totals>("totals", sizes.queues);
    service_counters_ = map<aya_service_counters>("service_counters", u64{sizes.queues} * c.services);
    backend_counters_ = map<aya_backend_counters>("backend_counters", u64{sizes.queues} * c.backends);
}

ForwardProgram::~ForwardProgram() = default;

int ForwardProgram::program_fd() const
{
    return bpf_program__fd(object_->skeleton->progs.aya_forward);
}

int ForwardProgram::map_fd(const char *name) const
{
    const int fd = bpf_object__find_map_fd_by_name(object_->skeleton->obj, name);
    if (fd < 0)
        throw BpfError(std::string("the XDP program has no table ") + name);
    return fd;
}

} // namespace aya
