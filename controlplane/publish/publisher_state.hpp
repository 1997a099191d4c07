// SPDX-License-Identifier: BSD-2-Clause
// Inside the publisher: what is live, and a plan to make it what an image says.
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>
#include <utility>

#include "publish/arena.hpp"
#include "publish/publisher.hpp"
#include "publish/vip_table.hpp"

namespace aya
{

struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
};
template <class T>
using ByName = std::unordered_map<std::string, T, NameHash, std::equal_to<>>;

struct KnownBackend {
    u32 id = AYA_BACKEND_NONE;
    std::optional<IpAddress> address; // absent: the tables do not tell
};

// Since when a lookup table was in force, and until when. Absent: before this run.
struct InForce {
    std::optional<Publisher::Clock::time_point> since;
    std::optional<Publisher::Clock::time_point> until;

    // From an earlier run: as long as can be.
    Publisher::Clock::duration length(Publisher::Clock::time_point end) const
    {
        return since ? end - *since : Publisher::Clock::duration::max();
    }
};

// A set of sources in the arena. Services that have it share it.
struct KnownSet {
    Span span;
    SourceSet content; // null: recovered from live tables
};

struct KnownService {
    u32 id = AYA_SERVICE_NONE;
    Span current;
    Span previous;
    Span servers;
    InForce current_in_force, previous_in_force;
    ByName<KnownBackend> backends;
    std::vector<VipKey> vips;                  // sorted
    std::shared_ptr<const ServiceImage> image; // null: recovered from live tables
    std::vector<u32> ids;                      // of image->backends
};

// Which entries differ between the two slots.
struct Differences {
    std::vector<u32> services, backends, vips;
};

struct Plan {
    struct ServiceEdit {
        u32 id;
        aya_service entry;
        aya_guard guard;
        aya_quic quic;
        std::string_view name;
    };
    struct BackendEdit {
        u32 id;
        aya_backend entry;
        aya_tunnel tunnel;
        aya_server server;
        std::string_view name;
    };
    struct LookupEdit {
        Span span;
        LookupTable table;
        std::vector<u32> ids; // index in the table -> id
    };
    struct SetEdit {
        Span span;
        SourceSet content;
    };

    // In this order: an id may be freed and then given away again.
    std::vector<ServiceEdit> services;
    std::vector<BackendEdit> backends;
    std::vector<LookupEdit> lookups;
    std::vector<SetEdit> new_sets;
    std::vector<VipTable::Change> vips;
    aya_hash_key hash_key{};
    bool resets = false;
    bool new_settings = false; // one of these two

    // What is known once the plan is done.
    std::vector<std::pair<std::string, KnownService>> known;
    std::vector<std::string> forgotten;
    std::vector<KnownSet> sets;
    std::vector<Span> dropped; // by the new generation
    std::deque<u32> freed_services;
    std::deque<u32> freed_backends;

    // What it took, for the way back.
    std::vector<u32> taken_services, taken_backends;
    std::vector<Span> taken_spans;

    bool writes() const { return new_settings || !services.empty() || !backends.empty() || !vips.empty(); }
};

aya_hash_key hash_key_of(const Seed &seed);

using Refusal = std::optional<ConfigError>;

struct Publisher::State {
    explicit State(Sink &tables);

    // publisher_recover.cpp: resumes from the live slot.
    void recover();
    void recover_services();
    void recover_set(u32 service_id);
    void recover_backends();
    void recover_vips();
    void recover_free_ids();

    // publisher_plan.cpp: what has to be written. Writes nothing; takes ids and spans.
    Refusal plan(const TableImage &image, Plan &plan, Publisher::Clock::time_point now);
    Refusal plan_sets(const TableImage &image, Plan &plan);
    Refusal plan_comings_and_goings(const TableImage &image, Plan &plan);
    Refusal plan_service(const std::shared_ptr<const ServiceImage> &image, const KnownService *before,
                         Plan &plan, Publisher::Clock::time_point now);
    Refusal plan_backends(const ServiceImage &image, const KnownService *before, KnownService &after,
                          Plan &plan);
    Refusal plan_lookup(const ServiceImage &image, const KnownService *before, KnownService &after,
                        Plan &plan, Publisher::Clock::time_point now);
    void replace_lookup(const KnownService &before, KnownService &after, Plan &plan,
                        Publisher::Clock::time_point now) const;
    Refusal plan_servers(const std::shared_ptr<const ServiceImage> &image, const KnownService *before,
                         KnownService &after, Plan &plan);
    void plan_vips(const ServiceImage &image, const KnownService *before, KnownService &after, Plan &plan);
    void plan_removal(const std::string &name, const KnownService &service, Plan &plan);
    Refusal check_vips(const Plan &plan) const;
    void undo(const Plan &plan);
    bool holds(Span span, const std::vector<u32> &table, const std::vector<u32> &ids) const;
    bool holds(const KnownSet &set, const SourceSet &content) const;

    // publisher.cpp: writes.
    Result<Published> publish(const TableImage &image, Publisher::Clock::time_point now);
    std::vector<std::string> outlived_previous(Publisher::Clock::time_point now) const;
    Published retire_previous(const std::vector<std::string> &names);
    void adopt(const TableImage &image, Plan &plan);
    Published commit(Plan &plan, std::vector<u32> vips_written);
    void bring_up_to_date(const TableSlot &target);
    void write_entries(const Plan &plan, const TableSlot &target);
    void write_settings(const TableSlot &target, const Plan &plan);
    void require_ready();

    const TableSlot &live() const { return sink.slot(generation); }

    Sink &sink;
    u64 generation;
    bool ready = false; // stays true until the next flip: who joins later reads the live generation
    ByName<KnownService> services;
    std::vector<std::shared_ptr<const ServiceImage>> last_image;
    std::vector<KnownSet> sets;    // few: one for each combination of lists
    std::deque<u32> free_services; // first in, first out: an id rests as long as possible
    std::deque<u32> free_backends;
    Arena arena;
    VipTable vips;
    Differences differences;          // what the live slot has and the other does not
    bool unknown_differences = false; // the other slot may hold anything
};

} // namespace aya
