// SPDX-License-Identifier: BSD-2-Clause
#include "api/views.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <unistd.h>

namespace aya::api
{

namespace
{

using Seconds = std::chrono::seconds;

template <class Duration>
std::int64_t whole_seconds(Duration duration)
{
    return std::chrono::duration_cast<Seconds>(duration).count();
}

std::string mac_text(const u8 (&bytes)[6])
{
    Mac mac;
    std::memcpy(mac.bytes.data(), bytes, sizeof(bytes));
    return to_string(mac);
}

// The image that is live, position by position the same as the configuration that it was compiled from.
const BackendImage *find_image(const ServiceImage *service, const std::string &backend)
{
    if (!service)
        return nullptr;
    const auto found = std::find_if(service->backends.begin(), service->backends.end(),
                                    [&](const BackendImage &image) { return image.name == backend; });
    return found == service->backends.end() ? nullptr : &*found;
}

OrderedJson backend_object(const Scene &scene, const ServiceConfig &service, const BackendConfig &backend,
                           const BackendImage *image)
{
    const BackendObserved observed = scene.reconciler.observer().observe(service, backend);
    const auto live = scene.reconciler.publisher().find_backend(service.name, backend.name);
    const PacketCount count =
        live ? scene.counters.backend(scene.dataplane.counters(), live->id) : PacketCount{};
    std::optional<Mac> mac = backend.mac;
    if (!mac && observed.next_hop)
        mac = observed.next_hop->mac;

    OrderedJson json = {{"service", service.name}};
    json.update(to_json(backend));
    json["health"] = to_string(observed.health);
    json["effective_weight"] = image ? image->effective_weight : 0;
    json["share"] = image ? image->share : 0.0;
    json["next_hop"] = observed.next_hop ? OrderedJson(to_string(observed.next_hop->address)) : OrderedJson();
    json["mac"] = mac ? OrderedJson(to_string(*mac)) : OrderedJson();
    json["reachable"] = image && image->reachable;
    json["reason"] = image ? image->reason : "";
    json["id"] = live ? OrderedJson(live->id) : OrderedJson();
    json["incarnation"] = live ? OrderedJson(live->incarnation) : OrderedJson();
    json["packets"] = count.packets;
    json["bytes"] = count.bytes;
    return json;
}

OrderedJson backend_list(const Scene &scene, const ServiceConfig &service)
{
    const ServiceImage *image = scene.reconciler.find_image(service.name);
    OrderedJson list = OrderedJson::array();
    for (std::size_t i = 0; i < service.backends.size(); i++) {
        const bool in_place =
            image && i < image->backends.size() && image->backends[i].name == service.backends[i].name;
        list.push_back(
            backend_object(scene, service, service.backends[i],
                           in_place ? &image->backends[i] : find_image(image, service.backends[i].name)));
    }
    return list;
}

OrderedJson worker_view(const DataplaneSegment &segment, u32 index)
{
    const WorkerLine &line = segment.worker(index);
    const WorkerTotals &totals = segment.totals(index);
    const u64 beat = line.heartbeat_ns.load(std::memory_order_relaxed);
    const u64 now = monotonic_ns();
    return {{"index", index},
            {"lcore", line.lcore},
            {"alive", segment.worker_responds(index)},
            {"generation", line.epoch.load(std::memory_order_relaxed)},
            {"heartbeat_ms", now > beat ? (now - beat) / 1'000'000 : 0},
            {"rx_packets", totals.rx_packets},
            {"tx_packets", totals.tx_packets}};
}

OrderedJson process_view(const DataplaneSegment &process)
{
    OrderedJson workers = OrderedJson::array();
    bool alive = process.process_alive();
    for (u32 i = 0; i < process.worker_count(); i++) {
        workers.push_back(worker_view(process, i));
        alive = alive && process.worker_responds(i);
    }
    return {{"pid", process.header().owner_pid},
            {"alive", alive},
            {"uptime_seconds", (monotonic_ns() - process.header().started_ns) / 1'000'000'000},
            {"workers", std::move(workers)}};
}

OrderedJson port_view(const ForwardingPath &path, u32 index)
{
    const PortLine &port = path.ports()[index];
    OrderedJson json = {{"index", index},
                        {"name", field_text(port.name)},
                        {"interface", field_text(port.interface)},
                        {"punt", field_text(port.punt)},
                        {"mac", mac_text(port.mac)},
                        {"mtu", port.mtu},
                        {"queues", port.queues}};
    if (const auto xdp = path.xdp_status(index)) {
        json["mode"] = xdp->mode;
        json["program_id"] = xdp->program_id;
        json["rx_packets"] = xdp->rx_packets;
        json["tx_packets"] = xdp->tx_packets;
    }
    return json;
}

OrderedJson dataplane_view(const ForwardingPath &path)
{
    OrderedJson json = {{"path", path.name()}, {"carrier", path.carrier()}};
    if (const DataplaneSegment *process = path.process())
        json.update(process_view(*process));
    else
        json["alive"] = path.forwards();
    OrderedJson ports = OrderedJson::array();
    for (u32 i = 0; i < path.ports().size(); i++)
        if (path.ports()[i].present)
            ports.push_back(port_view(path, i));
    json["ports"] = std::move(ports);
    return json;
}

struct Tally {
    std::size_t total = 0, up = 0, down = 0, draining = 0, disabled = 0, unreachable = 0;
};

// Up and down are health, draining and disabled are state, so that they need not add up to the total.
Tally tally_of(const Scene &scene, const ServiceConfig &service)
{
    Tally tally;
    const ServiceImage *image = scene.reconciler.find_image(service.name);
    for (std::size_t i = 0; i < service.backends.size(); i++) {
        const BackendConfig &backend = service.backends[i];
        const Health health = scene.reconciler.observer().observe(service, backend).health;
        tally.total++;
        tally.up += health == Health::up || health == Health::unchecked;
        tally.down += health == Health::down;
        tally.draining += backend.state == AdminState::draining;
        tally.disabled += backend.state == AdminState::disabled;
        tally.unreachable += image && i < image->backends.size() && !image->backends[i].reachable;
    }
    return tally;
}

} // namespace

u64 monotonic_ns()
{
    timespec now = {};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

OrderedJson version_view(const Scene &scene)
{
    return {{"version", AYA_VERSION}, {"abi", AYA_ABI_VERSION}, {"instance", scene.instance}};
}

std::vector<std::string> warnings_of(const Scene &scene)
{
    std::vector<std::string> lines = scene.dataplane.warnings();
    for (const auto &service : scene.reconciler.image().services)
        lines.insert(lines.end(), service->warnings.begin(), service->warnings.end());
    return lines;
}

OrderedJson status_view(const Scene &scene)
{
    const Config &config = scene.reconciler.config();
    Tally sum;
    for (const ServiceConfig &service : config.services) {
        const Tally tally = tally_of(scene, service);
        sum.total += tally.total;
        sum.up += tally.up;
        sum.down += tally.down;
        sum.draining += tally.draining;
        sum.disabled += tally.disabled;
        sum.unreachable += tally.unreachable;
    }
    return {{"version", AYA_VERSION},
            {"instance", scene.instance},
            {"pid", ::getpid()},
            {"uptime_seconds", whole_seconds(std::chrono::steady_clock::now() - scene.started)},
            {"generation", scene.reconciler.publisher().generation()},
            {"config_file", scene.config_file},
            {"services", config.services.size()},
            {"backends",
             {{"total", sum.total},
              {"up", sum.up},
              {"down", sum.down},
              {"draining", sum.draining},
              {"disabled", sum.disabled},
              {"unreachable", sum.unreachable}}},
            {"dataplane", scene.dataplane.forwards() ? dataplane_view(scene.dataplane) : OrderedJson()},
            {"warnings", warnings_of(scene)}};
}

OrderedJson services_view(const Scene &scene)
{
    OrderedJson list = OrderedJson::array();
    for (const ServiceConfig &service : scene.reconciler.config().services)
        list.push_back(service_view(scene, service));
    return {{"services", std::move(list)}};
}

OrderedJson service_view(const Scene &scene, const ServiceConfig &service)
{
    const auto live = scene.reconciler.publisher().find_service(service.name);
    const ServiceImage *image = scene.reconciler.find_image(service.name);
    const PacketCount count =
        live ? scene.counters.service(scene.dataplane.counters(), live->id) : PacketCount{};
    OrderedJson json = to_json(service);
    json.erase("backends");
    json["id"] = live ? OrderedJson(live->id) : OrderedJson();
    json["generation"] = scene.reconciler.publisher().generation();
    json["packets"] = count.packets;
    json["bytes"] = count.bytes;
    json["new_flows"] = count.new_flows;
    json["panic"] = image && image->panic;
    json["backends"] = backend_list(scene, service);
    return json;
}

OrderedJson backends_view(const Scene &scene, const ServiceConfig &service)
{
    return {{"backends", backend_list(scene, service)}};
}

OrderedJson backend_view(const Scene &scene, const ServiceConfig &service, const BackendConfig &backend)
{
    const ServiceImage *image = scene.reconciler.find_image(service.name);
    return backend_object(scene, service, backend, find_image(image, backend.name));
}

OrderedJson counters_view(const Scene &scene)
{
    const CounterSources counters = scene.dataplane.counters();
    u32 workers = 0;
    for (const CounterSource *source : counters)
        workers += source->worker_count();
    const Publisher &publisher = scene.reconciler.publisher();
    static constexpr std::array<std::pair<const char *, const char *>, AYA_REASON_COUNT> kReasons = {{
#define AYA_X(symbol, action, name, help) {name, help},
        AYA_REASONS(AYA_X)
#undef AYA_X
    }};
    OrderedJson reasons = OrderedJson::array();
    for (u32 i = 0; i < AYA_REASON_COUNT; i++)
        reasons.push_back({{"name", kReasons[i].first},
                           {"help", kReasons[i].second},
                           {"value", Counters::reason(counters, i)}});
    OrderedJson services = OrderedJson::array();
    OrderedJson backends = OrderedJson::array();
    for (const ServiceConfig &service : scene.reconciler.config().services) {
        const auto live = publisher.find_service(service.name);
        const PacketCount count = live ? scene.counters.service(counters, live->id) : PacketCount{};
        services.push_back({{"name", service.name},
                            {"packets", count.packets},
                            {"bytes", count.bytes},
                            {"new_flows", count.new_flows}});
        for (const BackendConfig &backend : service.backends) {
            const auto entry = publisher.find_backend(service.name, backend.name);
            const PacketCount sum = entry ? scene.counters.backend(counters, entry->id) : PacketCount{};
            backends.push_back({{"service", service.name},
                                {"name", backend.name},
                                {"packets", sum.packets},
                                {"bytes", sum.bytes}});
        }
    }
    return {{"workers", workers},
            {"reasons", std::move(reasons)},
            {"services", std::move(services)},
            {"backends", std::move(backends)}};
}

OrderedJson health_view(const Scene &scene)
{
    const auto now = health::Clock::now();
    OrderedJson list = OrderedJson::array();
    for (const ServiceConfig &service : scene.reconciler.config().services) {
        const auto port = probe_port(service);
        for (const BackendConfig &backend : service.backends) {
            const health::Tracker *tracker = scene.monitor.find(service.name, backend.name);
            OrderedJson item = {{"service", service.name}, {"backend", backend.name}};
            item["target"] = tracker && port ? OrderedJson(to_string(SocketAddress{backend.address, *port}))
                                             : OrderedJson();
            item["health"] = to_string(tracker ? tracker->health() : Health::unchecked);
            item["since_seconds"] =
                tracker ? OrderedJson(whole_seconds(now - tracker->since())) : OrderedJson();
            const bool ok = tracker && tracker->last().outcome == health::Outcome::ok;
            const bool probed = tracker && (tracker->probed() || !ok);
            item["last_result"] = probed ? OrderedJson(ok ? "ok" : "failed") : OrderedJson();
            item["last_error"] = probed && !ok ? OrderedJson(tracker->last().words()) : OrderedJson();
            item["successes"] = tracker ? tracker->good_streak() : 0; // in a row, towards rise and fall
            item["failures"] = tracker ? tracker->bad_streak() : 0;
            item["rise"] = service.health.rise;
            item["fall"] = service.health.fall;
            list.push_back(std::move(item));
        }
    }
    return {{"backends", std::move(list)}};
}

OrderedJson changes_view(const std::vector<Change> &changes)
{
    OrderedJson list = OrderedJson::array();
    for (const Change &change : changes)
        list.push_back(to_json(change));
    return list;
}

} // namespace aya::api
