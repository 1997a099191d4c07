// SPDX-License-Identifier: BSD-2-Clause
// Taking up live tables: names, ids, incarnations and spans as the live slot has them.
#include <algorithm>
#include <cstring>

#include "publish/publisher_state.hpp"

namespace aya
{

namespace
{

[[noreturn]] void refuse(const std::string &what)
{
    throw SegmentError("the live tables contradict themselves: " + what +
                       "; stop aya-dataplane, remove the tables file and start both again");
}

std::string entry_name(const char *kind, u32 id)
{
    return std::string(kind) + " " + std::to_string(id);
}

// Empty: the id is free.
std::string_view read_name(const aya_name &name, const char *kind, u32 id)
{
    const size_t length = ::strnlen(name.text, sizeof(name.text));
    if (length == sizeof(name.text))
        refuse(entry_name(kind, id) + " has an unterminated name");
    return {name.text, length};
}

} // namespace

void Publisher::State::recover()
{
    generation = sink.generation();
    if (generation == 0) {
        recover_free_ids();
        return;
    }
    unknown_differences = true; // a predecessor may have been stopped while it wrote the other slot
    recover_services();
    recover_backends();
    recover_vips();
    recover_free_ids();
}

void Publisher::State::recover_services()
{
    for (u32 id = 0; id < sink.capacities().services; id++) {
        const aya_service &entry = live().services[id];
        const std::string_view name = read_name(live().service_names[id], "service", id);
        if (name.empty() != ((entry.flags & AYA_SERVICE_PRESENT) == 0))
            refuse(entry_name("service", id) + " has an entry or a name, but not both");
        if (name.empty())
            continue;
        KnownService service;
        service.id = id;
        service.current = {entry.lookup_offset, entry.lookup_size};
        service.previous = {entry.previous_offset, entry.previous_size};
        const aya_quic &quic = live().quics[id];
        service.servers = {quic.servers_offset, quic.servers_size};
        for (Span span : {service.current, service.previous, service.servers})
            if (span.size > 0 && !arena.reserve(span))
                refuse(entry_name("service", id) +
                       " has a lookup table that is outside the arena or belongs to another service");
        if (entry.flags & AYA_SERVICE_LISTS)
            recover_set(id);
        if (!services.emplace(name, std::move(service)).second)
            refuse("two services are named " + std::string(name));
    }
}

void Publisher::State::recover_set(u32 service_id)
{
    const u64 offset = u64{live().guards[service_id].sources} * Arena::kLine;
    for (const KnownSet &set : sets)
        if (set.span.offset == offset)
            return;
    const bool is_inside = offset + Arena::kLine <= sink.capacities().lookup_slots;
    const u64 size = is_inside ? u64{sink.lookup()[offset]} * Arena::kLine : 0; // aya_source_set::lines
    const Span span{static_cast<u32>(offset), static_cast<u32>(std::min<u64>(size, UINT32_MAX))};
    if (!arena.reserve(span))
        refuse(entry_name("service", service_id) +
               " has lists that are outside the arena or belong to another service");
    sets.push_back({span, nullptr});
}

void Publisher::State::recover_backends()
{
    std::vector<KnownService *> by_id(sink.capacities().services);
    for (auto &[name, service] : services)
        by_id[service.id] = &service;
    for (u32 id = 0; id < sink.capacities().backends; id++) {
        const aya_backend &entry = live().backends[id];
        const std::string_view name = read_name(live().backend_names[id], "backend", id);
        if (name.empty() != (entry.state == AYA_BACKEND_FREE) || entry.state > AYA_BACKEND_UP)
            refuse(entry_name("backend", id) + " has an entry or a name, but not both");
        if (name.empty())
            continue;
        KnownService *service = entry.service < by_id.size() ? by_id[entry.service] : nullptr;
        if (!service)
            refuse(entry_name("backend", id) + " belongs to a service that does not exist");
        if (!service->backends.emplace(name, KnownBackend{.id = id, .address = std::nullopt}).second)
            refuse(entry_name("backend", id) +
                   " has the same name as another backend of its service: " + std::string(name));
    }
}

void Publisher::State::recover_vips()
{
    const aya_settings &settings = *live().settings;
    if (settings.vip_mask != vips.mask())
        refuse("vip_mask does not fit the table of VIPs");
    if (auto wrong = vips.load({live().vips, sink.capacities().vips},
                               {live().port_ranges, sink.capacities().vips}, settings.vip_key);
        !wrong.empty())
        refuse("VIPs: " + wrong);
    std::vector<KnownService *> by_id(sink.capacities().services);
    for (auto &[name, service] : services)
        by_id[service.id] = &service;
    for (const auto &[vip, id] : vips.vips()) {
        if (id >= by_id.size() || !by_id[id])
            refuse("VIP " + to_string(vip) + " belongs to a service that does not exist");
        by_id[id]->vips.push_back(vip); // sorted, as the map is
    }
}

// In the order in which a predecessor would have given them away, as far as tables tell: ids that no flow can
// know come first.
void Publisher::State::recover_free_ids()
{
    std::vector<u32> used;
    for (u32 id = 0; id < sink.capacities().backends; id++) {
        const aya_backend &entry = live().backends[id];
        if (entry.state != AYA_BACKEND_FREE)
            continue;
        if (entry.incarnation == 0)
            free_backends.push_back(id);
        else
            used.push_back(id);
    }
    free_backends.insert(free_backends.end(), used.begin(), used.end());

    u32 above_all = 0;
    for (const auto &[name, service] : services)
        above_all = std::max(above_all, service.id + 1);
    const u32 count = sink.capacities().services;
    for (u32 i = 0; i < count; i++) {
        const u32 id = (above_all + i) % count;
        if ((live().services[id].flags & AYA_SERVICE_PRESENT) == 0)
            free_services.push_back(id);
    }
}

} // namespace aya
