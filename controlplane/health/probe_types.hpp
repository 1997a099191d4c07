// SPDX-License-Identifier: BSD-2-Clause
// The types of health probes, and the keys of the configuration that each has. What they do is in probe.hpp.
#pragma once

#include "common/address.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace aya
{

// /services/N/health/type. `none`: the service's backends are not probed. Its names are in kProbeTypes.
enum class HealthType : std::uint8_t { none, tcp, http, https, icmp, udp, exec, syn, grpc };

} // namespace aya

namespace aya::health
{

// Whose port is probed, if the configuration names none: that of the first such VIP that has one.
enum class PortOf : std::uint8_t { none, tcp_vip, udp_vip };

struct ProbeType {
    HealthType value;
    std::string_view name; // in the configuration
    PortOf port;
    std::array<std::string_view, 8> keys; // of ProbeOptions

    constexpr bool has(std::string_view key) const
    {
        return std::find(keys.begin(), keys.end(), key) != keys.end();
    }
    constexpr bool needs_port() const { return port != PortOf::none; }
    // Can go through the tunnel: the VIP has ports and protocols, and the balancer answers pings itself.
    constexpr bool tunnels() const { return needs_port(); }
};

// In the order of HealthType.
inline constexpr std::array kProbeTypes = {
    ProbeType{HealthType::none, "none", PortOf::none, {}},
    ProbeType{HealthType::tcp, "tcp", PortOf::tcp_vip, {}},
    ProbeType{HealthType::http,
              "http",
              PortOf::tcp_vip,
              {"method", "path", "host", "expected_status", "expected_body"}},
    ProbeType{
        HealthType::https,
        "https",
        PortOf::tcp_vip,
        {"method", "path", "host", "expected_status", "expected_body", "tls_verify", "tls_server_name"}},
    ProbeType{HealthType::icmp, "icmp", PortOf::none, {}},
    ProbeType{HealthType::udp, "udp", PortOf::udp_vip, {"payload", "expected_answer"}},
    ProbeType{HealthType::exec, "exec", PortOf::none, {"command"}},
    ProbeType{HealthType::syn, "syn", PortOf::tcp_vip, {}},
    ProbeType{HealthType::grpc,
              "grpc",
              PortOf::tcp_vip,
              {"grpc_service", "host", "tls", "tls_verify", "tls_server_name"}},
};

constexpr const ProbeType &probe_type(HealthType value)
{
    return kProbeTypes[static_cast<std::size_t>(value)];
}

constexpr bool types_are_in_order()
{
    for (std::size_t i = 0; i < kProbeTypes.size(); i++)
        if (static_cast<std::size_t>(kProbeTypes[i].value) != i)
            return false;
    return true;
}
static_assert(types_are_in_order());

} // namespace aya::health

namespace aya
{

constexpr const auto &names_of(HealthType)
{
    return health::kProbeTypes;
}

} // namespace aya
