// SPDX-License-Identifier: BSD-2-Clause
#include "forward_object.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>

#include "aya/counters.h"
#include "aya/tables.h"
#include "aya/xdp_mode.h"

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

// A table is a map of its name, or global data in a section of its own.
bpf_map *find_map(const bpf_object *object, const std::string &name)
{
    bpf_map *map = bpf_object__find_map_by_name(object, name.c_str());
    return map ? map : bpf_object__find_map_by_name(object, (".data." + name).c_str());
}

} // namespace

struct ForwardObject::Skeleton {
    forward_bpf *bpf = nullptr;
    ~Skeleton() { forward_bpf__destroy(bpf); }
};

ForwardObject::ForwardObject(const ForwardSizes &sizes, const Maps &given)
    : skeleton_(std::make_unique<Skeleton>())
{
    libbpf_set_print(keep_quiet);
    const Capacities &c = sizes.capacities;
    forward_bpf *bpf = skeleton_->bpf = forward_bpf__open();
    if (!bpf)
        throw BpfError(bpf_failure("cannot open the XDP program", errno));
    bpf->rodata->vip_capacity = c.vips;
    bpf->rodata->service_capacity = c.services;
    bpf->rodata->backend_capacity = c.backends;
    bpf->rodata->flow_set_mask = sizes.flow_sets - 1;
    bpf->rodata->queue_count = sizes.queues;
    bpf->rodata->port_index = sizes.port_index;
    bpf->rodata->by_processor = sizes.by_processor;
    const auto size = [](bpf_map *map, u64 entries) {
        if (int error = bpf_map__set_max_entries(map, static_cast<u32>(entries)))
            throw BpfError(bpf_failure("cannot size the XDP program's tables", -error));
    };
#define AYA_X(table, entry, per) size(bpf->maps.table, 2 * u64{c.per##s});
    AYA_PACKET_TABLES(AYA_X)
#undef AYA_X
    size(bpf->maps.lookup, c.lookup_slots / 16);
    size(bpf->maps.flows, u64{sizes.queues} * sizes.flow_sets);
    size(bpf->maps.limits, sizes.queues);
    size(bpf->maps.buckets, c.services);
    size(bpf->maps.refusals, sizes.queues);
    size(bpf->maps.flow_loads, u64{sizes.queues} * c.backends);
    size(bpf->maps.service_counters, u64{sizes.queues} * c.services);
    size(bpf->maps.backend_counters, u64{sizes.queues} * c.backends);
    for (const auto &[name, fd] : given) {
        bpf_map *map = find_map(bpf->obj, name);
        if (int error = map ? bpf_map__reuse_fd(map, fd) : -ENOENT)
            throw BpfError(bpf_failure(std::string("cannot give the XDP program its table ") + name, -error));
    }
    if (int error = forward_bpf__load(bpf))
        throw BpfError(bpf_failure("the kernel refused the XDP program", -error));
}

ForwardObject::~ForwardObject() = default;

int ForwardObject::program_fd() const
{
    return bpf_program__fd(skeleton_->bpf->progs.xsk_def_prog);
}

int ForwardObject::map_fd(const char *name) const
{
    const bpf_map *map = find_map(skeleton_->bpf->obj, name);
    if (!map)
        throw BpfError(std::string("the XDP program has no table ") + name);
    return bpf_map__fd(map);
}

u64 ForwardObject::hash(const ForwardSizes &sizes)
{
    size_t size = 0;
    const auto *bytes = static_cast<const u8 *>(forward_bpf__elf_bytes(&size));
    u64 hash = fnv1a(0xcbf29ce484222325ull, size);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    const Capacities &c = sizes.capacities;
    for (u32 value : {c.vips, c.services, c.backends, c.lookup_slots, sizes.flow_sets, sizes.queues,
                      sizes.port_index, u32{sizes.by_processor}})
        hash = fnv1a(hash, value);
    return hash;
}

} // namespace aya
