// SPDX-License-Identifier: BSD-2-Clause
#include "health/probe.hpp"

#include <cerrno>
#include <cstring>

namespace aya::health
{

namespace
{

constexpr bool in_order()
{
    for (std::size_t i = 0; i < kProbeTypes.size(); i++)
        if (static_cast<std::size_t>(kProbeTypes[i].value) != i)
            return false;
    return true;
}
static_assert(in_order());

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

} // namespace aya::health
