// SPDX-License-Identifier: BSD-2-Clause
#include "health/probe.hpp"

#include <cerrno>
#include <cstring>

namespace aya::health
{

namespace
{

Outcome outcome_of(int error)
{
    switch (error) {
    case 0:
        return Outcome::ok;
    case ECONNREFUSED:
    case ECONNRESET:
        return Outcome::refused;
    case ETIMEDOUT:
        return Outcome::timeout;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENONET:
    case EPROTO: // ICMP parameter problem
    case ENOPROTOOPT:
    case EINVAL: // a `blackhole` route
    case EACCES: // a `prohibit` route, or ICMP administratively prohibited
        return Outcome::unreachable;
    default:
        return Outcome::local_error;
    }
}

} // namespace

std::string_view Finding::words() const
{
    return reason.empty() ? kOutcomes[static_cast<std::size_t>(outcome)].words : std::string_view(reason);
}

Finding finding_of(int error)
{
    const Outcome outcome = outcome_of(error);
    if (outcome != Outcome::local_error)
        return {outcome};
    return {outcome,
            std::string(kOutcomes[static_cast<std::size_t>(outcome)].words) + ": " + std::strerror(error)};
}

std::unique_ptr<Probe> make_probe(const ProbeType &type, const ProbeTarget &target)
{
    return target.tunnel ? make_tunnel_probe(type, target) : make_probe_of_type(type, target);
}

std::unique_ptr<Probe> make_probe_of_type(const ProbeType &type, const ProbeTarget &target)
{
    switch (type.value) {
    case HealthType::none:
        return nullptr;
    case HealthType::tcp:
        return make_tcp_probe(target);
    case HealthType::http:
        return make_http_probe(target);
    case HealthType::https:
        return make_https_probe(target);
    case HealthType::icmp:
        return make_icmp_probe(target);
    case HealthType::udp:
        return make_udp_probe(target);
    case HealthType::exec:
        return make_exec_probe(target);
    case HealthType::syn:
        return make_syn_probe(target);
    case HealthType::grpc:
        return make_grpc_probe(target);
    }
    return nullptr;
}

} // namespace aya::health
