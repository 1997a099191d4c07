// SPDX-License-Identifier: BSD-2-Clause
// What a probe is: steps of I/O that never block, and a table of the types of probes. Between two steps the
// monitor waits for what the probe asks for; it knows no type.
#pragma once

#include "common/address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace aya
{

// /services/N/health/type. `none`: the service's backends are not probed. Its names are in kProbeTypes.
enum class HealthType : std::uint8_t { none, tcp };

} // namespace aya

namespace aya::health
{

// What one attempt saw. Everything except `ok` is a failure.
enum class Outcome : std::uint8_t {
    ok,
    refused,     // a reset, or an ICMP port unreachable
    timeout,     // nothing came back in time
    unreachable, // no route, or a router said so
    local_error, // the probe could not be sent: this box is out of something
};

struct OutcomeRow {
    std::string_view label; // in /metrics
    std::string_view words; // in the log and the API
};

inline constexpr std::array kOutcomes = {
    OutcomeRow{"ok", "ok"},
    OutcomeRow{"refused", "connection refused"},
    OutcomeRow{"timeout", "timeout"},
    OutcomeRow{"unreachable", "unreachable"},
    OutcomeRow{"not_sent", "probe not sent"},
};
static_assert(kOutcomes.size() == static_cast<std::size_t>(Outcome::local_error) + 1);

// An outcome and, where there is more to say than its row does, the reason in words: "status 503".
struct Finding {
    Outcome outcome = Outcome::local_error;
    std::string reason;

    Finding(Outcome what, std::string why = {}) : outcome(what), reason(std::move(why)) {}
    std::string_view words() const;
    bool operator==(const Finding &) const = default;
};

// `error` is an errno value of connect(2) or of a later call on the socket; 0: ok.
Finding finding_of(int error);

// What a probe does next: wait until a descriptor is ready, or end.
struct Step {
    enum class Kind : std::uint8_t { done, readable, writable };
    Kind kind = Kind::done;
    int fd = -1;                              // what to wait for; the probe keeps it open until stop()
    Finding finding = {Outcome::local_error}; // of `done`

    static Step done(Finding finding) { return {.finding = std::move(finding)}; }
    static Step readable(int fd) { return {.kind = Kind::readable, .fd = fd}; }
    static Step writable(int fd) { return {.kind = Kind::writable, .fd = fd}; }
};

// What one attempt does. Of one target, which it serves for all its attempts, one after the other.
class Probe
{
public:
    virtual ~Probe() = default;

    // Begins an attempt, on a fresh connection.
    virtual Step start() = 0;

    // What the last step waits for is there, or an error is.
    virtual Step ready() = 0;

    // The timeout of the whole attempt is over.
    virtual Finding expired() { return {Outcome::timeout}; }

    // The attempt has ended, or shall: closes what is open. Also called when nothing is.
    virtual void stop() = 0;
};

struct ProbeType {
    HealthType value;
    std::string_view name;                                       // in the configuration
    bool needs_port;                                             // of the backend
    std::unique_ptr<Probe> (*make)(const SocketAddress &target); // null: backends are not probed
};

std::unique_ptr<Probe> make_tcp_probe(const SocketAddress &target); // tcp_probe.cpp

// In the order of HealthType.
inline constexpr std::array kProbeTypes = {
    ProbeType{HealthType::none, "none", false, nullptr},
    ProbeType{HealthType::tcp, "tcp", true, make_tcp_probe},
};

constexpr const ProbeType &probe_type(HealthType value)
{
    return kProbeTypes[static_cast<std::size_t>(value)];
}

} // namespace aya::health

namespace aya
{

constexpr const auto &names_of(HealthType)
{
    return health::kProbeTypes;
}

} // namespace aya
