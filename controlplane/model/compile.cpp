// SPDX-License-Identifier: BSD-2-Clause
#include "model/compile.hpp"

#include <algorithm>
#include <stdexcept>

#include "aya/flow_table.h"
#include "aya/rate.h"
#include "config/quic_lb.hpp"
#include "kinds/encap.hpp"
#include "kinds/maglev.hpp"
#include "kinds/scheduler.hpp"
#include "model/compile_quic.hpp"

namespace aya
{

namespace
{

// Lookup tables that a service keeps: the one in force, and the one before for its return. 256 KiB each at
// 65537 slots.
constexpr size_t kKeptTables = 2;

u16 to_ticks(Duration idle)
{
    u64 ns = static_cast<u64>(std::chrono::nanoseconds(idle).count());
    u64 ticks = (ns + AYA_TICK_NS - 1) / AYA_TICK_NS;
    return static_cast<u16>(std::clamp<u64>(ticks, 1, AYA_MAX_IDLE));
}

// The bits of word `word` of an address that are not in its first `prefix` bits.
be32 bits_after(unsigned prefix, unsigned word)
{
    const unsigned first = prefix - std::min(32 * word, prefix);
    return aya_cpu_to_be32(first < 32 ? 0xffffffffu >> first : 0);
}

bool is_down(const BackendObserved &observed)
{
    return observed.health == Health::down;
}

// How much of what probes say, and have not said yet, is followed.
struct Belief {
    bool panic = false;     // nothing
    bool admitting = false; // backends that wait for a first probe need not, as there is nobody else

    bool takes_down(const BackendObserved &observed) const { return is_down(observed) && !panic; }
    bool holds_back(const BackendObserved &observed) const
    {
        return observed.health == Health::waiting && !panic && !admitting;
    }
};

bool panics(const ServiceConfig &service, const ServiceObserved &observed)
{
    u64 counting = 0;
    u64 down = 0;
    for (size_t i = 0; i < service.backends.size(); i++) {
        if (!counts(service.backends[i]))
            continue;
        counting++;
        down += is_down(observed.backends[i]) ? 1 : 0;
    }
    return down * 100 > service.panic_threshold * counting;
}

// With an init_state the operator has said that it waits, whatever comes.
bool admits_waiting(const ServiceConfig &service, const ServiceObserved &observed)
{
    if (service.health.init_state)
        return false;
    for (size_t i = 0; i < service.backends.size(); i++)
        if (counts(service.backends[i]) && is_live(observed.backends[i].health))
            return false;
    return true;
}

aya_backend_state table_state(const ServiceConfig &service, const BackendConfig &backend,
                              const BackendObserved &observed, const Belief &belief)
{
    if (backend.state == AdminState::disabled)
        return AYA_BACKEND_DOWN;
    if (belief.takes_down(observed))
        return service.on_down == OnDown::keep ? AYA_BACKEND_DRAINING : AYA_BACKEND_DOWN;
    return counts(backend) && !belief.holds_back(observed) ? AYA_BACKEND_UP : AYA_BACKEND_DRAINING;
}

// A router finds the VIP in the packet, not the backend, and would send it back: round and round until its
// TTL is used up. Whoever configures a MAC knows who has it.
bool needs_tunnel(const ServiceConfig &service, const BackendConfig &backend, const NextHop &next_hop)
{
    return !row_of(service.encap).has_tunnel() && !backend.mac && next_hop.address != backend.address;
}

std::optional<IpAddress> tunnel_source(const TunnelSource &configured, const BackendConfig &backend,
                                       const NextHop &next_hop)
{
    const auto &fixed = backend.address.is_v4() ? configured.ipv4 : configured.ipv6;
    return fixed ? fixed : next_hop.source;
}

// Fills in the way to the backend. Returns as text what prevents it; then egress_port stays NONE.
std::string write_way(BackendImage &made, const ServiceConfig &service, const BackendConfig &backend,
                      const BackendObserved &observed, const CompileOptions &options)
{
    aya_backend &entry = made.entry;
    entry.egress_port = AYA_PORT_NONE;
    if (!observed.next_hop || observed.next_hop->port == AYA_PORT_NONE)
        return "no route to " + to_string(backend.address) + " through a port of the data plane";
    const NextHop &next_hop = *observed.next_hop;
    made.needs_tunnel = needs_tunnel(service, backend, next_hop);
    if (made.needs_tunnel)
        return to_string(backend.address) + " is behind the router " + to_string(next_hop.address) +
               ", which encap l2 does not cross; use ipip or gue";
    const auto &mac = backend.mac ? backend.mac : next_hop.mac;
    if (!mac)
        return "the MAC address of " + to_string(next_hop.address) + " is not known";
    const auto source = tunnel_source(options.tunnel_source, backend, next_hop);
    const EncapRow &encap = row_of(service.encap);
    if (encap.has_tunnel() && !source)
        return "no source address for the tunnel to " + to_string(backend.address);
    write_macs(entry, *mac, next_hop.port_mac);
    if (encap.has_tunnel())
        encap.write_header(entry, made.tunnel,
                           {.source = *source, .destination = backend.address, .port = service.gue_port});
    entry.egress_port = next_hop.port;
    entry.mtu = next_hop.mtu > entry.outer_length ? static_cast<u16>(next_hop.mtu - entry.outer_length) : 0;
    return {};
}

std::string why_no_new_flows(const ServiceConfig &service, const BackendConfig &backend,
                             const BackendObserved &observed, const Belief &belief)
{
    if (backend.state == AdminState::disabled)
        return "disabled";
    if (belief.takes_down(observed))
        return "down";
    if (backend.state == AdminState::draining)
        return "draining";
    if (backend.weight == 0)
        return "weight 0";
    if (!belief.holds_back(observed))
        return "";
    if (service.health.init_state == InitState::fully_down && service.health.rise > 1)
        return "waiting for its first " + std::to_string(service.health.rise) + " good probes";
    return "waiting for its first good probe";
}

void compile_backends(ServiceImage &image, const ServiceConfig &service, const ServiceObserved &observed,
                      const CompileOptions &options)
{
    const Belief belief{.panic = image.panic, .admitting = admits_waiting(service, observed)};
    for (size_t i = 0; i < service.backends.size(); i++) {
        const BackendConfig &backend = service.backends[i];
        BackendImage &made = image.backends.emplace_back();
        made.name = backend.name;
        made.address = backend.address;
        made.entry.state = static_cast<u8>(table_state(service, backend, observed.backends[i], belief));
        if (!service.quic_lb.empty())
            made.server = server_entry(backend);
        std::string obstacle = write_way(made, service, backend, observed.backends[i], options);
        made.reachable = obstacle.empty();
        made.reason = why_no_new_flows(service, backend, observed.backends[i], belief);
        if (made.reason.empty())
            made.reason = obstacle;
    }
}

// Who may get new flows, with what weight. In the order of the backends, so that the table's indices are
// theirs.
std::vector<Candidate> candidates_of(const ServiceConfig &service, const ServiceObserved &observed,
                                     const ServiceImage &image, const CompileOptions &options)
{
    auto is_up = [](const BackendImage &backend) { return backend.entry.state == AYA_BACKEND_UP; };
    bool some_reachable =
        std::any_of(image.backends.begin(), image.backends.end(),
                    [&](const BackendImage &backend) { return is_up(backend) && backend.reachable; });
    const bool some_start =
        std::any_of(observed.backends.begin(), observed.backends.end(),
                    [](const BackendObserved &backend) { return backend.part != kWholeWeight; });
    std::vector<Candidate> candidates;
    candidates.reserve(image.backends.size());
    for (size_t i = 0; i < image.backends.size(); i++) {
        const BackendImage &backend = image.backends[i];
        bool chosen =
            is_up(backend) && (backend.reachable || observed.backends[i].settling || !some_reachable);
        candidates.push_back(
            {.key = maglev_key(options.seed, backend.name, backend.address),
             .weight =
                 chosen ? service.backends[i].weight * (some_start ? observed.backends[i].part : 1) : 0u});
    }
    return candidates;
}

// For a scheduler that compares by them.
void add_weights(ServiceImage &image, const std::vector<Candidate> &candidates)
{
    for (size_t i = 0; i < candidates.size(); i++)
        image.backends[i].tunnel.weight = candidates[i].weight;
}

void add_shares(ServiceImage &image, const ServiceConfig &service, const std::vector<Candidate> &candidates)
{
    const u32 size = service.lookup_size;
    const std::vector<u32> slots = maglev_quotas(candidates, size);
    for (size_t i = 0; i < candidates.size(); i++) {
        BackendImage &backend = image.backends[i];
        backend.effective_weight = candidates[i].weight > 0 ? service.backends[i].weight : 0u;
        backend.slots = slots[i];
        backend.share = static_cast<double>(slots[i]) / size;
        if (backend.effective_weight > 0 && backend.slots == 0)
            backend.reason = "the lookup table has fewer slots than the service has backends";
    }
}

std::string of(size_t part, size_t whole)
{
    return std::to_string(part) + " of " + std::to_string(whole) + " backends ";
}

void add_warnings(ServiceImage &image, const ServiceConfig &service, const ServiceObserved &observed)
{
    const std::string prefix = "service " + service.name + ": ";
    const size_t total = image.backends.size();
    size_t down = 0;
    size_t unreachable = 0;
    size_t behind_router = 0;
    size_t without_slot = 0;
    bool any_new_flows = false;
    for (size_t i = 0; i < total; i++) {
        const BackendImage &backend = image.backends[i];
        bool disabled = service.backends[i].state == AdminState::disabled;
        down += !disabled && is_down(observed.backends[i]) ? 1 : 0;
        const bool cut_off = backend.entry.state >= AYA_BACKEND_DRAINING && !backend.reachable;
        unreachable += cut_off && !backend.needs_tunnel ? 1 : 0;
        behind_router += cut_off && backend.needs_tunnel ? 1 : 0;
        without_slot += backend.effective_weight > 0 && backend.slots == 0 ? 1 : 0;
        any_new_flows |= backend.slots > 0;
    }
    if (down > 0)
        image.warnings.push_back(prefix + of(down, total) + "down");
    if (image.panic)
        image.warnings.push_back(prefix + "more than " + std::to_string(service.panic_threshold) +
                                 " % of the backends are down: health is ignored (panic_threshold)");
    if (unreachable > 0)
        image.warnings.push_back(prefix + of(unreachable, total) + "without a known next hop");
    if (behind_router > 0)
        image.warnings.push_back(prefix + of(behind_router, total) +
                                 "behind a router, which encap l2 does not cross; use ipip or gue");
    if (without_slot > 0)
        image.warnings.push_back(prefix + of(without_slot, total) + "without a slot: raise lookup_size");
    if (!any_new_flows)
        image.warnings.push_back(prefix + "no backend for new flows: they are dropped");
}

void add_sources(ServiceImage &image, SourceSet sources)
{
    image.flags |= sources ? u32{AYA_SERVICE_LISTS} : 0;
    image.guard.flags |= sources ? u32{AYA_GUARD_LISTS} : 0;
    image.sources = std::move(sources);
}

void add_limits(ServiceImage &image, const ServiceConfig &service)
{
    const LimitsConfig &limits = service.limits;
    image.flags |= limits.limits_packets() ? u32{AYA_SERVICE_LIMITS_PACKETS} : 0;
    image.flags |= limits.limits_flows() ? u32{AYA_SERVICE_LIMITS_FLOWS} : 0;
    aya_guard &guard = image.guard;
    guard.flags |= service.guard_mode == GuardMode::count ? u32{AYA_GUARD_COUNTS} : 0;
    guard.flags |= limits.over_new_flows == OverNewFlows::refuse ? u32{AYA_GUARD_REFUSES_FLOWS} : 0;
    guard.packet_cost = aya_rate_cost(limits.packets.value_or(0));
    guard.source_packet_cost = aya_rate_cost(limits.source_packets.value_or(0));
    guard.flow_cost = aya_rate_cost(limits.new_flows.value_or(0));
    guard.source_flow_cost = aya_rate_cost(limits.source_new_flows.value_or(0));
    guard.ignored_ipv4 = bits_after(limits.source_prefix_v4, 0);
    for (unsigned word = 0; word < 4; word++)
        guard.ignored_ipv6[word] = bits_after(limits.source_prefix_v6, word);
}

// Everything but lists and lookup table, whose candidates are answered.
std::vector<Candidate> compile_entries(ServiceImage &image, const ServiceConfig &service,
                                       const ServiceObserved &observed, const CompileOptions &options)
{
    if (observed.backends.size() != service.backends.size())
        throw std::logic_error("compile: one observation for each backend");
    image.name = service.name;
    image.vips = service.vips;
    image.local = observed.local;
    image.flags |= AYA_SERVICE_PRESENT | row_of(service.scheduler).pick_flags;
    if (service.stateless)
        image.flags |= AYA_SERVICE_STATELESS;
    if (service.on_down == OnDown::reset)
        image.flags |= AYA_SERVICE_RESETS;
    if (has_source_affinity(service)) {
        image.flags |= AYA_SERVICE_AFFINITY_SOURCE;
        image.source_ignored_ipv4 = bits_after(service.source_prefix_v4, 0);
        for (unsigned word = 0; word < 4; word++)
            image.source_ignored_ipv6[word] = bits_after(service.source_prefix_v6, word);
    }
    image.idle_timeout[AYA_FLOW_EMBRYONIC] = to_ticks(service.idle_timeouts.tcp_embryonic);
    image.idle_timeout[AYA_FLOW_CLOSING] = to_ticks(service.idle_timeouts.tcp_closing);
    image.idle_timeout[AYA_FLOW_ESTABLISHED] = to_ticks(service.idle_timeouts.tcp_established);
    image.idle_timeout[AYA_FLOW_DATAGRAM] = to_ticks(service.idle_timeouts.udp);
    add_limits(image, service);
    image.panic = panics(service, observed);
    compile_backends(image, service, observed, options);
    compile_quic(image, service, options.seed);
    std::vector<Candidate> candidates = candidates_of(service, observed, image, options);
    if (image.flags & AYA_SERVICE_LEAST_FLOWS)
        add_weights(image, candidates);
    add_shares(image, service, candidates);
    add_warnings(image, service, observed);
    return candidates;
}

} // namespace

ServiceImage compile(const ServiceConfig &service, const ServiceObserved &observed,
                     const CompileOptions &options, SourceSet sources)
{
    ServiceImage image;
    add_sources(image, std::move(sources));
    auto candidates = compile_entries(image, service, observed, options);
    image.lookup = std::make_shared<const std::vector<u32>>(
        row_of(service.scheduler).build_table(candidates, service.lookup_size));
    return image;
}

LookupTable Compiler::find_table(std::vector<Table> &tables, TableBuilder *build,
                                 const std::vector<Candidate> &candidates, u32 size)
{
    auto found = std::find_if(tables.begin(), tables.end(), [&](const Table &table) {
        return table.build == build && table.candidates == candidates &&
               (table.lookup->empty() || table.lookup->size() == size);
    });
    if (found == tables.end()) {
        if (tables.size() == kKeptTables)
            tables.pop_back();
        found = tables.insert(tables.end(),
                              {.build = build,
                               .candidates = candidates,
                               .lookup = std::make_shared<const std::vector<u32>>(build(candidates, size))});
    }
    std::rotate(tables.begin(), found, found + 1);
    return tables.front().lookup;
}

std::shared_ptr<const ServiceImage> Compiler::compile(const ServiceConfig &service,
                                                      const ServiceObserved &observed)
{
    Remembered &memory = memory_[service.name];
    SourceSet sources = source_sets_.of(service);
    if (memory.image && memory.service == service && memory.observed == observed &&
        memory.image->sources == sources)
        return memory.image;
    auto image = std::make_shared<ServiceImage>();
    add_sources(*image, std::move(sources));
    auto candidates = compile_entries(*image, service, observed, options_);
    image->lookup =
        find_table(memory.tables, row_of(service.scheduler).build_table, candidates, service.lookup_size);
    memory.service = service;
    memory.observed = observed;
    memory.image = std::move(image);
    return memory.image;
}

} // namespace aya
