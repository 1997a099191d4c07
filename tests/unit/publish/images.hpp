// SPDX-License-Identifier: BSD-2-Clause
// Builders of images, and what a reader finds in the tables, by name.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "aya/forward.h"
#include "memory_sink.hpp"
#include "model/image.hpp"
#include "publish/port_ranges.hpp"
#include "publish/publisher.hpp"

namespace aya::test
{

inline BackendImage make_backend(const std::string &name, u8 state = AYA_BACKEND_UP, u8 mark = 0)
{
    BackendImage backend;
    backend.name = name;
    backend.address = IpAddress::v4(10, 0, 0, 1);
    backend.entry.state = state;
    backend.entry.mtu = 1500;
    backend.entry.macs[0] = mark;
    return backend;
}

inline LookupTable make_lookup(std::vector<u32> slots)
{
    return std::make_shared<const std::vector<u32>>(std::move(slots));
}

// `size` slots, given in turns to the backends that are up.
inline LookupTable lookup_in_turns(const ServiceImage &service, u32 size)
{
    std::vector<u32> up;
    for (u32 i = 0; i < service.backends.size(); i++)
        if (service.backends[i].entry.state == AYA_BACKEND_UP)
            up.push_back(i);
    std::vector<u32> slots;
    for (u32 i = 0; i < size && !up.empty(); i++)
        slots.push_back(up[i % up.size()]);
    return make_lookup(std::move(slots));
}

inline ServiceImage make_service(const std::string &name, const std::vector<std::string> &vips,
                                 const std::vector<std::string> &backends, u32 slots = 17)
{
    ServiceImage service;
    service.name = name;
    service.flags = AYA_SERVICE_PRESENT;
    service.idle_timeout[AYA_FLOW_ESTABLISHED] = 900;
    for (const auto &vip : vips)
        service.vips.push_back(*parse_vip(vip));
    for (const auto &backend : backends)
        service.backends.push_back(make_backend(backend));
    service.lookup = lookup_in_turns(service, slots);
    return service;
}

inline ServiceImage with_list(ServiceImage service, const SourceSet &sources)
{
    service.flags |= AYA_SERVICE_LISTS;
    service.guard.flags |= AYA_GUARD_LISTS;
    service.sources = sources;
    return service;
}

inline SourceSet refusing(const std::string &network)
{
    return std::make_shared<const std::vector<u32>>(build_source_set({}, {*parse_prefix(network)}, false));
}

inline TableImage make_image(const std::vector<ServiceImage> &services)
{
    TableImage image;
    image.seed[0] = 1;
    for (const auto &service : services)
        image.services.push_back(std::make_shared<const ServiceImage>(service));
    return image;
}

// What the tables say, free of ids.
struct Snapshot {
    struct Service {
        u32 flags = 0;
        std::vector<u16> idle;
        std::vector<std::string> lookup;
        std::map<std::string, std::pair<u8, u8>> backends; // state, mark
        std::set<std::string> vips;
        std::vector<u32> sources; // lines of its lists
        bool operator==(const Service &) const = default;
    };
    std::map<std::string, Service> services;
    std::set<std::string> addresses; // that answer echo requests
    bool operator==(const Snapshot &) const = default;
};

inline Snapshot snapshot_of(const TableImage &image)
{
    Snapshot snapshot;
    for (const auto &service : image.services) {
        auto &to = snapshot.services[service->name];
        to.flags = service->flags;
        to.idle.assign(std::begin(service->idle_timeout), std::end(service->idle_timeout));
        if (service->sources)
            to.sources = *service->sources;
        for (u32 index : *service->lookup)
            to.lookup.push_back(service->backends[index].name);
        for (const auto &backend : service->backends)
            to.backends[backend.name] = {backend.entry.state, backend.entry.macs[0]};
        for (const auto &vip : service->vips) {
            to.vips.insert(to_string(vip));
            snapshot.addresses.insert(to_string(vip.prefix()));
        }
    }
    return snapshot;
}

inline u32 search(const aya_view &view, const VipKey &vip)
{
    be32 address[4];
    std::memcpy(address, vip.address.bytes.data(), sizeof(address));
    return aya_vip_search(&view, view.settings, address, aya_cpu_to_be16(vip.port),
                          static_cast<u8>(vip.protocol));
}

inline std::vector<std::string> lookup_names(const MemorySink &sink, u64 generation, u32 offset, u32 size)
{
    std::vector<std::string> names;
    for (u32 i = 0; i < size; i++) {
        const u32 id = sink.lookup()[offset + i];
        names.emplace_back(id < sink.capacities().backends ? sink.slot(generation).backend_names[id].text
                                                           : "?");
    }
    return names;
}

// As a reader of `generation` sees it: through the VIP hash that data planes use, and by walking every entry.
inline Snapshot snapshot_of(const MemorySink &sink, u64 generation)
{
    Snapshot snapshot;
    const TableSlot &slot = sink.slot(generation);
    const aya_view view = sink.view(generation);
    std::map<u32, std::string> names;
    for (u32 id = 0; id < sink.capacities().services; id++) {
        const aya_service &entry = slot.services[id];
        const std::string name = slot.service_names[id].text;
        EXPECT_EQ(name.empty(), (entry.flags & AYA_SERVICE_PRESENT) == 0) << "service " << id;
        if (name.empty())
            continue;
        names[id] = name;
        auto &to = snapshot.services[name];
        to.flags = entry.flags;
        to.idle.assign(std::begin(entry.idle_timeout), std::end(entry.idle_timeout));
        if (entry.flags & AYA_SERVICE_LISTS) {
            const u32 *set = sink.lookup() + 16 * slot.guards[id].sources;
            to.sources.assign(set, set + 16 * *set);
        }
        to.lookup = lookup_names(sink, generation, entry.lookup_offset, entry.lookup_size);
    }
    for (u32 id = 0; id < sink.capacities().backends; id++) {
        const aya_backend &entry = slot.backends[id];
        const std::string name = slot.backend_names[id].text;
        EXPECT_EQ(name.empty(), entry.state == AYA_BACKEND_FREE) << "backend " << id;
        if (!name.empty())
            snapshot.services[names.at(entry.service)].backends[name] = {entry.state, entry.macs[0]};
    }
    bool wide = false;
    for (u32 i = 0; i < sink.capacities().vips; i++) {
        const aya_vip &entry = slot.vips[i];
        if (entry.protocol == 0)
            continue;
        VipKey vip{IpAddress::from_v6_bytes(entry.address), aya_be16_to_cpu(entry.port),
                   static_cast<Protocol>(entry.protocol)};
        EXPECT_EQ(search(view, vip), entry.service) << to_string(vip) << " is not where its hash says";
        if (entry.protocol == AYA_PROTO_ICMP) {
            const Prefix prefix = prefix_of_entry(vip.address, vip.port).value();
            snapshot.addresses.insert(to_string(prefix));
            for (u32 r = entry.range_offset; r < entry.range_offset + entry.range_count; r++) {
                const aya_port_range &range = slot.port_ranges[r];
                snapshot.services[names.at(range.service)].vips.insert(to_string(vip_of(prefix, range)));
                wide = true;
            }
            continue;
        }
        snapshot.services[names.at(entry.service)].vips.insert(to_string(vip));
    }
    EXPECT_EQ(slot.settings->wide != 0, wide);
    return snapshot;
}

} // namespace aya::test
