// SPDX-License-Identifier: BSD-2-Clause
#include "common/json/kinds.hpp"
#include "parse.hpp"

namespace aya
{

namespace
{

template <typename T>
OrderedJson texts(const std::vector<T> &values)
{
    OrderedJson list = OrderedJson::array();
    for (const T &value : values)
        list.push_back(to_string(value));
    return list;
}

template <typename T>
OrderedJson objects(const std::vector<T> &values)
{
    OrderedJson list = OrderedJson::array();
    for (const T &value : values)
        list.push_back(to_json(value));
    return list;
}

std::string format_seed(const Seed &seed)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : seed) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 0xf];
    }
    return text;
}

OrderedJson to_json(const HealthConfig &health)
{
    OrderedJson json = {{"type", to_string(health.type)},
                        {"interval", format_duration(health.interval)},
                        {"timeout", format_duration(health.timeout)},
                        {"rise", health.rise},
                        {"fall", health.fall}};
    if (health.port)
        json["port"] = *health.port;
    return json;
}

OrderedJson to_json(const IdleTimeouts &timeouts)
{
    return {{"tcp_established", format_duration(timeouts.tcp_established)},
            {"tcp_closing", format_duration(timeouts.tcp_closing)},
            {"tcp_embryonic", format_duration(timeouts.tcp_embryonic)},
            {"udp", format_duration(timeouts.udp)}};
}

OrderedJson to_json(const PortConfig &port)
{
    OrderedJson json = {{"device", port.device}};
    if (port.punt)
        json["punt"] = *port.punt;
    if (port.queues)
        json["queues"] = *port.queues;
    if (port.mtu)
        json["mtu"] = *port.mtu;
    if (port.mac)
        json["mac"] = to_string(*port.mac);
    json["replace_program"] = port.replace_program;
    return json;
}

OrderedJson to_json(const TunnelSource &source)
{
    OrderedJson json = OrderedJson::object();
    if (source.ipv4)
        json["ipv4"] = to_string(*source.ipv4);
    if (source.ipv6)
        json["ipv6"] = to_string(*source.ipv6);
    return json;
}

OrderedJson to_json(const Limits &limits)
{
    return {{"services", limits.services},
            {"vips", limits.vips},
            {"backends", limits.backends},
            {"lookup_slots", limits.lookup_slots}};
}

} // namespace

OrderedJson to_json(const BackendConfig &backend)
{
    OrderedJson json = {{"name", backend.name},
                        {"address", to_string(backend.address)},
                        {"weight", backend.weight},
                        {"state", to_string(backend.state)}};
    if (backend.mac)
        json["mac"] = to_string(*backend.mac);
    return json;
}

OrderedJson to_json(const ServiceConfig &service)
{
    return {{"name", service.name},
            {"vips", texts(service.vips)},
            {"scheduler", to_string(service.scheduler)},
            {"affinity", to_string(service.affinity)},
            {"encap", to_string(service.encap)},
            {"gue_port", service.gue_port},
            {"health", to_json(service.health)},
            {"lookup_size", service.lookup_size},
            {"idle_timeouts", to_json(service.idle_timeouts)},
            {"panic_threshold", std::to_string(service.panic_threshold) + "%"},
            {"stateless", service.stateless},
            {"backends", objects(service.backends)}};
}

OrderedJson to_json(const DataplaneConfig &dataplane)
{
    OrderedJson ports = OrderedJson::array();
    for (const PortConfig &port : dataplane.ports)
        ports.push_back(to_json(port));
    OrderedJson json = {{"path", to_string(dataplane.path)}, {"workers", dataplane.workers}};
    if (dataplane.main_lcore)
        json["main_lcore"] = *dataplane.main_lcore;
    json["flows_per_worker"] = dataplane.flows_per_worker;
    json["ports"] = std::move(ports);
    json["idle_backoff"] = dataplane.idle_backoff;
    json["huge_pages"] = dataplane.huge_pages;
    json["memory"] = format_size(dataplane.memory);
    if (dataplane.mbufs)
        json["mbufs"] = *dataplane.mbufs;
    json["eal"] = dataplane.eal;
    return json;
}

OrderedJson to_json(const ControlplaneConfig &controlplane)
{
    OrderedJson json = {{"log_level", to_string(controlplane.log_level)},
                        {"limits", to_json(controlplane.limits)}};
    if (controlplane.metrics)
        json["metrics"] = to_string(*controlplane.metrics);
    return json;
}

OrderedJson to_json(const Config &config)
{
    OrderedJson json = {{"seed", format_seed(config.seed)}};
    if (config.dataplane)
        json["dataplane"] = to_json(*config.dataplane);
    json["controlplane"] = to_json(config.controlplane);
    json["tunnel_source"] = to_json(config.tunnel_source);
    json["services"] = objects(config.services);
    return json;
}

} // namespace aya
