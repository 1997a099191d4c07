// SPDX-License-Identifier: BSD-2-Clause
#include "fields.hpp"
#include "quic_lb.hpp"

#include "aya/rate.h"

namespace aya
{

using namespace std::chrono_literals;

template <>
const Fields<HealthConfig> &fields()
{
    std::vector<Field<HealthConfig>> rows = {
        field("type", &HealthConfig::type, word_kind<HealthType>(), "Kind of health probe")
            .required()
            .option("health")
            .more("`tcp`: a connection to the backend's address is opened and closed. `http`: a request by "
                  "HTTP/1.1 gets an expected status and, if `expected_body` is given, a body that contains "
                  "it. `https`: the same by TLS. `icmp`: a ping is answered. `udp`: `payload` gets an answer "
                  "that contains `expected_answer`; without that key, only a port that is closed is a "
                  "failure, and a success proves nothing about a host that is silent. `exec`: `command` ends "
                  "with exit code 0. `syn`: a SYN is answered by a SYN and ACK, and the connection is never "
                  "opened. `grpc`: the standard health service (grpc.health.v1) answers SERVING. "
                  "[Health](operations.md#health)."),
        field("interval", &HealthConfig::interval, duration_kind(50ms, 1h),
              "Time between two probes of a backend"),
        field("fast_interval", &HealthConfig::fast_interval, duration_kind(10ms, 1h),
              "Time between two probes while a backend is between up and down")
            .absent("a fifth of `interval` on the way down, `interval` on the way up")
            .rule("at most `interval`")
            .more(
                "As HAProxy's `fastinter`: after failures that do not take it down yet, and after successes "
                "that do not take it up yet."),
        field("down_interval", &HealthConfig::down_interval, duration_kind(50ms, 1h),
              "Time between two probes of a backend that is down")
            .absent("`interval`")
            .more("As HAProxy's `downinter`."),
        field("jitter", &HealthConfig::jitter, percent_kind(),
              "Share by which the time between two probes varies at random, either way")
            .more("So that the probes of many backends, and of many balancers, do not run in lockstep."),
        field("timeout", &HealthConfig::timeout, duration_kind(10ms, 1h),
              "Time after which a probe without an answer has failed")
            .rule("less than `interval`"),
        field("rise", &HealthConfig::rise, integer_kind(1, 100),
              "Consecutive successes until a backend is up"),
        field("fall", &HealthConfig::fall, integer_kind(1, 100),
              "Consecutive failures until a backend is down"),
        field("init_state", &HealthConfig::init_state, word_kind<InitState>(),
              "What a backend is until its first probes are done")
            .absent("`down` for a backend that joins a service with live ones, else `fully-up`")
            .more("As HAProxy's `init-state`. `fully-up`: it gets traffic, and `fall` failures take it down. "
                  "`up`: it gets traffic, and a failure of its first probe takes it down. `down`: it gets "
                  "none, "
                  "and a success of its first probe takes it up (after a failure, `rise` successes). "
                  "`fully-down`: it gets none, and `rise` successes take it up. "
                  "[Health](operations.md#health)."),
        field("port", &HealthConfig::port, integer_kind(1, 65535), "Port to probe")
            .absent("the port of the first VIP of the probe's protocol that has a single one")
            .more("Required where no such VIP has one, except for `exec`, and for `icmp`, which has none."),
        field("via", &HealthConfig::via, word_kind<Via>(), "Way of the probes to the backends")
            .absent("`tunnel` where the probed port is that of a VIP, else `direct`")
            .rule("`tunnel` not with `type` `\"icmp\"` or `\"exec\"`")
            .more("`tunnel`: a probe goes to the VIP, in the encapsulation of clients' packets, so that a "
                  "backend "
                  "without the VIP, without a listener on it or without decapsulation is down. `direct`: it "
                  "goes to "
                  "the backend's own address, and notices none of that. "
                  "[Through the tunnel](operations.md#through-the-tunnel)."),
    };
    for (const Field<ProbeOptions> &option : fields<ProbeOptions>().rows())
        rows.push_back(field_of(&HealthConfig::options, option));
    static const Fields<HealthConfig> all(std::move(rows));
    return all;
}

template <>
const Fields<IdleTimeouts> &fields()
{
    const auto kind = duration_kind(1s, 9h, 1s); // the flow table counts seconds, and 9 h of them
    static const Fields<IdleTimeouts> rows({
        field("tcp_established", &IdleTimeouts::tcp_established, kind, "TCP flows of more than one packet")
            .more("Long, because streams can be silent for minutes."),
        field("tcp_closing", &IdleTimeouts::tcp_closing, kind, "TCP flows whose FIN or RST was seen"),
        field("tcp_embryonic", &IdleTimeouts::tcp_embryonic, kind, "TCP flows of one packet"),
        field("udp", &IdleTimeouts::udp, kind, "UDP flows"),
    });
    return rows;
}

template <>
const Fields<SlowStart> &fields()
{
    static const Fields<SlowStart> rows({
        field("window", &SlowStart::window, duration_kind(2s, 1h, 1s),
              "Time until a backend has its whole weight")
            .absent("it has it at once"),
        field("aggression", &SlowStart::aggression, integer_kind(1, 10),
              "Shape of the rise: 1 is linear, more is faster at first")
            .more("As Envoy's: the share of the weight is `(time / window)^(1 / aggression)`."),
        field("min_weight", &SlowStart::min_weight, percent_kind(), "Share of the weight at the beginning"),
    });
    return rows;
}

template <>
const Fields<BackendConfig> &fields()
{
    static const Fields<BackendConfig> rows({
        field("name", &BackendConfig::name, name_kind(), "Name of the backend")
            .required()
            .rule("each once in the service")
            .fixed("a name cannot be changed; add a backend with the new name and drain this one"),
        field("address", &BackendConfig::address, address_kind(), "The backend's own address")
            .required()
            .rule("each once in the service, never a VIP")
            .fixed("an address cannot be changed; add a backend with another name and drain this one"),
        field("weight", &BackendConfig::weight, integer_kind(0, 65535),
              "Share of new flows, relative to the service's other backends; 0 for none")
            .more("With 0 the backend keeps the flows that it has."),
        field("state", &BackendConfig::state, word_kind<AdminState>(), "State set by the operator")
            .more("`draining`: it keeps its flows and gets no new ones. `disabled`: it gets nothing."),
        field("mac", &BackendConfig::mac, mac_kind(), "MAC address of the next hop")
            .absent("taken from the kernel's neighbour table")
            .more("For networks without ARP or ND."),
        field("server_id", &BackendConfig::server_id, server_id_kind(),
              "Server id in QUIC connection ids, with quic_lb")
            .absent("the last octets of `address`")
            .rule("only with `quic_lb`; each once in the service; as long as each `server_id_length`")
            .more("[quic_lb](#quic_lb)."),
    });
    return rows;
}

template <>
const Fields<LimitsConfig> &fields()
{
    const auto rate = integer_kind(1, AYA_RATE_MOST);
    static const Fields<LimitsConfig> rows({
        field("new_flows", &LimitsConfig::new_flows, rate, "New flows per second")
            .absent("no limit")
            .rule("not with `stateless`"),
        field("source_new_flows", &LimitsConfig::source_new_flows, rate, "New flows per second of one source")
            .absent("no limit")
            .rule("not with `stateless`"),
        field("packets", &LimitsConfig::packets, rate, "Packets per second").absent("no limit"),
        field("source_packets", &LimitsConfig::source_packets, rate, "Packets per second of one source")
            .absent("no limit"),
        field("source_prefix_v4", &LimitsConfig::source_prefix_v4, integer_kind(1, kIpv4Bits),
              "Bits of an IPv4 client's address that make it one source")
            .rule("other than 32 only with a limit per source"),
        field("source_prefix_v6", &LimitsConfig::source_prefix_v6, integer_kind(1, kIpv6Bits),
              "The same of an IPv6 client's address")
            .rule("other than 64 only with a limit per source")
            .more("A host chooses the last 64 bits as it likes."),
        field("over_new_flows", &LimitsConfig::over_new_flows, word_kind<OverNewFlows>(),
              "What becomes of a new flow over a limit of new flows")
            .rule("`\"refuse\"` only with a limit of new flows")
            .more("`forget`: it is forwarded by the hash, and not remembered. `refuse`: a SYN or a datagram "
                  "is dropped."),
    });
    return rows;
}

template <>
const Fields<ServiceConfig> &fields()
{
    static const Fields<ServiceConfig> rows({
        field("name", &ServiceConfig::name, name_kind(), "Name of the service")
            .required()
            .rule("each once")
            .fixed("a name cannot be changed; add a service with the new name and remove this one"),
        list_field("vips", &ServiceConfig::vips, vip_kind(), {1},
                   "VIPs of the service, such as 203.0.113.10:443/tcp")
            .required()
            .unique()
            .rule("each in one service")
            .option("vip")
            .more("The address may be a prefix (`203.0.113.0/28`), the port a range (`8000-8999`) or any "
                  "(`*`). The longest prefix that has the packet takes precedence, and in it the fewest "
                  "ports; they may belong to different services. [VIPs](#vips)."),
        field("scheduler", &ServiceConfig::scheduler, word_kind<Scheduler>(),
              "How a new flow finds its backend")
            .more(
                "`maglev` and `source-hash` hash the flow to a slot of the lookup table: `maglev` by "
                "addresses, ports and protocol, `source-hash` by all of these except the client's port. A "
                "change of backends moves few slots, and all boxes of a fleet choose alike. The others draw "
                "a backend for each new flow: `random` by chance, `weighted-round-robin` in the smooth "
                "order of nginx, worker by worker, `least-connections` the one of two that has fewer live "
                "flows for its weight. Only the flow table of this box remembers what was drawn. "
                "[Schedulers](#schedulers)."),
        field("affinity", &ServiceConfig::affinity, word_kind<Affinity>(),
              "Which flows share a backend: none, or all of one client (source)")
            .more("`source`: the client's port does not count, so all flows of a client to one address "
                  "and port go to "
                  "one backend, as with `source-hash`.")
            .rule("the latter only with `scheduler` `\"maglev\"` or `\"source-hash\"`"),
        field("source_prefix_v4", &ServiceConfig::source_prefix_v4, integer_kind(1, kIpv4Bits),
              "Bits of an IPv4 client's address that make it one client, under source affinity")
            .rule("other than 32 only with `affinity` `\"source\"` or `scheduler` `\"source-hash\"`")
            .more("With 24 all flows of a /24 go to one backend."),
        field("source_prefix_v6", &ServiceConfig::source_prefix_v6, integer_kind(1, kIpv6Bits),
              "The same of an IPv6 client's address")
            .rule("other than 128 only with `affinity` `\"source\"` or `scheduler` `\"source-hash\"`")
            .more("A household has a /56 or a /64, and its hosts change their addresses within it."),
        field("encap", &ServiceConfig::encap, word_kind<Encap>(), "How packets reach the backends")
            .more("`l2` rewrites MAC addresses, so backends must be in the balancer's networks, not behind a "
                  "router, and of the VIPs' "
                  "family. `ipip` wraps the packet in an outer IP header (4in4, 6in6, 4in6, 6in4). `gue` "
                  "puts UDP "
                  "between the two (Generic UDP Encapsulation, variant 1), with a source port per flow from "
                  "49152 to "
                  "65535, so that routers and the backends' NICs spread flows as they spread any UDP; it "
                  "costs 8 "
                  "bytes more. The UDP checksum is 0, also over IPv6 (RFC 6935): the client's packet has its "
                  "own. "
                  "[aya-backend](backend.md) strips both tunnels at the backends."),
        field("gue_port", &ServiceConfig::gue_port, integer_kind(1, 65535),
              "UDP port of the backends, with encap gue")
            .rule("other than 6080 only with `encap` `\"gue\"`"),
        object_field("health", &ServiceConfig::health, fields<HealthConfig>(), "How backends are probed")
            .absent("no probes")
            .more("[Below](#health)."),
        field("lookup_size", &ServiceConfig::lookup_size, integer_kind(251, 1048573),
              "Number of slots in the lookup table, a prime")
            .rule("a prime, at least the number of backends")
            .more("4 bytes each. A hundred times the number of backends keeps shares within a percent of the "
                  "weights."),
        object_field("idle_timeouts", &ServiceConfig::idle_timeouts, fields<IdleTimeouts>(),
                     "How long a silent flow is remembered, by kind of flow")
            .option("idle-timeout")
            .more("[Below](#idle_timeouts)."),
        field("panic_threshold", &ServiceConfig::panic_threshold, percent_kind(),
              "Share of backends that may be down at once before all are used again")
            .more("[Below](#health)."),
        field("on_down", &ServiceConfig::on_down, word_kind<OnDown>(),
              "What becomes of the flows of a backend that is down")
            .rule("other than `move` only with `stateless` `false`")
            .more(
                "`move`: their next packets go to other backends, which know nothing of a TCP connection and "
                "reset it. `reset`: the next packet of a TCP connection is answered by a RST at once, in the "
                "VIP's name, and other flows move. `keep`: they stay with the backend, so that they survive "
                "if "
                "it returns. [A backend that is down](operations.md#a-backend-that-is-down)."),
        object_field("slow_start", &ServiceConfig::slow_start, fields<SlowStart>(),
                     "How a backend that comes back or joins gets to its weight")
            .option("slow-start")
            .absent("at once")
            .more("[Below](#slow_start)."),
        field("stateless", &ServiceConfig::stateless, boolean_kind(), "Do not keep flow state")
            .rule("`true` only with `scheduler` `\"maglev\"` or `\"source-hash\"`")
            .more("Every packet is scheduled by itself, so a change of backends moves some flows. For "
                  "protocols of "
                  "one packet and one answer."),
        list_field("allow", &ServiceConfig::allow, name_kind(), {},
                   "Lists of clients that may use the service; all others are refused")
            .unique()
            .rule("names of `lists`")
            .more("[Below](#lists)."),
        list_field("deny", &ServiceConfig::deny, name_kind(), {}, "Lists of clients that are refused")
            .unique()
            .rule("names of `lists`")
            .more("Of all prefixes that a client is in, the longest decides."),
        object_field("limits", &ServiceConfig::limits, fields<LimitsConfig>(),
                     "How much the service takes, in all and from one source")
            .option("limit")
            .more("[Below](#limits-of-a-service)."),
        field("guard_mode", &ServiceConfig::guard_mode, word_kind<GuardMode>(),
              "Whether lists and limits refuse packets, or only count what they would refuse")
            .more("`count`: nothing is refused, and `would_refuse` counts."),
        objects_field("quic_lb", &ServiceConfig::quic_lb, fields<QuicLbConfig>(), {0, 7},
                      "How QUIC connection ids name their backends, one item per config id")
            .rule("only with a UDP VIP")
            .more("Without items, connection ids do not count. [Below](#quic_lb)."),
        objects_field("backends", &ServiceConfig::backends, fields<BackendConfig>(), {},
                      "Servers of the service")
            .fixed("backends cannot be changed through their service; add, set or remove each one")
            .more("A service without backends drops its packets and counts them."),
    });
    return rows;
}

} // namespace aya
