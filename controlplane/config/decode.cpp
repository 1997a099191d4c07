// SPDX-License-Identifier: BSD-2-Clause
#include "decode.hpp"

#include <bit>

namespace aya
{

namespace
{

using namespace std::chrono_literals;

void decode_health(Reader &reader, HealthConfig &health)
{
    reader.required("type", word_kind<HealthType>(), health.type);
    reader.optional("interval", duration_kind(50ms, 1h), health.interval);
    reader.optional("timeout", duration_kind(10ms, 1h), health.timeout);
    reader.optional("rise", integer_kind(1, 100), health.rise);
    reader.optional("fall", integer_kind(1, 100), health.fall);
    reader.optional("port", integer_kind(1, 65535), health.port);
}

void decode_timeouts(Reader &reader, IdleTimeouts &timeouts)
{
    const auto kind = duration_kind(1s, 9h, 1s); // the flow table counts seconds, and 9 h of them
    reader.optional("tcp_established", kind, timeouts.tcp_established);
    reader.optional("tcp_closing", kind, timeouts.tcp_closing);
    reader.optional("tcp_embryonic", kind, timeouts.tcp_embryonic);
    reader.optional("udp", kind, timeouts.udp);
}

void decode_xdp_port(Reader &reader, PortConfig &port)
{
    reader.required("device", interface_kind(), port.device);
    for (const char *key : {"punt", "queues", "mtu", "mac"})
        reader.refuse(key, "with path \"xdp\" the interface stays the kernel's, and has its own");
    reader.optional("replace_program", boolean_kind(), port.replace_program);
}

void decode_port(Reader &reader, PortConfig &port)
{
    reader.required("device", device_kind(), port.device);
    reader.optional("punt", interface_kind(), port.punt);
    reader.optional("queues", integer_kind(1, 64), port.queues);
    reader.optional("mtu", integer_kind(1280, 9600), port.mtu); // 1280: RFC 8200 section 5
    reader.optional("mac", mac_kind(), port.mac);
    reader.optional("replace_program", boolean_kind(), port.replace_program);
}

void decode_dataplane(Reader &reader, DataplaneConfig &dataplane)
{
    reader.optional("path", word_kind<DataplanePath>(), dataplane.path);
    const auto lcore = integer_kind(0, 127); // Debian's RTE_MAX_LCORE - 1
    if (dataplane.path == DataplanePath::xdp)
        reader.optional_list("workers", lcore, dataplane.workers);
    else
        reader.required_list("workers", lcore, dataplane.workers, {1, 64});
    reader.optional("main_lcore", integer_kind(0, 127), dataplane.main_lcore);
    reader.optional("flows_per_worker", integer_kind(1024, 1 << 28), dataplane.flows_per_worker);
    dataplane.flows_per_worker = std::bit_ceil(dataplane.flows_per_worker);
    reader.objects("ports", {1, 16}, dataplane.ports,
                   dataplane.path == DataplanePath::xdp ? decode_xdp_port : decode_port);
    reader.optional("idle_backoff", boolean_kind(), dataplane.idle_backoff);
    reader.optional("huge_pages", boolean_kind(), dataplane.huge_pages);
    reader.optional("memory", size_kind(64ULL << 20, 1ULL << 40), dataplane.memory);
    reader.optional("mbufs", integer_kind(1024, 1 << 26), dataplane.mbufs);
    reader.optional_list("eal", argument_kind(), dataplane.eal);
}

void decode_limits(Reader &reader, Limits &limits)
{
    reader.optional("services", integer_kind(1, 65534), limits.services); // ids are 16 bits
    reader.optional("vips", integer_kind(1, 1 << 20), limits.vips);
    reader.optional("backends", integer_kind(1, 1 << 20), limits.backends);
    reader.optional("lookup_slots", integer_kind(251, 1 << 28), limits.lookup_slots);
}

void decode_controlplane(Reader &reader, ControlplaneConfig &controlplane)
{
    reader.optional("metrics", socket_kind(), controlplane.metrics);
    reader.optional("log_level", word_kind<LogLevel>(), controlplane.log_level);
    reader.object("limits", [&](Reader &inside) { decode_limits(inside, controlplane.limits); });
}

void decode_tunnel_source(Reader &reader, TunnelSource &source)
{
    reader.optional("ipv4", address_kind(true), source.ipv4);
    reader.optional("ipv6", address_kind(false), source.ipv6);
}

} // namespace

void decode(Reader &reader, BackendConfig &backend)
{
    const bool patch = reader.mode() == ReadMode::patch;
    if (patch) {
        reader.refuse("name", "a name cannot be changed: add a backend of the new name, drain this one");
        reader.refuse("address",
                      "an address cannot be changed: add a backend of another name, drain this one");
    } else {
        reader.required("name", name_kind(), backend.name);
        reader.required("address", address_kind(), backend.address);
    }
    reader.optional("weight", integer_kind(0, 65535), backend.weight);
    reader.optional("state", word_kind<AdminState>(), backend.state);
    reader.optional("mac", mac_kind(), backend.mac);
}

void decode(Reader &reader, ServiceConfig &service)
{
    const bool patch = reader.mode() == ReadMode::patch;
    if (patch)
        reader.refuse("name", "a name cannot be changed: add a service of the new name, remove this one");
    else
        reader.required("name", name_kind(), service.name);
    reader.required_list("vips", vip_kind(), service.vips, {1});
    reader.optional("scheduler", word_kind<Scheduler>(), service.scheduler);
    reader.optional("affinity", word_kind<Affinity>(), service.affinity);
    reader.optional("encap", word_kind<Encap>(), service.encap);
    reader.optional("gue_port", integer_kind(1, 65535), service.gue_port);
    reader.object("health", [&](Reader &inside) { decode_health(inside, service.health); });
    reader.optional("lookup_size", integer_kind(251, 1048573), service.lookup_size);
    reader.object("idle_timeouts", [&](Reader &inside) { decode_timeouts(inside, service.idle_timeouts); });
    reader.optional("panic_threshold", percent_kind(), service.panic_threshold);
    reader.optional("stateless", boolean_kind(), service.stateless);
    if (patch)
        reader.refuse("backends", "backends are not changed through their service: add, set or remove each");
    else
        reader.objects("backends", {}, service.backends,
                       [](Reader &inside, BackendConfig &backend) { decode(inside, backend); });
}

void decode(Reader &reader, Config &config)
{
    reader.required("seed", seed_kind(), config.seed);
    reader.object("dataplane", [&](Reader &inside) { decode_dataplane(inside, config.dataplane.emplace()); });
    reader.object("controlplane", [&](Reader &inside) { decode_controlplane(inside, config.controlplane); });
    reader.object("tunnel_source",
                  [&](Reader &inside) { decode_tunnel_source(inside, config.tunnel_source); });
    reader.objects("services", {}, config.services,
                   [](Reader &inside, ServiceConfig &service) { decode(inside, service); });
}

} // namespace aya
