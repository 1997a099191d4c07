// SPDX-License-Identifier: BSD-2-Clause
#include "api/flow_counts.hpp"
#include "api/views.hpp"
#include "common/clock.hpp"

#include <algorithm>
#include <optional>

namespace aya::api
{

namespace
{

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
    if (const std::string_view proves = health_proves(service.health); !proves.empty())
        json["health_proves"] = proves;
    json["effective_weight"] = image ? image->effective_weight : 0;
    json["share"] = image ? image->share : 0.0;
    if (observed.part != kWholeWeight)
        json["slow_start_percent"] = observed.part * 100 / kWholeWeight;
    json["next_hop"] = observed.next_hop ? OrderedJson(to_string(observed.next_hop->address)) : OrderedJson();
    json["mac"] = mac ? OrderedJson(to_string(*mac)) : OrderedJson();
    json["mtu"] = image && image->reachable ? OrderedJson(image->entry.mtu) : OrderedJson();
    json["path_mtu"] = observed.next_hop ? OrderedJson(observed.next_hop->mtu) : OrderedJson();
    json["path_mtu_from"] =
        observed.next_hop ? OrderedJson(to_string(observed.next_hop->mtu_source)) : OrderedJson();
    json["reachable"] = image && image->reachable;
    json["reason"] = image ? image->reason : "";
    json["id"] = live ? OrderedJson(live->id) : OrderedJson();
    json["incarnation"] = live ? OrderedJson(live->incarnation) : OrderedJson();
    json["packets"] = count.packets;
    json["bytes"] = count.bytes;
    return json;
}

} // namespace

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

OrderedJson backends_view(const Scene &scene, const ServiceConfig &service)
{
    return {{"backends", backend_list(scene, service)}};
}

OrderedJson flows_view(const Scene &scene, const ServiceConfig &service, const BackendConfig &backend,
                       FlowCounts &counts)
{
    OrderedJson json = {{"service", service.name}, {"backend", backend.name}, {"flows", nullptr}};
    const auto live = scene.reconciler.publisher().find_backend(service.name, backend.name);
    if (live && !service.stateless)
        if (const auto count = counts.find(scene, live->id, monotonic_ns()))
            json["flows"] = *count;
    return json;
}

OrderedJson backend_view(const Scene &scene, const ServiceConfig &service, const BackendConfig &backend)
{
    const ServiceImage *image = scene.reconciler.find_image(service.name);
    return backend_object(scene, service, backend, find_image(image, backend.name));
}

} // namespace aya::api
