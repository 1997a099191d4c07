// SPDX-License-Identifier: BSD-2-Clause
// The configuration as plain structs. What is not in the file has the value given here.
// docs/configuration.md explains every key; parse.hpp reads, edit.hpp changes, merge.hpp merges.
#pragma once

#include "common/address.hpp"
#include "common/names.hpp"
#include "common/values.hpp"
#include "health/probe.hpp"
#include "kinds/encap.hpp"
#include "kinds/scheduler.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aya
{

// What the operator wants of a backend. What probes see is its health, which is never stored here.
enum class AdminState : std::uint8_t { active, draining, disabled };

constexpr auto names_of(AdminState)
{
    return std::to_array<Name<AdminState>>({{AdminState::active, "active"},
                                            {AdminState::draining, "draining"},
                                            {AdminState::disabled, "disabled"}});
}

enum class Affinity : std::uint8_t { none, source };

constexpr auto names_of(Affinity)
{
    return std::to_array<Name<Affinity>>({{Affinity::none, "none"}, {Affinity::source, "source"}});
}

struct HealthConfig {
    HealthType type = HealthType::none;
    Duration interval{1000};
    Duration timeout{500};
    unsigned rise = 2;                 // good results in a row until up
    unsigned fall = 3;                 // bad results in a row until down
    std::optional<std::uint16_t> port; // see probe_port()

    bool operator==(const HealthConfig &) const = default;
};

struct IdleTimeouts {
    Duration tcp_established{std::chrono::minutes(15)};
    Duration tcp_closing{std::chrono::seconds(60)};   // FIN or RST seen
    Duration tcp_embryonic{std::chrono::seconds(30)}; // one packet seen
    Duration udp{std::chrono::minutes(2)};

    bool operator==(const IdleTimeouts &) const = default;
};

struct BackendConfig {
    std::string name;
    IpAddress address;
    std::uint16_t weight = 1; // 0 = no new flows
    AdminState state = AdminState::active;
    std::optional<Mac> mac; // next hop; resolved from the kernel's neighbours where absent

    bool operator==(const BackendConfig &) const = default;
};

struct ServiceConfig {
    std::string name;
    std::vector<VipKey> vips; // at least one
    Scheduler scheduler = Scheduler::maglev;
    Affinity affinity = Affinity::none;
    Encap encap = Encap::l2;
    std::uint16_t gue_port = kGuePort; // encap gue: the backends' UDP port
    HealthConfig health;
    std::uint32_t lookup_size = 65537; // slots of the lookup table; a prime
    IdleTimeouts idle_timeouts;
    // Percent. If more than this share of the backends that count (state active, weight above 0)
    // would be down at once, all of them go on getting traffic. 100 = never.
    unsigned panic_threshold = 50;
    bool stateless = false; // true: flows are not remembered
    std::vector<BackendConfig> backends;

    bool operator==(const ServiceConfig &) const = default;
};

struct PortConfig {
    std::string device; // PCI address, DPDK virtual device with its arguments, or kernel interface
    std::optional<std::string> punt; // name of the TAP interface that leads to the kernel
    std::optional<unsigned> queues;  // absent: one per worker
    std::optional<unsigned> mtu;     // absent: the port's own
    std::optional<Mac> mac;          // absent: the port's own
    bool replace_program = false;    // paths xdp and auto: another XDP program on the interface makes room

    bool operator==(const PortConfig &) const = default;
};

enum class DataplanePath : std::uint8_t { dpdk, xdp, automatic };

constexpr auto names_of(DataplanePath)
{
    return std::to_array<Name<DataplanePath>>(
        {{DataplanePath::dpdk, "dpdk"}, {DataplanePath::xdp, "xdp"}, {DataplanePath::automatic, "auto"}});
}

// A kernel interface named alone, neither a PCI device nor one that DPDK makes.
bool names_interface(std::string_view device);

// Read by aya-dataplane with its own code. The control plane checks it, shows it and compares it; with path
// xdp it carries it out, and with auto wherever aya-dataplane does not.
struct DataplaneConfig {
    DataplanePath path = DataplanePath::dpdk;
    std::vector<unsigned> workers;      // lcore numbers; path xdp has none
    std::optional<unsigned> main_lcore; // absent: the lowest that no worker has
    std::uint32_t flows_per_worker = 1U
                                     << 20; // always a power of two: rounded up when read; xdp: per RX queue
    std::vector<PortConfig> ports;
    bool idle_backoff = true;
    bool huge_pages = true;
    std::uint64_t memory = 512ULL << 20; // bytes
    std::optional<unsigned> mbufs;       // packet buffers; absent: what the ports need
    std::vector<std::string> eal;        // further arguments for DPDK

    // The XDP program is on the ports: with path xdp, and with auto if they are kernel interfaces.
    bool uses_xdp() const;

    bool operator==(const DataplaneConfig &) const = default;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };

constexpr auto names_of(LogLevel)
{
    return std::to_array<Name<LogLevel>>({{LogLevel::debug, "debug"},
                                          {LogLevel::info, "info"},
                                          {LogLevel::warning, "warning"},
                                          {LogLevel::error, "error"}});
}

// Capacities of the tables, fixed while the tables exist.
struct Limits {
    std::uint32_t services = 1024;
    std::uint32_t vips = 4096;
    std::uint32_t backends = 65536;
    std::uint32_t lookup_slots = 1U << 24; // sum of every service's lookup_size

    bool operator==(const Limits &) const = default;
};

struct ControlplaneConfig {
    std::optional<SocketAddress> metrics; // absent: /metrics on the Unix socket only
    LogLevel log_level = LogLevel::info;
    Limits limits;

    bool operator==(const ControlplaneConfig &) const = default;
};

// Outer source addresses of encapsulated packets. Absent: the one that the route to the backend names.
struct TunnelSource {
    std::optional<IpAddress> ipv4;
    std::optional<IpAddress> ipv6;

    bool operator==(const TunnelSource &) const = default;
};

struct Config {
    Seed seed{}; // of flow_hash, in the order of the hex digits; the same on every box of a fleet
    std::optional<DataplaneConfig> dataplane;
    ControlplaneConfig controlplane;
    TunnelSource tunnel_source;
    std::vector<ServiceConfig> services;

    bool operator==(const Config &) const = default;
};

// The TCP port that health probes of this service connect to: health.port, else the port of the
// first TCP VIP that names one; nullopt if there is neither.
std::optional<std::uint16_t> probe_port(const ServiceConfig &service);

const ServiceConfig *find_service(const std::vector<ServiceConfig> &services, std::string_view name);
const BackendConfig *find_backend(const ServiceConfig &service, std::string_view name);

} // namespace aya
