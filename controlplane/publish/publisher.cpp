// SPDX-License-Identifier: BSD-2-Clause
#include "publish/publisher.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <random>
#include <stdexcept>

#include "aya/flow_table.h"
#include "aya/hash.h"
#include "publish/publisher_state.hpp"

namespace aya
{

namespace
{

void write_name(aya_name &to, std::string_view name)
{
    to = {};
    name.copy(to.text, sizeof(to.text) - 1);
}

template <class Entry>
void copy_where_different(Entry *to, const Entry *from, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if (std::memcmp(&to[i], &from[i], sizeof(Entry)) != 0)
            to[i] = from[i];
}

u64 random_seed()
{
    std::random_device random;
    return u64{random()} << 32 | random();
}

} // namespace

aya_hash_key hash_key_of(const Seed &seed)
{
    u64 words[2];
    std::memcpy(words, seed.data(), sizeof(words));
    aya_hash_key key;
    aya_hash_key_init(&key, words);
    return key;
}

Publisher::State::State(Sink &tables)
    : sink(tables), generation(tables.generation()), arena(tables.capacities().lookup_slots),
      vips(tables.capacities().vips, random_seed())
{
    recover();
}

void Publisher::State::require_ready()
{
    if (!ready && !sink.quiescent())
        throw std::logic_error("publish: a reader still uses the slot to be written; wait for ready()");
    ready = true;
}

// Makes the slot without readers equal to the live one.
void Publisher::State::bring_up_to_date(const TableSlot &target)
{
    const TableSlot &from = live();
    if (unknown_differences) {
        const Capacities &c = sink.capacities();
#define AYA_X(table, entry, per) copy_where_different(target.table, from.table, c.per##s);
        AYA_TABLES(AYA_X)
#undef AYA_X
        unknown_differences = false;
    }
#define AYA_X(table, entry, per)         \
    for (u32 index : differences.per##s) \
        target.table[index] = from.table[index];
    AYA_TABLES(AYA_X)
#undef AYA_X
    differences = {};
}

void Publisher::State::write_entries(const Plan &plan, const TableSlot &target)
{
    for (const auto &edit : plan.services) {
        target.services[edit.id] = edit.entry;
        target.guards[edit.id] = edit.guard;
        target.quics[edit.id] = edit.quic;
        write_name(target.service_names[edit.id], edit.name);
        differences.services.push_back(edit.id);
    }
    for (const auto &edit : plan.backends) {
        target.backends[edit.id] = edit.entry;
        target.tunnels[edit.id] = edit.tunnel;
        target.servers[edit.id] = edit.server;
        write_name(target.backend_names[edit.id], edit.name);
        differences.backends.push_back(edit.id);
    }
    for (const auto &edit : plan.lookups) {
        u32 *slot = sink.lookup() + edit.span.offset;
        for (u32 index : *edit.table)
            *slot++ = edit.ids[index];
    }
    for (const auto &edit : plan.new_sets)
        std::copy(edit.content->begin(), edit.content->end(), sink.lookup() + edit.span.offset);
}

void Publisher::State::write_settings(const TableSlot &target, const Plan &plan)
{
    aya_settings settings = {};
    settings.hash_key = plan.hash_key;
    settings.resets = plan.resets;
    settings.vip_key = vips.key();
    settings.vip_mask = vips.mask();
    settings.wide = vips.is_wide();
    vips.write_lengths(settings);
    settings.created_unix = static_cast<u64>(std::time(nullptr));
    *target.settings = settings;
}

// Nothing here can fail but the sink itself.
Published Publisher::State::commit(Plan &plan, std::vector<u32> vips_written)
{
    const u64 next = generation + 1;
    const TableSlot &target = sink.slot(next);
    sink.prepare(next);
    bring_up_to_date(target);
    write_entries(plan, target);
    for (u32 index : vips_written) {
        target.vips[index] = vips.entry(index);
        target.port_ranges[index] = vips.range(index);
    }
    differences.vips = std::move(vips_written);
    write_settings(target, plan);
    sink.flip(next);
    generation = next;
    ready = false;
    // Readers may follow these spans until require_ready() holds again, and before that nothing is allocated.
    for (Span span : plan.dropped)
        arena.release(span);
    return {.generation = next, .changed = true};
}

void Publisher::State::adopt(const TableImage &image, Plan &plan)
{
    last_image = image.services;
    sets = std::move(plan.sets);
    for (const std::string &name : plan.forgotten)
        services.erase(name);
    for (auto &[name, service] : plan.known)
        services.insert_or_assign(std::move(name), std::move(service));
    free_services.insert(free_services.end(), plan.freed_services.begin(), plan.freed_services.end());
    free_backends.insert(free_backends.end(), plan.freed_backends.begin(), plan.freed_backends.end());
}

Result<Published> Publisher::State::publish(const TableImage &image, Publisher::Clock::time_point now)
{
    require_ready();
    Plan todo;
    std::vector<u32> vips_written;
    Refusal refusal = plan(image, todo, now);
    if (!refusal && !vips.apply(todo.vips, vips_written))
        refusal = ConfigError{"/controlplane/limits/vips",
                              "the table of VIPs has room for " + std::to_string(sink.capacities().vips / 2) +
                                  " VIPs and addresses, also those of this host that are in a VIP's prefix; "
                                  "raise the limit and restart both daemons",
                              ErrorKind::conflict};
    if (refusal) {
        undo(todo);
        return *refusal;
    }
    adopt(image, todo);
    if (!todo.writes())
        return Published{.generation = generation, .changed = false};
    return commit(todo, std::move(vips_written));
}

std::vector<std::string> Publisher::State::outlived_previous(Publisher::Clock::time_point now) const
{
    std::vector<std::string> names;
    for (const auto &[name, service] : services) {
        if (service.previous.size == 0 || !service.previous_in_force.until)
            continue;
        const Publisher::Clock::time_point until = *service.previous_in_force.until;
        const u64 idle = live().services[service.id].idle_timeout[AYA_FLOW_ESTABLISHED] * AYA_TICK_NS;
        const auto needed = std::min<Publisher::Clock::duration>(std::chrono::nanoseconds(idle),
                                                                 service.previous_in_force.length(until));
        if (now - until >= needed)
            names.push_back(name);
    }
    return names;
}

Published Publisher::State::retire_previous(const std::vector<std::string> &names)
{
    require_ready();
    Plan todo;
    todo.hash_key = live().settings->hash_key;
    todo.resets = live().settings->resets != 0;
    for (const std::string &name : names) {
        const auto found = services.find(name);
        if (found == services.end() || found->second.previous.size == 0)
            continue;
        KnownService &service = found->second;
        todo.dropped.push_back(std::exchange(service.previous, Span{}));
        aya_service entry = live().services[service.id];
        entry.previous_offset = 0;
        entry.previous_size = 0;
        todo.services.push_back(
            {service.id, entry, live().guards[service.id], live().quics[service.id], found->first});
    }
    if (!todo.writes())
        return {.generation = generation, .changed = false};
    return commit(todo, {});
}

Publisher::Publisher(Sink &sink) : state_(std::make_unique<State>(sink)) {}

Publisher::~Publisher() = default;

bool Publisher::ready()
{
    state_->ready = state_->ready || state_->sink.quiescent();
    return state_->ready;
}

Result<Published> Publisher::publish(const TableImage &image, Clock::time_point now)
{
    return state_->publish(image, now);
}

std::vector<std::string> Publisher::outlived_previous(Clock::time_point now) const
{
    return state_->outlived_previous(now);
}

Published Publisher::retire_previous(const std::vector<std::string> &services)
{
    return state_->retire_previous(services);
}

u64 Publisher::generation() const
{
    return state_->generation;
}

std::optional<LiveService> Publisher::find_service(std::string_view service) const
{
    const auto found = state_->services.find(service);
    if (found == state_->services.end())
        return std::nullopt;
    const KnownService &known = found->second;
    return LiveService{
        .id = known.id, .lookup_size = known.current.size, .has_previous = known.previous.size > 0};
}

std::optional<LiveBackend> Publisher::find_backend(std::string_view service, std::string_view backend) const
{
    const auto found = state_->services.find(service);
    if (found == state_->services.end())
        return std::nullopt;
    const auto known = found->second.backends.find(backend);
    if (known == found->second.backends.end())
        return std::nullopt;
    const aya_backend &entry = state_->live().backends[known->second.id];
    return LiveBackend{.id = known->second.id,
                       .incarnation = entry.incarnation,
                       .state = entry.state,
                       .address = known->second.address};
}

std::vector<std::string> Publisher::services_with_previous() const
{
    std::vector<std::string> names;
    for (const auto &[name, service] : state_->services)
        if (service.previous.size > 0)
            names.push_back(name);
    return names;
}

} // namespace aya
