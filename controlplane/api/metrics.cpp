// SPDX-License-Identifier: BSD-2-Clause
#include "api/metrics.hpp"

#include <array>
#include <charconv>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace aya::api
{

namespace
{

using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

// Writes one family after the other: HELP, TYPE, samples.
class Writer
{
public:
    void family(std::string_view name, std::string_view type, std::string_view help)
    {
        name_ = name;
        text_.append("# HELP ").append(name).append(" ").append(help);
        text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
    }

    template <class Number>
    void sample(Labels labels, Number value)
    {
        text_ += name_;
        char separator = '{';
        for (const auto &[name, content] : labels) {
            text_ += separator;
            text_.append(name).append("=\"");
            escape(content);
            text_ += '"';
            separator = ',';
        }
        text_ += labels.size() ? "} " : " ";
        std::array<char, 32> digits;
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
        text_.append(digits.data(), end);
        text_ += '\n';
    }

    std::string take() { return std::move(text_); }

private:
    void escape(std::string_view content)
    {
        for (const char c : content) {
            if (c == '\\' || c == '"')
                text_ += '\\';
            if (c == '\n')
                text_ += "\\n";
            else
                text_ += c;
        }
    }

    std::string text_;
    std::string name_;
};

template <class Each>
void each_service(const Scene &scene, Each each)
{
    for (const ServiceConfig &service : scene.reconciler.config().services)
        each(service, scene.reconciler.find_image(service.name));
}

template <class Each>
void each_backend(const Scene &scene, Each each)
{
    each_service(scene, [&](const ServiceConfig &service, const ServiceImage *image) {
        for (std::size_t i = 0; i < service.backends.size(); i++)
            each(service, service.backends[i],
                 image && i < image->backends.size() ? &image->backends[i] : nullptr);
    });
}

void write_daemon(Writer &out, const Scene &scene)
{
    out.family("aya_build_info", "gauge", "Version of the control plane; always 1.");
    out.sample({{"version", AYA_VERSION}, {"instance_name", scene.instance}}, 1);
    out.family("aya_table_generation", "gauge", "Number of the published table set.");
    out.sample({}, scene.reconciler.publisher().generation());
    out.family("aya_warnings", "gauge", "Lines under warnings in the status.");
    out.sample({}, warnings_of(scene).size());
    out.family("aya_health_probes_total", "counter", "Health probes that ended, by result.");
    static constexpr std::array<const char *, 5> kResults = {"ok", "refused", "timeout", "unreachable",
                                                             "not_sent"};
    for (std::size_t i = 0; i < kResults.size(); i++)
        out.sample({{"result", kResults[i]}}, scene.monitor.totals().by_outcome[i]);
}

template <class Value>
void each_worker(Writer &out, const CounterSource &workers, Value value)
{
    for (u32 i = 0; i < workers.worker_count(); i++)
        out.sample({{"worker", std::to_string(i)}}, value(i));
}

void write_process(Writer &out, const DataplaneSegment &process)
{
    out.family("aya_worker_up", "gauge", "1 if the worker runs and renews its heartbeat.");
    each_worker(out, process, [&](u32 i) { return process.worker_responds(i) ? 1 : 0; });
    out.family("aya_worker_heartbeat_age_seconds", "gauge", "Time since the worker's last heartbeat.");
    each_worker(out, process, [&](u32 i) {
        const u64 beat = process.worker(i).heartbeat_ns.load(std::memory_order_relaxed);
        const u64 now = monotonic_ns();
        return now > beat ? static_cast<double>(now - beat) / 1e9 : 0.0;
    });
    out.family("aya_worker_generation", "gauge", "Table generation that the worker has seen.");
    each_worker(out, process, [&](u32 i) { return process.worker(i).epoch.load(std::memory_order_relaxed); });
    out.family("aya_worker_busy_polls_total", "counter", "Polls that found packets.");
    each_worker(out, process, [&](u32 i) { return process.totals(i).busy_polls; });
    out.family("aya_worker_empty_polls_total", "counter", "Polls that found none.");
    each_worker(out, process, [&](u32 i) { return process.totals(i).empty_polls; });
}

void write_workers(Writer &out, const Scene &scene)
{
    out.family("aya_dataplane_up", "gauge", "1 if a data plane runs.");
    out.sample({}, scene.dataplane.forwards() ? 1 : 0);
    if (const DataplaneSegment *process = scene.dataplane.process())
        write_process(out, *process);
    if (!scene.dataplane.forwards())
        return;
    const CounterSources sources = scene.dataplane.counters();
    const auto total = [&](const char *name, const char *help, u64 WorkerTotals::*field) {
        out.family(name, "counter", help);
        for (const CounterSource *source : sources)
            for (u32 i = 0; i < source->worker_count(); i++)
                out.sample({{"path", source->path()}, {"worker", std::to_string(i)}},
                           source->totals(i).*field);
    };
    total("aya_worker_receive_packets_total", "Packets received by the worker.", &WorkerTotals::rx_packets);
    total("aya_worker_receive_bytes_total", "Bytes received by the worker.", &WorkerTotals::rx_bytes);
    total("aya_worker_transmit_packets_total", "Packets sent by the worker.", &WorkerTotals::tx_packets);
    total("aya_worker_transmit_bytes_total", "Bytes sent by the worker.", &WorkerTotals::tx_bytes);
}

void write_reasons(Writer &out, const Scene &scene)
{
    static constexpr std::array<const char *, AYA_REASON_COUNT> kNames = {
#define AYA_X(symbol, action, name, help) name,
        AYA_REASONS(AYA_X)
#undef AYA_X
    };
    out.family("aya_packets_total", "counter",
               "Packets by what became of them; the flow_ ones were forwarded and are counted there too.");
    for (u32 i = 0; i < AYA_REASON_COUNT; i++)
        out.sample({{"reason", kNames[i]}}, Counters::reason(scene.dataplane.counters(), i));
}

void write_services(Writer &out, const Scene &scene)
{
    const auto counter = [&](const char *name, const char *help, u64 PacketCount::*field) {
        out.family(name, "counter", help);
        each_service(scene, [&](const ServiceConfig &service, const ServiceImage *) {
            const auto live = scene.reconciler.publisher().find_service(service.name);
            if (live)
                out.sample({{"service", service.name}},
                           scene.counters.service(scene.dataplane.counters(), live->id).*field);
        });
    };
    counter("aya_service_packets_total", "Packets forwarded to the service.", &PacketCount::packets);
    counter("aya_service_bytes_total", "Bytes of IP packets forwarded to the service.", &PacketCount::bytes);
    counter("aya_service_new_flows_total", "Flows remembered for the service.", &PacketCount::new_flows);
    out.family("aya_service_panic", "gauge", "1 if health is ignored because too many backends are down.");
    each_service(scene, [&](const ServiceConfig &service, const ServiceImage *image) {
        out.sample({{"service", service.name}}, image && image->panic ? 1 : 0);
    });
}

void write_backends(Writer &out, const Scene &scene)
{
    const auto counter = [&](const char *name, const char *help, u64 PacketCount::*field) {
        out.family(name, "counter", help);
        each_backend(
            scene, [&](const ServiceConfig &service, const BackendConfig &backend, const BackendImage *) {
                const auto live = scene.reconciler.publisher().find_backend(service.name, backend.name);
                if (live)
                    out.sample({{"service", service.name}, {"backend", backend.name}},
                               scene.counters.backend(scene.dataplane.counters(), live->id).*field);
            });
    };
    counter("aya_backend_packets_total", "Packets forwarded to the backend.", &PacketCount::packets);
    counter("aya_backend_bytes_total", "Bytes of IP packets forwarded to the backend.", &PacketCount::bytes);

    const auto gauge = [&](const char *name, const char *help, auto value) {
        out.family(name, "gauge", help);
        each_backend(scene, [&](const ServiceConfig &service, const BackendConfig &backend,
                                const BackendImage *image) {
            out.sample({{"service", service.name}, {"backend", backend.name}},
                       value(service, backend, image));
        });
    };
    gauge("aya_backend_up", "0 if health probes say that the backend is down, else 1.",
          [&](const ServiceConfig &service, const BackendConfig &backend, const BackendImage *) {
              return scene.reconciler.observer().observe(service, backend).health == Health::down ? 0 : 1;
          });
    gauge("aya_backend_reachable",
          "1 if the MAC of its next hop is known and behind a port of the data plane.",
          [](const auto &, const auto &, const BackendImage *image) {
              return image && image->reachable ? 1 : 0;
          });
    gauge("aya_backend_weight", "Configured weight.",
          [](const auto &, const BackendConfig &backend, const auto *) { return backend.weight; });
    gauge("aya_backend_effective_weight", "Weight for new flows; 0 if the backend gets none.",
          [](const auto &, const auto &, const BackendImage *image) {
              return image ? image->effective_weight : 0;
          });
    gauge("aya_backend_lookup_share_ratio", "Part of the lookup table that the backend owns.",
          [](const auto &, const auto &, const BackendImage *image) { return image ? image->share : 0.0; });
    gauge("aya_backend_draining", "1 if the operator set the state to draining.",
          [](const auto &, const BackendConfig &backend, const auto *) {
              return backend.state == AdminState::draining ? 1 : 0;
          });
    gauge("aya_backend_disabled", "1 if the operator set the state to disabled.",
          [](const auto &, const BackendConfig &backend, const auto *) {
              return backend.state == AdminState::disabled ? 1 : 0;
          });
}

} // namespace

std::string metrics_text(const Scene &scene)
{
    Writer out;
    write_daemon(out, scene);
    write_workers(out, scene);
    write_reasons(out, scene);
    write_services(out, scene);
    write_backends(out, scene);
    return out.take();
}

} // namespace aya::api
