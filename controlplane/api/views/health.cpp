// SPDX-License-Identifier: BSD-2-Clause
#include "api/views.hpp"

namespace aya::api
{

namespace
{

std::string target_of(const ServiceConfig &service, const BackendConfig &backend,
                      const health::Tunnel *tunnel)
{
    if (tunnel)
        return to_string(tunnel->vip);
    const auto port = probe_port(service);
    return port && service.health.type != HealthType::exec ? to_string(SocketAddress{backend.address, *port})
                                                           : to_string(backend.address);
}

} // namespace

const health::Tunnel *open_tunnel(const Scene &scene, const std::string &service, const std::string &backend)
{
    const health::Target *target = scene.monitor.find_target(service, backend);
    return target && target->tunnel && target->tunnel->obstacle.empty() ? target->tunnel.get() : nullptr;
}

std::string_view health_proves(const HealthConfig &health)
{
    if (health.type == HealthType::icmp)
        return "host";
    return health.type == HealthType::udp && !health.options.expected_answer ? "not refused" : "";
}

OrderedJson health_view(const Scene &scene)
{
    const auto now = health::Clock::now();
    OrderedJson list = OrderedJson::array();
    for (const ServiceConfig &service : scene.reconciler.config().services) {
        for (const BackendConfig &backend : service.backends) {
            const health::Tracker *tracker = scene.monitor.find(service.name, backend.name);
            OrderedJson item = {{"service", service.name}, {"backend", backend.name}};
            const health::Tunnel *tunnel = open_tunnel(scene, service.name, backend.name);
            item["target"] = tracker ? OrderedJson(target_of(service, backend, tunnel)) : OrderedJson();
            item["via"] =
                tracker ? OrderedJson(to_string(tunnel ? Via::tunnel : Via::direct)) : OrderedJson();
            item["health"] = to_string(tracker ? tracker->health() : Health::unchecked);
            item["since_seconds"] =
                tracker ? OrderedJson(whole_seconds(now - tracker->since())) : OrderedJson();
            item["result_age_seconds"] =
                tracker ? OrderedJson(whole_seconds(now - tracker->heard())) : OrderedJson();
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

} // namespace aya::api
