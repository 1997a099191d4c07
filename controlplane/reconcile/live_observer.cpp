// SPDX-License-Identifier: BSD-2-Clause
#include "reconcile/live_observer.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

namespace aya
{

namespace
{

constexpr std::chrono::seconds kForgetInterval{5};
// How long after a cold start a next hop may be on its way: a neighbour that does not answer the first
// question (RFC 4861 7.2.2, Linux: a question a second) is not waited for.
constexpr std::chrono::seconds kSettleTime{1};
constexpr std::chrono::seconds kSlowTick{1};

} // namespace

LiveObserver::LiveObserver(const boost::asio::any_io_executor &executor, const Publisher &publisher,
                           const ForwardingPath &dataplane, const Sink &tables,
                           Tunnels::MakeDevice make_tunnels, Changed changed)
    : publisher_(publisher), dataplane_(dataplane), tables_(tables), changed_(std::move(changed)),
      probe_tunnels_(std::move(make_tunnels)),
      monitor_(executor, [this](const auto &target, const auto &tracker,
                                bool different) { probed(target, tracker, different); }),
      next_hops_(executor, [this](std::span<const IpAddress> addresses) { tell(addresses); }),
      local_(executor, [this](std::span<const Prefix> vips) { tell_at(vips); }),
      icmp_errors_(executor, [this](const neighbours::TooBig &error) { heard(error); }),
      forget_timer_(executor), settle_timer_(executor), slow_timer_(executor),
      settling_(publisher.generation() == 0)
{
    forget_path_mtus();
    if (settling_)
        settle();
    monitor_.set_doubts(
        [this](const IpAddress &server, health::TimePoint began) { return doubts(server, began); });
}

void LiveObserver::follow(const Config &config)
{
    std::vector<health::Target> targets;
    std::vector<neighbours::WayTarget> ways;
    std::unordered_map<std::string_view, const ServiceConfig *> by_name;
    std::set<Prefix> vips;
    services_.clear();
    tunnels_.clear();
    services_at_.clear();
    probe_tunnels_.follow(config);
    for (const ServiceConfig &service : config.services) {
        by_name.emplace(service.name, &service);
        for (const VipKey &vip : service.vips) {
            services_at_[vip.prefix()].push_back(service.name);
            vips.insert(vip.prefix());
        }
        const auto port = probe_port(service);
        const HealthConfig &wanted = service.health;
        const health::ProbeType &type = health::probe_type(wanted.type);
        const auto options = std::make_shared<const ProbeOptions>(wanted.options);
        for (const BackendConfig &backend : service.backends) {
            services_[backend.address].push_back(service.name);
            if (row_of(service.encap).has_tunnel())
                tunnels_[backend.address].push_back({.source = backend.address.is_v4()
                                                                   ? config.tunnel_source.ipv4
                                                                   : config.tunnel_source.ipv6,
                                                     .encap = service.encap,
                                                     .gue_port = service.gue_port});
            ways.push_back({.address = backend.address,
                            .resolve = !backend.mac,
                            .recalled = first_ ? recall_mac(service, backend) : std::nullopt});
            if (wanted.type == HealthType::none || (type.needs_port() && !port))
                continue;
            targets.push_back({.service = service.name,
                               .backend = backend.name,
                               .address = backend.address,
                               .port = port.value_or(0),
                               .rule = {.interval = wanted.interval,
                                        .timeout = wanted.timeout,
                                        .rise = wanted.rise,
                                        .fall = wanted.fall,
                                        .init = wanted.init_state,
                                        .fast_interval = wanted.fast_interval,
                                        .down_interval = wanted.down_interval,
                                        .jitter = wanted.jitter},
                               .type = &type,
                               .options = options,
                               .tunnel = probe_tunnels_.find(service.name, backend.name)});
        }
    }
    follow_slow_starts(config);
    path_mtus_.forget_all_but(tunnels_);
    next_hops_.set_targets(ways);
    local_.follow(vips);
    monitor_.set_targets(std::move(targets), [&](const health::Target &target) {
        const ServiceConfig &service = *by_name.at(target.service);
        return first_health(service, *find_backend(service, target.backend));
    });
    first_ = false;
    followed_ = true;
}

void LiveObserver::published(const TableImage &image)
{
    if (std::exchange(followed_, false))
        settle_slow_starts(image);
    probe_tunnels_.lead(image, {.ports = dataplane_.ports(), .source = [this](const IpAddress &backend) {
                                    const auto way = next_hops_.find(backend);
                                    return way ? way->source : std::nullopt;
                                }});
}

BackendObserved LiveObserver::observe(const ServiceConfig &service, const BackendConfig &backend) const
{
    BackendObserved observed;
    const health::Tracker *tracker = monitor_.find(service.name, backend.name);
    observed.health = tracker ? tracker->health() : Health::unchecked;
    observed.next_hop =
        neighbours::next_hop_for(backend, next_hops_.find(backend.address), dataplane_.ports());
    if (const auto learnt = path_mtus_.find(backend.address);
        learnt && observed.next_hop && row_of(service.encap).has_tunnel())
        observed.next_hop->limit_mtu(*learnt, MtuSource::router);
    observed.settling = is_settling(observed);
    if (service.slow_start.window)
        observed.part = slow_starts_.part(service.name, backend.name);
    return observed;
}

// A box that starts gets packets of connections that others have opened, by ECMP. It sends them to the right
// backends from its first packet, if no backend is missing from its tables for want of a next hop.
bool LiveObserver::is_settling(const BackendObserved &observed) const
{
    return settling_ && (!observed.next_hop || !observed.next_hop->mac);
}

// A backend that joins without probes has begun to serve. One with probes has when they say so: probed().
// Whether the tables take this configuration is not known yet: nothing is forgotten here.
void LiveObserver::follow_slow_starts(const Config &config)
{
    slow_rules_.clear();
    for (const ServiceConfig &service : config.services) {
        if (!service.slow_start.window)
            continue;
        slow_rules_.emplace(service.name, service.slow_start);
        const auto before = known_.find(service.name);
        if (before == known_.end() || before->second.empty() || service.health.type != HealthType::none)
            continue;
        for (const BackendConfig &backend : service.backends)
            if (!before->second.contains(backend.name))
                start_slowly(service.name, backend.name);
    }
}

// Of what was followed last, this is live.
void LiveObserver::settle_slow_starts(const TableImage &image)
{
    known_.clear();
    for (const auto &service : image.services) {
        auto &names = known_[service->name];
        for (const BackendImage &backend : service->backends)
            names.insert(backend.name);
    }
    slow_starts_.keep([this](const std::string &service, const std::string &backend) {
        const auto names = known_.find(service);
        return slow_rules_.contains(service) && names != known_.end() && names->second.contains(backend);
    });
}

void LiveObserver::start_slowly(const std::string &service, const std::string &backend)
{
    const auto rule = slow_rules_.find(service);
    if (rule == slow_rules_.end())
        return;
    const bool ticks = !slow_starts_.empty();
    slow_starts_.begin(service, backend, rule->second, SlowStarts::Clock::now());
    if (!ticks)
        advance_slow_starts();
}

void LiveObserver::advance_slow_starts()
{
    slow_timer_.expires_after(kSlowTick);
    slow_timer_.async_wait([this](boost::system::error_code error) {
        if (error)
            return;
        for (const std::string &service : slow_starts_.advance(SlowStarts::Clock::now()))
            changed_(service);
        if (!slow_starts_.empty())
            advance_slow_starts();
    });
}

void LiveObserver::settle()
{
    settle_timer_.expires_after(kSettleTime);
    settle_timer_.async_wait([this](boost::system::error_code error) {
        if (error)
            return;
        settling_ = false;
        for (const auto &[address, services] : services_)
            tell({&address, 1});
    });
}

// A router had no room for a packet that claims to be one of ours.
void LiveObserver::heard(const neighbours::TooBig &error)
{
    const auto tunnels = tunnels_.find(error.destination);
    const auto way = next_hops_.find(error.destination);
    if (tunnels == tunnels_.end() || !way)
        return;
    const bool ours =
        std::any_of(tunnels->second.begin(), tunnels->second.end(), [&](neighbours::Tunnel tunnel) {
            if (!tunnel.source)
                tunnel.source = way->source;
            return tunnel.sent(error);
        });
    const u32 current = way->mtu != 0 ? way->mtu : u32{UINT16_MAX};
    if (!ours || !path_mtus_.learn(error, current, neighbours::PathMtus::Clock::now()))
        return;
    spdlog::info("a router says that packets of at most {} bytes fit on the way to the backend {}",
                 *path_mtus_.find(error.destination), to_string(error.destination));
    tell({&error.destination, 1});
}

void LiveObserver::forget_path_mtus()
{
    forget_timer_.expires_after(kForgetInterval);
    forget_timer_.async_wait([this](boost::system::error_code error) {
        if (error)
            return;
        tell(path_mtus_.forget(neighbours::PathMtus::Clock::now()));
        forget_path_mtus();
    });
}

void LiveObserver::tell(std::span<const IpAddress> addresses) const
{
    for (const IpAddress &address : addresses)
        if (const auto found = services_.find(address); found != services_.end())
            for (const std::string &service : found->second)
                changed_(service);
}

void LiveObserver::tell_at(std::span<const Prefix> vips) const
{
    for (const Prefix &vip : vips)
        if (const auto found = services_at_.find(vip); found != services_at_.end())
            for (const std::string &service : found->second)
                changed_(service);
}

void LiveObserver::probed(const health::Target &target, const health::Tracker &tracker, bool changed)
{
    if (!changed)
        return;
    if (tracker.health() == Health::down)
        spdlog::warn("backend {} of {} down after {} failure{}: {}", target.backend, target.service,
                     tracker.bad_streak(), tracker.bad_streak() == 1 ? "" : "s", tracker.last().words());
    else
        spdlog::info("backend {} of {} up after {} good probe{}", target.backend, target.service,
                     tracker.good_streak(), tracker.good_streak() == 1 ? "" : "s");
    // What was unknown was believed to be up all the time.
    if (tracker.health() == Health::up && !is_live(tracker.before()))
        start_slowly(target.service, target.backend);
    changed_(target.service);
}

// Of a backend that was not probed before. One that the live tables have down was found so by an earlier run
// (or is disabled, which its health does not change): it must rise again. One that they have up has traffic
// and keeps it until probes say otherwise. One that they have draining although the operator wants it to get
// flows was waiting; like one that they do not have, it is what init_state says. With on_down keep, it may as
// well have been down, and must rise.
Health LiveObserver::first_health(const ServiceConfig &service, const BackendConfig &backend) const
{
    const auto live = find_live(service, backend);
    if (live && live->state == AYA_BACKEND_DOWN)
        return Health::down;
    if (live && (live->state == AYA_BACKEND_UP || !counts(backend)))
        return Health::unknown;
    if (live && service.on_down == OnDown::keep)
        return Health::down;
    if (const auto init = service.health.init_state)
        return *init == InitState::fully_up || *init == InitState::up ? Health::unknown : Health::waiting;
    return joins_live_ones(service, backend) ? Health::waiting : Health::unknown;
}

bool LiveObserver::joins_live_ones(const ServiceConfig &service, const BackendConfig &newcomer) const
{
    if (!publisher_.find_service(service.name))
        return false;
    return std::any_of(service.backends.begin(), service.backends.end(), [&](const BackendConfig &other) {
        if (other.name == newcomer.name || !counts(other))
            return false;
        const auto live = find_live(service, other);
        return live && live->state == AYA_BACKEND_UP;
    });
}

// Another address under a known name is another server.
std::optional<LiveBackend> LiveObserver::find_live(const ServiceConfig &service,
                                                   const BackendConfig &backend) const
{
    auto live = publisher_.find_backend(service.name, backend.name);
    if (live && live->address && *live->address != backend.address)
        live.reset();
    return live;
}

// With the data plane goes the kernel's way to all servers, with a port that to the servers behind it.
bool LiveObserver::doubts(const IpAddress &server, health::TimePoint began)
{
    const auto now = health::Clock::now();
    const auto port = neighbours::port_of(next_hops_.last_interface(server), dataplane_.ports());
    const bool no_link = port && !dataplane_.port_works(*port);
    const bool all = doubt_.doubts(AYA_PORT_NONE, dataplane_.gone(), began, now);
    return (port && doubt_.doubts(*port, no_link, began, now)) || all;
}

std::vector<std::string> LiveObserver::warnings() const
{
    std::vector<std::string> lines = monitor_.warnings();
    for (std::string &line : next_hops_.warnings())
        lines.push_back(std::move(line));
    for (std::string &line : probe_tunnels_.warnings())
        lines.push_back(std::move(line));
    return lines;
}

std::optional<Mac> LiveObserver::recall_mac(const ServiceConfig &service, const BackendConfig &backend) const
{
    const auto live = publisher_.find_backend(service.name, backend.name);
    if (!live)
        return std::nullopt;
    const aya_backend &entry = tables_.slot(tables_.generation()).backends[live->id];
    if (entry.egress_port == AYA_PORT_NONE)
        return std::nullopt;
    Mac mac;
    std::memcpy(mac.bytes.data(), entry.macs, mac.bytes.size());
    return mac;
}

} // namespace aya
