// SPDX-License-Identifier: BSD-2-Clause
// What must be written so that the tables say what an image says.
#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_set>

#include "publish/publisher_state.hpp"

namespace aya
{

namespace
{

bool is_alive(const aya_backend &entry)
{
    return entry.state >= AYA_BACKEND_DRAINING;
}

ConfigError full(const char *limit, const std::string &service, const std::string &what)
{
    return {.where = std::string("/controlplane/limits/") + limit,
            .message = "service " + service + ": " + what + "; raise the limit and restart both daemons",
            .kind = ErrorKind::conflict};
}

template <class Entry>
bool same(const Entry &a, const Entry &b)
{
    static_assert(std::is_trivially_copyable_v<Entry>);
    return std::memcmp(&a, &b, sizeof(Entry)) == 0;
}

std::optional<u32> take(std::deque<u32> &free, std::deque<u32> &freed, std::vector<u32> &taken)
{
    if (!free.empty()) {
        const u32 id = free.front();
        free.pop_front();
        taken.push_back(id);
        return id;
    }
    if (freed.empty())
        return std::nullopt;
    const u32 id = freed.front();
    freed.pop_front();
    return id;
}

void give_back(std::deque<u32> &free, const std::vector<u32> &taken)
{
    free.insert(free.begin(), taken.begin(), taken.end());
}

aya_service make_service_entry(const ServiceImage &image, const KnownService &known)
{
    aya_service entry = {};
    entry.lookup_offset = known.current.offset;
    entry.lookup_size = known.current.size;
    entry.previous_offset = known.previous.offset;
    entry.previous_size = known.previous.size;
    entry.flags = image.flags | AYA_SERVICE_PRESENT;
    std::copy(std::begin(image.idle_timeout), std::end(image.idle_timeout), std::begin(entry.idle_timeout));
    entry.source_ignored_ipv4 = image.source_ignored_ipv4;
    std::copy(std::begin(image.source_ignored_ipv6), std::end(image.source_ignored_ipv6),
              std::begin(entry.source_ignored_ipv6));
    return entry;
}

bool same_set(const SourceSet &a, const SourceSet &b)
{
    return a == b || *a == *b;
}

aya_guard make_guard(const ServiceImage &image, const std::vector<KnownSet> &sets)
{
    aya_guard guard = image.guard;
    for (const KnownSet &set : sets)
        if (image.sources && same_set(set.content, image.sources))
            guard.sources = set.span.offset / Arena::kLine;
    return guard;
}

aya_quic make_quic_entry(const ServiceImage &image, const KnownService &known)
{
    aya_quic entry = image.quic;
    entry.servers_offset = known.servers.offset;
    entry.servers_size = known.servers.size;
    return entry;
}

// A free entry keeps its incarnation: flow tables may still name it.
aya_backend make_free_entry(const aya_backend &live)
{
    aya_backend entry = {};
    entry.incarnation = live.incarnation;
    return entry;
}

} // namespace

// Where the same services stand in the same order as last time, it takes a look at a pointer each to find the
// few that changed.
Refusal Publisher::State::plan(const TableImage &image, Plan &plan, Publisher::Clock::time_point now)
{
    if (Refusal refusal = plan_sets(image, plan))
        return refusal;
    std::vector<const std::shared_ptr<const ServiceImage> *> changed;
    bool same_names = image.services.size() == last_image.size() && services.size() == last_image.size();
    for (size_t i = 0; i < image.services.size(); i++) {
        const auto &service = image.services[i];
        if (i < last_image.size() && service == last_image[i])
            continue;
        changed.push_back(&service);
        same_names = same_names && service->name == last_image[i]->name;
    }
    if (!same_names)
        if (Refusal refusal = plan_comings_and_goings(image, plan))
            return refusal;
    for (const auto *service : changed) {
        const auto known = services.find((*service)->name);
        const KnownService *before = known == services.end() ? nullptr : &known->second;
        if (before && before->image == *service)
            continue;
        if (Refusal refusal = plan_service(*service, before, plan, now))
            return refusal;
    }
    plan.hash_key = hash_key_of(image.seed);
    plan.resets = image.resets;
    plan.new_settings =
        !same(plan.hash_key, live().settings->hash_key) || plan.resets != (live().settings->resets != 0);
    return check_vips(plan);
}

bool Publisher::State::holds(const KnownSet &set, const SourceSet &content) const
{
    if (set.content)
        return same_set(set.content, content);
    return set.span.size == content->size() &&
           std::equal(content->begin(), content->end(), sink.lookup() + set.span.offset);
}

// The sets that the image has, each in its place of before or a new one.
Refusal Publisher::State::plan_sets(const TableImage &image, Plan &plan)
{
    std::vector<KnownSet> left = sets;
    for (const auto &service : image.services) {
        const SourceSet &content = service->sources;
        const auto is_same = [&](const KnownSet &set) { return holds(set, content); };
        if (!content || std::any_of(plan.sets.begin(), plan.sets.end(), is_same))
            continue;
        if (const auto found = std::find_if(left.begin(), left.end(), is_same); found != left.end()) {
            plan.sets.push_back({found->span, content});
            left.erase(found);
            continue;
        }
        const auto span = arena.allocate(static_cast<u32>(content->size()));
        if (!span)
            return full("lookup_slots", service->name,
                        "the lookup arena of " + std::to_string(sink.capacities().lookup_slots) +
                            " slots has no room for lists of " + std::to_string(content->size()));
        plan.taken_spans.push_back(*span);
        plan.new_sets.push_back({*span, content});
        plan.sets.push_back({*span, content});
    }
    for (const KnownSet &set : left)
        plan.dropped.push_back(set.span);
    return std::nullopt;
}

Refusal Publisher::State::plan_comings_and_goings(const TableImage &image, Plan &plan)
{
    std::unordered_set<std::string_view> wanted;
    for (const auto &service : image.services)
        if (!wanted.insert(service->name).second)
            return ConfigError{"/services", "two services are named " + service->name, ErrorKind::conflict};
    for (const auto &[name, service] : services)
        if (!wanted.contains(name))
            plan_removal(name, service, plan);
    return std::nullopt;
}

// Every VIP belongs to one service.
Refusal Publisher::State::check_vips(const Plan &plan) const
{
    std::set<VipKey> gone;
    for (const auto &change : plan.vips)
        if (change.service == AYA_SERVICE_NONE)
            gone.insert(change.vip);
    std::set<VipKey> added;
    for (const auto &change : plan.vips) {
        if (change.service == AYA_SERVICE_NONE)
            continue;
        const auto owner = vips.vips().find(change.vip);
        const bool taken =
            owner != vips.vips().end() && owner->second != change.service && !gone.contains(change.vip);
        if (taken || !added.insert(change.vip).second)
            return ConfigError{"/services", "VIP " + to_string(change.vip) + " belongs to two services",
                               ErrorKind::conflict};
    }
    return std::nullopt;
}

Refusal Publisher::State::plan_service(const std::shared_ptr<const ServiceImage> &image,
                                       const KnownService *before, Plan &plan,
                                       Publisher::Clock::time_point now)
{
    if (image->name.empty() || image->name.size() >= AYA_NAME_SIZE)
        return ConfigError{"/services", "service name " + image->name + " does not fit the tables"};
    KnownService after;
    after.image = image;
    if (before) {
        after.id = before->id;
    } else if (auto id = take(free_services, plan.freed_services, plan.taken_services)) {
        after.id = *id;
    } else {
        return full("services", image->name,
                    "the tables have room for " + std::to_string(sink.capacities().services) + " services");
    }
    if (Refusal refusal = plan_backends(*image, before, after, plan))
        return refusal;
    if (Refusal refusal = plan_lookup(*image, before, after, plan, now))
        return refusal;
    if (Refusal refusal = plan_servers(image, before, after, plan))
        return refusal;
    plan_vips(*image, before, after, plan);
    const aya_service entry = make_service_entry(*image, after);
    const aya_guard guard = make_guard(*image, plan.sets);
    const aya_quic quic = make_quic_entry(*image, after);
    if (!before || !same(entry, live().services[after.id]) || !same(guard, live().guards[after.id]) ||
        !same(quic, live().quics[after.id]))
        plan.services.push_back({after.id, entry, guard, quic, image->name});
    plan.known.emplace_back(image->name, std::move(after));
    return std::nullopt;
}

Refusal Publisher::State::plan_backends(const ServiceImage &image, const KnownService *before,
                                        KnownService &after, Plan &plan)
{
    std::unordered_set<std::string_view> wanted;
    for (const BackendImage &backend : image.backends) {
        if (backend.name.empty() || backend.name.size() >= AYA_NAME_SIZE)
            return ConfigError{"/services", "backend name " + backend.name + " does not fit the tables"};
        if (!wanted.insert(backend.name).second)
            return ConfigError{"/services",
                               "service " + image.name + " has two backends named " + backend.name,
                               ErrorKind::conflict};
    }
    if (before)
        for (const auto &[name, backend] : before->backends)
            if (!wanted.contains(name)) {
                plan.backends.push_back(
                    {backend.id, make_free_entry(live().backends[backend.id]), {}, {}, {}});
                plan.freed_backends.push_back(backend.id);
            }
    for (const BackendImage &backend : image.backends) {
        const KnownBackend *known = nullptr;
        if (before)
            if (auto found = before->backends.find(backend.name); found != before->backends.end())
                known = &found->second;
        const auto id = known ? known->id : take(free_backends, plan.freed_backends, plan.taken_backends);
        if (!id)
            return full("backends", image.name,
                        "the tables have room for " + std::to_string(sink.capacities().backends) +
                            " backends");
        const aya_backend &now = live().backends[*id];
        const bool another = !known || (known->address && *known->address != backend.address);
        aya_backend entry = backend.entry;
        entry.service = static_cast<u16>(after.id);
        entry.incarnation = now.incarnation;
        if (another || (is_alive(now) && !is_alive(entry)))
            entry.incarnation++;
        if (!known || !same(entry, now) || !same(backend.tunnel, live().tunnels[*id]) ||
            !same(backend.server, live().servers[*id]))
            plan.backends.push_back({*id, entry, backend.tunnel, backend.server, backend.name});
        after.backends.emplace(backend.name, KnownBackend{.id = *id, .address = backend.address});
        after.ids.push_back(*id);
    }
    return std::nullopt;
}

bool Publisher::State::holds(Span span, const std::vector<u32> &table, const std::vector<u32> &ids) const
{
    if (span.size != table.size())
        return false;
    const u32 *slots = sink.lookup() + span.offset;
    for (u32 i = 0; i < span.size; i++)
        if (slots[i] != ids[table[i]])
            return false;
    return true;
}

// What becomes of the lookup table that was in force: the previous one, if it was in force for long and is
// not empty.
void Publisher::State::replace_lookup(const KnownService &before, KnownService &after, Plan &plan,
                                      Publisher::Clock::time_point now) const
{
    if (before.current.size == 0)
        return;
    if (before.current_in_force.length(now) < kLookupInForce) {
        plan.dropped.push_back(before.current);
        return;
    }
    after.previous = before.current;
    after.previous_in_force = {.since = before.current_in_force.since, .until = now};
    if (before.previous.size > 0)
        plan.dropped.push_back(before.previous);
}

Refusal Publisher::State::plan_lookup(const ServiceImage &image, const KnownService *before,
                                      KnownService &after, Plan &plan, Publisher::Clock::time_point now)
{
    const std::vector<u32> &table = *image.lookup;
    after.current_in_force.since = now;
    if (before) {
        after.current = before->current;
        after.previous = before->previous;
        after.previous_in_force = before->previous_in_force;
        if (after.previous.size > 0 && !after.previous_in_force.until)
            after.previous_in_force.until = now; // from an earlier run: its age is not known
        const bool untouched =
            before->image && before->image->lookup == image.lookup && before->ids == after.ids;
        if (untouched || holds(before->current, table, after.ids)) {
            after.current_in_force = before->current_in_force;
            return std::nullopt;
        }
        replace_lookup(*before, after, plan, now);
        // A backend that came back finds the table of before its failure still there.
        if (before->previous.size > 0 && holds(before->previous, table, after.ids)) {
            after.current = before->previous;
            after.current_in_force = {.since = before->previous_in_force.since, .until = {}};
            if (after.previous.offset == after.current.offset)
                after.previous = {};
            else
                plan.dropped.pop_back(); // it is the current one again
            return std::nullopt;
        }
    }
    after.current = {};
    if (table.empty())
        return std::nullopt;
    const auto span = arena.allocate(static_cast<u32>(table.size()));
    if (!span)
        return full("lookup_slots", image.name,
                    "the lookup arena of " + std::to_string(sink.capacities().lookup_slots) +
                        " slots has no room for a table of " + std::to_string(table.size()));
    plan.taken_spans.push_back(*span);
    plan.lookups.push_back({*span, image.lookup, after.ids});
    after.current = *span;
    return std::nullopt;
}

// The places of server ids are a table like a lookup table; one more id stands for free places.
Refusal Publisher::State::plan_servers(const std::shared_ptr<const ServiceImage> &image,
                                       const KnownService *before, KnownService &after, Plan &plan)
{
    const LookupTable table(image, &image->servers); // shares the image
    std::vector<u32> ids = after.ids;
    ids.push_back(AYA_BACKEND_NONE);
    if (before && holds(before->servers, *table, ids)) {
        after.servers = before->servers;
        return std::nullopt;
    }
    if (before && before->servers.size > 0)
        plan.dropped.push_back(before->servers);
    if (table->empty())
        return std::nullopt;
    const auto span = arena.allocate(static_cast<u32>(table->size()));
    if (!span)
        return full("lookup_slots", image->name,
                    "the lookup arena of " + std::to_string(sink.capacities().lookup_slots) +
                        " slots has no room for the places of " + std::to_string(after.ids.size()) +
                        " server ids");
    plan.taken_spans.push_back(*span);
    plan.lookups.push_back({*span, table, std::move(ids)});
    after.servers = *span;
    return std::nullopt;
}

void Publisher::State::plan_vips(const ServiceImage &image, const KnownService *before, KnownService &after,
                                 Plan &plan)
{
    static const std::vector<VipKey> kNone;
    const std::vector<VipKey> &old = before ? before->vips : kNone;
    after.vips = image.vips;
    std::sort(after.vips.begin(), after.vips.end());
    for (const VipKey &vip : old)
        if (!std::binary_search(after.vips.begin(), after.vips.end(), vip))
            plan.vips.push_back({vip, AYA_SERVICE_NONE});
    for (const VipKey &vip : after.vips) {
        std::vector<Prefix> local = within(image.local, vip.prefix());
        if (!std::binary_search(old.begin(), old.end(), vip) || vips.local_of(vip) != local)
            plan.vips.push_back({vip, after.id, std::move(local)});
    }
}

void Publisher::State::plan_removal(const std::string &name, const KnownService &service, Plan &plan)
{
    plan.services.push_back({service.id, aya_service{}, aya_guard{}, aya_quic{}, {}});
    plan.freed_services.push_back(service.id);
    for (const auto &[backend_name, backend] : service.backends) {
        plan.backends.push_back({backend.id, make_free_entry(live().backends[backend.id]), {}, {}, {}});
        plan.freed_backends.push_back(backend.id);
    }
    for (Span span : {service.current, service.previous, service.servers})
        if (span.size > 0)
            plan.dropped.push_back(span);
    for (const VipKey &vip : service.vips)
        plan.vips.push_back({vip, AYA_SERVICE_NONE});
    plan.forgotten.push_back(name);
}

void Publisher::State::undo(const Plan &plan)
{
    give_back(free_services, plan.taken_services);
    give_back(free_backends, plan.taken_backends);
    for (Span span : plan.taken_spans)
        arena.release(span);
}

} // namespace aya
