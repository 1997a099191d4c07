// SPDX-License-Identifier: BSD-2-Clause
#include "api/views.hpp"

namespace aya::api
{

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

OrderedJson changes_view(const std::vector<Change> &changes)
{
    OrderedJson list = OrderedJson::array();
    for (const Change &change : changes)
        list.push_back(to_json(change));
    return list;
}

} // namespace aya::api
