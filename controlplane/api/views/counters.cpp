// SPDX-License-Identifier: BSD-2-Clause
#include "api/views.hpp"
#include "common/reasons.hpp"

namespace aya::api
{

OrderedJson counters_view(const Scene &scene)
{
    const CounterSources counters = scene.dataplane.counters();
    u32 workers = 0;
    for (const CounterSource *source : counters)
        workers += source->worker_count();
    const Publisher &publisher = scene.reconciler.publisher();
    OrderedJson reasons = OrderedJson::array();
    for (u32 i = 0; i < AYA_REASON_COUNT; i++)
        reasons.push_back({{"name", kReasons[i].name},
                           {"help", kReasons[i].help},
                           {"value", scene.counters.reason(counters, i)}});
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

} // namespace aya::api
