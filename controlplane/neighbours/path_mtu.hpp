// SPDX-License-Identifier: BSD-2-Clause
// What routers say about packets of ours that were too big for them, and how much of it is believed. Pure.
//
// Anyone can forge such a message (RFC 8201 7), and the worst that one can do is to make packets smaller. So
// it must quote a tunnel of ours, it can only lower what is believed, not below what every link must take,
// not more often than once a second for a backend, and it is forgotten after ten minutes.
#pragma once

#include "aya/types.h"
#include "common/address.hpp"
#include "config/config.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace aya::neighbours
{

// An ICMP error, and the outer headers that it quotes.
struct TooBig {
    IpAddress source;
    IpAddress destination;
    u8 protocol = 0;  // that follows the IP header
    u16 udp_port = 0; // of the destination, if that is UDP
    u32 length = 0;   // of the packet that did not fit
    u32 mtu = 0;      // that would

    bool operator==(const TooBig &) const = default;
};

// From the IPv4 header of the message on (RFC 1191), and from its ICMPv6 header on (RFC 4443 3.2): as raw
// sockets hand them over. nullopt: another message, or one cut short.
std::optional<TooBig> read_too_big_ipv4(std::span<const u8> message);
std::optional<TooBig> read_too_big_ipv6(std::span<const u8> message);

// A tunnel to a backend.
struct Tunnel {
    std::optional<IpAddress> source; // unknown: there is no route
    Encap encap = Encap::ipip;
    u16 gue_port = 0;

    bool sent(const TooBig &error) const;
};

class PathMtus
{
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::minutes kMemory{10}; // RFC 1191 6.3, RFC 8201 5.3
    static constexpr std::chrono::seconds kPause{1};

    // `current`: what is believed of the way to this backend without us. True: it is less from now on.
    bool learn(const TooBig &error, u32 current, Clock::time_point now);
    // The backends that nothing is known of any more.
    std::vector<IpAddress> forget(Clock::time_point now);
    void forget_all_but(const std::unordered_map<IpAddress, std::vector<Tunnel>> &tunnels);

    std::optional<u16> find(const IpAddress &backend) const;

private:
    struct Known {
        u16 mtu;
        Clock::time_point learnt;
    };

    std::unordered_map<IpAddress, Known> known_;
};

} // namespace aya::neighbours
