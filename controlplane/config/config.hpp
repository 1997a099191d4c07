// SPDX-License-Identifier: BSD-2-Clause
// The configuration as plain structs. What is not in the file has the value given here.
// fields.hpp says everything about each key; parse.hpp reads, edit.hpp changes, merge.hpp merges.
#pragma once

#include "common/address.hpp"
#include "common/config/dataplane.hpp"
#include "common/log_level.hpp"
#include "common/names.hpp"
#include "common/prefix.hpp"
#include "common/values.hpp"
#include "common/vip.hpp"
#include "health/health.hpp"
#include "health/probe_options.hpp"
#include "health/probe_types.hpp"
#include "kinds/encap.hpp"
#include "kinds/scheduler.hpp"

#include <array>
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

// What becomes of the flows of a backend that is found down. New ones go elsewhere in any case.
enum class OnDown : std::uint8_t { keep, move, reset };

constexpr auto names_of(OnDown)
{
    return std::to_array<Name<OnDown>>(
        {{OnDown::keep, "keep"}, {OnDown::move, "move"}, {OnDown::reset, "reset"}});
}

constexpr std::uint8_t kIpv4Bits = 32;
constexpr std::uint8_t kIpv6Bits = 128;

// How a probe reaches a backend: as a client's packet does, at the VIP and in the service's encapsulation, or
// at the backend's own address.
enum class Via : std::uint8_t { tunnel, direct };

constexpr auto names_of(Via)
{
    return std::to_array<Name<Via>>({{Via::tunnel, "tunnel"}, {Via::direct, "direct"}});
}

struct HealthConfig {
    HealthType type = HealthType::none;
    Duration interval{1000};
    Duration timeout{500};
    unsigned rise = 2;                       // good results in a row until up
    unsigned fall = 3;                       // bad results in a row until down
    std::optional<InitState> init_state;     // absent: waits if the service has live backends
    std::optional<std::uint16_t> port;       // see probe_port()
    std::optional<Via> via;                  // see probe_vip()
    ProbeOptions options{};                  // of the type
    std::optional<Duration> fast_interval{}; // between up and down
    std::optional<Duration> down_interval{}; // absent: interval
    unsigned jitter = 10;                    // percent of the interval, either way

    bool operator==(const HealthConfig &) const = default;
};

struct IdleTimeouts {
    Duration tcp_established{std::chrono::minutes(15)};
    Duration tcp_closing{std::chrono::seconds(60)};   // FIN or RST seen
    Duration tcp_embryonic{std::chrono::seconds(30)}; // one packet seen
    Duration udp{std::chrono::minutes(2)};

    bool operator==(const IdleTimeouts &) const = default;
};

// Clients by their networks. Services name lists in `allow` and `deny`.
struct SourceList {
    std::string name;
    std::vector<Prefix> prefixes;
    std::optional<std::string> file; // with more of them
    std::vector<Prefix> of_file;     // what was in it when the configuration was read

    std::size_t size() const { return prefixes.size() + of_file.size(); }
    bool operator==(const SourceList &) const = default;
};

constexpr std::size_t kMostPrefixes = 100'000;           // of a list
constexpr std::size_t kMostPrefixesOfAService = 500'000; // a set of sources has room for twice as many ranges

// What becomes of a new flow beyond a limit.
enum class OverNewFlows : std::uint8_t { forget, refuse };

constexpr auto names_of(OverNewFlows)
{
    return std::to_array<Name<OverNewFlows>>(
        {{OverNewFlows::forget, "forget"}, {OverNewFlows::refuse, "refuse"}});
}

enum class GuardMode : std::uint8_t { enforce, count };

constexpr auto names_of(GuardMode)
{
    return std::to_array<Name<GuardMode>>({{GuardMode::enforce, "enforce"}, {GuardMode::count, "count"}});
}

// Per second. Absent: no limit.
struct LimitsConfig {
    std::optional<std::uint32_t> new_flows;
    std::optional<std::uint32_t> source_new_flows;
    std::optional<std::uint32_t> packets;
    std::optional<std::uint32_t> source_packets;
    std::uint8_t source_prefix_v4 = 32; // of the client's address, that make it one source
    std::uint8_t source_prefix_v6 = 64;
    OverNewFlows over_new_flows = OverNewFlows::forget;

    bool limits_flows() const { return new_flows || source_new_flows; }
    bool limits_packets() const { return packets || source_packets; }
    bool operator==(const LimitsConfig &) const = default;
};

// A key of AES-128 and the file that it is read from. What is written of it is the file's name alone.
struct KeyFile {
    using Key = std::array<std::uint8_t, 16>;

    std::string path;
    std::optional<Key> key; // absent: not read yet, see read_key_files()

    bool operator==(const KeyFile &) const = default;
};

// How the connection ids with one config id are made: draft-ietf-quic-load-balancers.
struct QuicLbConfig {
    std::uint8_t config_id = 0;
    std::uint8_t server_id_length = 0; // octets
    std::uint8_t nonce_length = 0;
    std::optional<KeyFile> key_file; // absent: the ids are not encrypted

    bool operator==(const QuicLbConfig &) const = default;
};

struct BackendConfig {
    std::string name;
    IpAddress address;
    std::uint16_t weight = 1; // 0 = no new flows
    AdminState state = AdminState::active;
    std::optional<Mac> mac; // next hop; resolved from the kernel's neighbours where absent
    std::optional<std::vector<std::uint8_t>> server_id; // of quic_lb; absent: the end of the address

    bool operator==(const BackendConfig &) const = default;
};

// How a backend that has come back, or has joined live ones, gets to its weight. See
// reconcile/slow_starts.hpp.
struct SlowStart {
    std::optional<Duration> window; // absent: at once
    unsigned aggression = 1;        // 1: linear; more: faster at first
    unsigned min_weight = 10;       // percent, at the beginning

    bool operator==(const SlowStart &) const = default;
};

struct ServiceConfig {
    std::string name;
    std::vector<VipKey> vips; // at least one
    Scheduler scheduler = Scheduler::maglev;
    Affinity affinity = Affinity::none;
    std::uint8_t source_prefix_v4 = kIpv4Bits; // of the client's address, under source affinity
    std::uint8_t source_prefix_v6 = kIpv6Bits;
    Encap encap = Encap::l2;
    std::uint16_t gue_port = kGuePort; // encap gue: the backends' UDP port
    HealthConfig health;
    std::uint32_t lookup_size = 65537; // slots of the lookup table; a prime
    IdleTimeouts idle_timeouts;
    // Percent. If more than this share of the backends that count (state active, weight above 0)
    // would be down at once, all of them go on getting traffic. 100 = never.
    unsigned panic_threshold = 50;
    OnDown on_down = OnDown::move;
    SlowStart slow_start;
    bool stateless = false;         // true: flows are not remembered
    std::vector<std::string> allow; // names of lists; not empty: other clients are refused
    std::vector<std::string> deny;
    LimitsConfig limits;
    GuardMode guard_mode = GuardMode::enforce; // of lists and limits
    std::vector<QuicLbConfig> quic_lb;         // empty: connection ids do not count
    std::vector<BackendConfig> backends;

    bool operator==(const ServiceConfig &) const = default;
};

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

// What a client gets that opens a TCP connection to a port of a VIP's address that no service takes.
enum class Unserved : std::uint8_t { drop, reset };

constexpr auto names_of(Unserved)
{
    return std::to_array<Name<Unserved>>({{Unserved::drop, "drop"}, {Unserved::reset, "reset"}});
}

struct Config {
    Seed seed{}; // of flow_hash, in the order of the hex digits; the same on every box of a fleet
    std::optional<DataplaneConfig> dataplane;
    ControlplaneConfig controlplane;
    TunnelSource tunnel_source;
    Unserved unserved = Unserved::drop;
    std::vector<SourceList> lists;
    std::vector<ServiceConfig> services;

    bool operator==(const Config &) const = default;
};

// The port that health probes of this service go to: health.port, else that of the first VIP of the type's
// protocol that has one port; nullopt if there is neither, and for a ping, which has no port.
std::optional<std::uint16_t> probe_port(const ServiceConfig &service);

// Where probes through the tunnel connect to: the first VIP that has the probed port. If none has it, `via`
// decides, because a port of its own is often one of the server's address alone. nullopt: probes go to the
// backends' addresses.
std::optional<SocketAddress> probe_vip(const ServiceConfig &service);

// The service's VIP by which it has this destination, or nullptr.
const VipKey *find_vip(const ServiceConfig &service, const IpAddress &address, std::uint16_t port,
                       Protocol protocol);

const ServiceConfig *find_service(const std::vector<ServiceConfig> &services, std::string_view name);
const SourceList *find_list(const std::vector<SourceList> &lists, std::string_view name);
const BackendConfig *find_backend(const ServiceConfig &service, std::string_view name);

// All flows of a client go to one backend, by its affinity or its scheduler.
bool has_source_affinity(const ServiceConfig &service);

// Active with a weight above 0: the operator wants it to get new flows.
bool counts(const BackendConfig &backend);

} // namespace aya
