// SPDX-License-Identifier: BSD-2-Clause
// What a probe is: steps of I/O that never block. Between two steps the monitor waits for what the probe asks
// for; it knows no type.
#pragma once

#include "common/address.hpp"
#include "health/probe_options.hpp"
#include "health/probe_types.hpp"
#include "health/tunnel.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace aya::health
{

// What one attempt saw. Everything except `ok` is a failure.
enum class Outcome : std::uint8_t {
    ok,
    refused,     // a reset, or an ICMP port unreachable
    timeout,     // nothing came back in time
    unreachable, // no route, or a router said so
    bad_answer,  // an answer came, and not the expected one
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
    OutcomeRow{"bad_answer", "not the expected answer"},
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

// What a probe is made of.
struct ProbeTarget {
    SocketAddress address;                       // of the backend
    std::shared_ptr<const ProbeOptions> options; // never null
    std::shared_ptr<const Tunnel> tunnel = {};   // null: the probe goes to `address` directly
};

// Null for a type that does not probe.
std::unique_ptr<Probe> make_probe(const ProbeType &type, const ProbeTarget &target);

// The same where a packet's way is settled: what has a tunnel goes through it, and `address` is the VIP's.
std::unique_ptr<Probe> make_probe_of_type(const ProbeType &type, const ProbeTarget &target);

// Goes to the tunnel's VIP while its packets can, else to the backend directly. tunnel_probe.cpp
std::unique_ptr<Probe> make_tunnel_probe(const ProbeType &type, const ProbeTarget &target);

// One per type, each in its file.
std::unique_ptr<Probe> make_tcp_probe(const ProbeTarget &target);
std::unique_ptr<Probe> make_http_probe(const ProbeTarget &target);
std::unique_ptr<Probe> make_https_probe(const ProbeTarget &target);
std::unique_ptr<Probe> make_icmp_probe(const ProbeTarget &target);
std::unique_ptr<Probe> make_udp_probe(const ProbeTarget &target);
std::unique_ptr<Probe> make_exec_probe(const ProbeTarget &target);
std::unique_ptr<Probe> make_syn_probe(const ProbeTarget &target);
std::unique_ptr<Probe> make_grpc_probe(const ProbeTarget &target);

} // namespace aya::health
