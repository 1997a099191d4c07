// SPDX-License-Identifier: BSD-2-Clause
#include "api/metrics.hpp"

#include "common/clock.hpp"
#include "common/reasons.hpp"

#include <array>

namespace aya::api
{

namespace
{

// Where samples come from.

void build_info(Exposition &out, const Scene &scene)
{
    out.sample({AYA_VERSION, scene.instance}, 1);
}

template <auto value>
void one(Exposition &out, const Scene &scene)
{
    out.sample({}, value(scene));
}

void probes(Exposition &out, const Scene &scene)
{
    for (std::size_t i = 0; i < health::kOutcomes.size(); i++)
        out.sample({health::kOutcomes[i].label}, scene.monitor.totals().by_outcome[i]);
}

void reasons(Exposition &out, const Scene &scene)
{
    for (u32 i = 0; i < AYA_REASON_COUNT; i++)
        out.sample({kReasons[i].name}, scene.counters.reason(scene.dataplane.counters(), i));
}

// `value(process, i)` of each worker of the DPDK process, if there is one.
template <auto value>
void each_worker(Exposition &out, const Scene &scene)
{
    const DataplaneSegment *process = scene.dataplane.process();
    for (u32 i = 0; process && i < process->worker_count(); i++)
        out.sample({std::to_string(i)}, value(*process, i));
}

double heartbeat_age(const DataplaneSegment &process, u32 worker)
{
    const u64 beat = process.worker(worker).heartbeat_ns.load(std::memory_order_relaxed);
    const u64 now = monotonic_ns();
    return now > beat ? static_cast<double>(now - beat) / 1e9 : 0.0;
}

u64 worker_generation(const DataplaneSegment &process, u32 worker)
{
    return process.worker(worker).epoch.load(std::memory_order_relaxed);
}

template <u64 WorkerTotals::*field>
u64 worker_total(const DataplaneSegment &process, u32 worker)
{
    return process.totals(worker).*field;
}

// Of the workers of every path.
template <u64 WorkerTotals::*field>
void each_source(Exposition &out, const Scene &scene)
{
    if (!scene.dataplane.forwards())
        return;
    const CounterSources sources = scene.dataplane.counters();
    for (const CounterSource *source : sources)
        for (u32 i = 0; i < source->worker_count(); i++)
            out.sample({source->path(), std::to_string(i)}, source->totals(i).*field);
}

template <u64 LossCounts::*count>
void each_port(Exposition &out, const Scene &scene)
{
    for (u32 i = 0; i < scene.dataplane.ports().size(); i++)
        if (scene.dataplane.ports()[i].present)
            out.sample({std::to_string(i)}, scene.dataplane.losses(i).*count);
}

template <u64 PacketCount::*field>
void service_count(Exposition &out, const Scene &scene)
{
    for (const ServiceConfig &service : scene.reconciler.config().services)
        if (const auto live = scene.reconciler.publisher().find_service(service.name))
            out.sample({service.name}, scene.counters.service(scene.dataplane.counters(), live->id).*field);
}

void service_panic(Exposition &out, const Scene &scene)
{
    for (const ServiceConfig &service : scene.reconciler.config().services) {
        const ServiceImage *image = scene.reconciler.find_image(service.name);
        out.sample({service.name}, image && image->panic ? 1 : 0);
    }
}

template <u64 PacketCount::*field>
void backend_count(Exposition &out, const Scene &scene)
{
    for (const ServiceConfig &service : scene.reconciler.config().services)
        for (const BackendConfig &backend : service.backends)
            if (const auto live = scene.reconciler.publisher().find_backend(service.name, backend.name))
                out.sample({service.name, backend.name},
                           scene.counters.backend(scene.dataplane.counters(), live->id).*field);
}

void backend_up(Exposition &out, const Scene &scene)
{
    const Observer &observer = scene.reconciler.observer();
    for (const ServiceConfig &service : scene.reconciler.config().services)
        for (const BackendConfig &backend : service.backends)
            out.sample({service.name, backend.name},
                       is_live(observer.observe(service, backend).health) ? 1 : 0);
}

// Of backends that are probed.
void result_age(Exposition &out, const Scene &scene)
{
    const auto now = health::Clock::now();
    for (const ServiceConfig &service : scene.reconciler.config().services)
        for (const BackendConfig &backend : service.backends)
            if (const health::Tracker *tracker = scene.monitor.find(service.name, backend.name))
                out.sample({service.name, backend.name},
                           std::chrono::duration<double>(now - tracker->heard()).count());
}

// `value(backend)` of what is configured.
template <auto value>
void each_backend(Exposition &out, const Scene &scene)
{
    for (const ServiceConfig &service : scene.reconciler.config().services)
        for (const BackendConfig &backend : service.backends)
            out.sample({service.name, backend.name}, value(backend));
}

// `value(image)` of what was compiled from it; 0 where there is nothing yet.
template <auto value>
void each_image(Exposition &out, const Scene &scene)
{
    for (const ServiceConfig &service : scene.reconciler.config().services) {
        const ServiceImage *image = scene.reconciler.find_image(service.name);
        for (std::size_t i = 0; i < service.backends.size(); i++)
            out.sample({service.name, service.backends[i].name}, image && i < image->backends.size()
                                                                     ? value(image->backends[i])
                                                                     : decltype(value(image->backends[i])){});
    }
}

using Labels = std::array<std::string_view, 2>;
using Source = void (*)(Exposition &, const Scene &);

constexpr Metric gauge(std::string_view name, std::string_view unit, Labels labels, std::string_view help,
                       Source source)
{
    return {{name, "gauge", unit, labels, help}, source};
}

constexpr Metric counter(std::string_view name, std::string_view unit, Labels labels, std::string_view help,
                         Source source)
{
    return {{name, "counter", unit, labels, help}, source};
}

// A row per metric, in the order of /metrics and of docs/metrics.md.
constexpr Metric kMetrics[] = {
    gauge("aya_build_info", "", {"version", "instance_name"}, "Version of the control plane; always 1.",
          build_info),
    gauge("aya_table_generation", "", {}, "Number of the published table set.",
          one<[](const Scene &scene) { return scene.reconciler.publisher().generation(); }>),
    gauge("aya_warnings", "", {}, "Number of warnings in the status.",
          one<[](const Scene &scene) { return warnings_of(scene).size(); }>),
    counter("aya_health_probes_total", "probes", {"result"}, "Health probes that ended, by result.", probes),
    gauge("aya_health_probe_lag_seconds", "seconds", {},
          "The longest time by which a probe started late, of the last ten to twenty seconds.",
          one<[](const Scene &scene) { return std::chrono::duration<double>(scene.monitor.lag()).count(); }>),

    counter(
        "aya_route_lookups_total", "lookups", {},
        "Routes to backends that were asked of the kernel: in turn, and when something that they depend on "
        "changed.",
        one<[](const Scene &scene) { return scene.reconciler.observer().route_lookups(); }>),

    gauge("aya_dataplane_up", "", {}, "1 if packets are forwarded; with paths xdp and auto always.",
          one<[](const Scene &scene) { return scene.dataplane.forwards() ? 1 : 0; }>),
    gauge("aya_worker_up", "", {"worker"}, "1 if the DPDK worker runs and renews its heartbeat.",
          each_worker<[](const DataplaneSegment &process, u32 i) {
              return process.worker_responds(i) ? 1 : 0;
          }>),
    gauge("aya_worker_heartbeat_age_seconds", "seconds", {"worker"},
          "Time since the DPDK worker's last heartbeat.", each_worker<heartbeat_age>),
    gauge("aya_worker_generation", "", {"worker"}, "Table generation that the DPDK worker has seen.",
          each_worker<worker_generation>),
    counter("aya_worker_busy_polls_total", "polls", {"worker"}, "Polls that found packets.",
            each_worker<worker_total<&WorkerTotals::busy_polls>>),
    counter("aya_worker_empty_polls_total", "polls", {"worker"},
            "Polls that found none; the ratio of busy to empty ones is the load.",
            each_worker<worker_total<&WorkerTotals::empty_polls>>),
    counter("aya_worker_receive_packets_total", "packets", {"path", "worker"},
            "Packets received. On path xdp a worker is an RX queue, numbered across all ports.",
            each_source<&WorkerTotals::rx_packets>),
    counter("aya_worker_receive_bytes_total", "bytes", {"path", "worker"}, "Bytes received.",
            each_source<&WorkerTotals::rx_bytes>),
    counter("aya_worker_transmit_packets_total", "packets", {"path", "worker"}, "Packets sent.",
            each_source<&WorkerTotals::tx_packets>),
    counter("aya_worker_transmit_bytes_total", "bytes", {"path", "worker"}, "Bytes sent.",
            each_source<&WorkerTotals::tx_bytes>),

    counter("aya_port_rx_missed_total", "packets", {"port"},
            "Packets that the port's driver dropped because a receive queue or its socket was full.",
            each_port<&LossCounts::rx_missed>),
    counter("aya_port_rx_no_buffer_total", "packets", {"port"},
            "Packets that the port's driver dropped because there was no buffer to receive into.",
            each_port<&LossCounts::rx_no_buffer>),
    counter("aya_port_rx_errors_total", "packets", {"port"},
            "Packets that the port's driver received damaged.", each_port<&LossCounts::rx_errors>),
    counter("aya_port_tx_lost_total", "packets", {"port"},
            "Packets that the port's driver took and could not send.", each_port<&LossCounts::tx_lost>),
    counter("aya_port_interface_rx_dropped_total", "packets", {"port"},
            "Packets that the kernel's interface dropped or missed in receiving, since it exists.",
            each_port<&LossCounts::interface_rx_dropped>),
    counter("aya_port_interface_tx_dropped_total", "packets", {"port"},
            "Packets that the kernel's interface could not send, since it exists.",
            each_port<&LossCounts::interface_tx_dropped>),

    counter("aya_packets_total", "packets", {"reason"},
            "Packets by outcome. Those with a flow_ reason were forwarded, and are counted there too.",
            reasons),

    counter("aya_service_packets_total", "packets", {"service"}, "Packets forwarded to the service.",
            service_count<&PacketCount::packets>),
    counter("aya_service_bytes_total", "bytes", {"service"}, "Bytes of IP packets forwarded to the service.",
            service_count<&PacketCount::bytes>),
    counter("aya_service_new_flows_total", "flows", {"service"}, "Flows remembered for the service.",
            service_count<&PacketCount::new_flows>),
    gauge("aya_service_panic", "", {"service"},
          "1 while health is ignored because too many backends are down.", service_panic),

    counter("aya_backend_packets_total", "packets", {"service", "backend"},
            "Packets forwarded to the backend.", backend_count<&PacketCount::packets>),
    counter("aya_backend_bytes_total", "bytes", {"service", "backend"},
            "Bytes of IP packets forwarded to the backend.", backend_count<&PacketCount::bytes>),
    gauge("aya_backend_up", "", {"service", "backend"},
          "0 if health probes say that the backend is down or none was good yet (waiting), else 1.",
          backend_up),
    gauge("aya_backend_probe_result_age_seconds", "seconds", {"service", "backend"},
          "Time since a health probe of the backend last had a result; only of backends that are probed.",
          result_age),
    gauge("aya_backend_reachable", "", {"service", "backend"},
          "1 if its next hop has a known MAC and is reached through a port of the data plane.",
          each_image<[](const BackendImage &image) { return image.reachable ? 1 : 0; }>),
    gauge("aya_backend_weight", "", {"service", "backend"}, "Configured weight.",
          each_backend<[](const BackendConfig &backend) { return backend.weight; }>),
    gauge("aya_backend_effective_weight", "", {"service", "backend"},
          "Weight for new flows; 0 if the backend gets none.",
          each_image<[](const BackendImage &image) { return image.effective_weight; }>),
    gauge("aya_backend_lookup_share_ratio", "", {"service", "backend"},
          "Part of the lookup table that the backend owns, 0 to 1.",
          each_image<[](const BackendImage &image) { return image.share; }>),
    gauge("aya_backend_draining", "", {"service", "backend"}, "1 if the operator set the state to draining.",
          each_backend<[](const BackendConfig &backend) {
              return backend.state == AdminState::draining ? 1 : 0;
          }>),
    gauge("aya_backend_disabled", "", {"service", "backend"}, "1 if the operator set the state to disabled.",
          each_backend<[](const BackendConfig &backend) {
              return backend.state == AdminState::disabled ? 1 : 0;
          }>),
};

} // namespace

std::span<const Metric> metrics()
{
    return kMetrics;
}

std::string metrics_text(const Scene &scene)
{
    Exposition out;
    for (const Metric &metric : metrics()) {
        out.family(metric.family);
        metric.write(out, scene);
    }
    return out.take();
}

} // namespace aya::api
