// SPDX-License-Identifier: BSD-2-Clause
#include "config.hpp"

#include <algorithm>

namespace aya
{

std::optional<std::uint16_t> probe_port(const ServiceConfig &service)
{
    if (service.health.port)
        return service.health.port;
    for (const VipKey &vip : service.vips) {
        if (vip.protocol == Protocol::tcp && vip.port != 0)
            return vip.port;
    }
    return std::nullopt;
}

const ServiceConfig *find_service(const std::vector<ServiceConfig> &services, std::string_view name)
{
    const auto found = std::find_if(services.begin(), services.end(),
                                    [&](const ServiceConfig &s) { return s.name == name; });
    return found == services.end() ? nullptr : &*found;
}

const BackendConfig *find_backend(const ServiceConfig &service, std::string_view name)
{
    const auto found = std::find_if(service.backends.begin(), service.backends.end(),
                                    [&](const BackendConfig &b) { return b.name == name; });
    return found == service.backends.end() ? nullptr : &*found;
}

std::string_view to_string(AdminState value)
{
    switch (value) {
    case AdminState::active:
        return "active";
    case AdminState::draining:
        return "draining";
    case AdminState::disabled:
        return "disabled";
    }
    return {};
}

std::string_view to_string(Scheduler value)
{
    switch (value) {
    case Scheduler::maglev:
        return "maglev";
    case Scheduler::source_hash:
        return "source-hash";
    }
    return {};
}

std::string_view to_string(Affinity value)
{
    switch (value) {
    case Affinity::none:
        return "none";
    case Affinity::source:
        return "source";
    }
    return {};
}

std::string_view to_string(Encap value)
{
    switch (value) {
    case Encap::l2:
        return "l2";
    case Encap::ipip:
        return "ipip";
    case Encap::gue:
        return "gue";
    }
    return {};
}

std::string_view to_string(HealthType value)
{
    switch (value) {
    case HealthType::none:
        return "none";
    case HealthType::tcp:
        return "tcp";
    }
    return {};
}

std::string_view to_string(DataplanePath value)
{
    switch (value) {
    case DataplanePath::dpdk:
        return "dpdk";
    case DataplanePath::xdp:
        return "xdp";
    case DataplanePath::automatic:
        return "auto";
    }
    return {};
}

bool names_interface(std::string_view device)
{
    return device.find_first_of(":,") == std::string_view::npos && !device.starts_with("net_") &&
           !device.starts_with("eth_") && !device.starts_with("virtio_user");
}

bool DataplaneConfig::uses_xdp() const
{
    return path == DataplanePath::xdp ||
           (path == DataplanePath::automatic && !ports.empty() && names_interface(ports.front().device));
}

std::string_view to_string(LogLevel value)
{
    switch (value) {
    case LogLevel::debug:
        return "debug";
    case LogLevel::info:
        return "info";
    case LogLevel::warning:
        return "warning";
    case LogLevel::error:
        return "error";
    }
    return {};
}

} // namespace aya
