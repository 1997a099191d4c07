// SPDX-License-Identifier: BSD-2-Clause
#include "config.hpp"

#include <algorithm>

namespace aya
{

std::optional<std::uint16_t> probe_port(const ServiceConfig &service)
{
    if (service.health.type == HealthType::icmp)
        return std::nullopt;
    if (service.health.port)
        return service.health.port;
    const bool udp = health::probe_type(service.health.type).port == health::PortOf::udp_vip;
    for (const VipKey &vip : service.vips) {
        if (vip.protocol == (udp ? Protocol::udp : Protocol::tcp) && vip.has_one_port())
            return vip.port;
    }
    return std::nullopt;
}

namespace
{

template <typename T>
const T *find_named(const std::vector<T> &items, std::string_view name)
{
    const auto found =
        std::find_if(items.begin(), items.end(), [&](const T &item) { return item.name == name; });
    return found == items.end() ? nullptr : &*found;
}

} // namespace

std::optional<SocketAddress> probe_vip(const ServiceConfig &service)
{
    const HealthConfig &health = service.health;
    const health::ProbeType &type = health::probe_type(health.type);
    const auto port = probe_port(service);
    if (health.via == Via::direct || !type.tunnels() || !port)
        return std::nullopt;
    const Protocol protocol = type.port == health::PortOf::udp_vip ? Protocol::udp : Protocol::tcp;
    for (const VipKey &vip : service.vips)
        if (vip.protocol == protocol && vip.has(vip.address, *port))
            return SocketAddress{vip.address, *port};
    if (health.via == Via::tunnel && !service.vips.empty())
        return SocketAddress{service.vips.front().address, *port};
    return std::nullopt;
}

const VipKey *find_vip(const ServiceConfig &service, const IpAddress &address, std::uint16_t port,
                       Protocol protocol)
{
    const VipKey *found = nullptr;
    for (const VipKey &vip : service.vips)
        if (vip.protocol == protocol && vip.has(address, port) && (!found || vip.is_narrower(*found)))
            found = &vip;
    return found;
}

const ServiceConfig *find_service(const std::vector<ServiceConfig> &services, std::string_view name)
{
    return find_named(services, name);
}

const SourceList *find_list(const std::vector<SourceList> &lists, std::string_view name)
{
    return find_named(lists, name);
}

const BackendConfig *find_backend(const ServiceConfig &service, std::string_view name)
{
    return find_named(service.backends, name);
}

bool has_source_affinity(const ServiceConfig &service)
{
    return service.affinity == Affinity::source ||
           (row_of(service.scheduler).pick_flags & AYA_SERVICE_AFFINITY_SOURCE) != 0;
}

bool counts(const BackendConfig &backend)
{
    return backend.state == AdminState::active && backend.weight > 0;
}

} // namespace aya
