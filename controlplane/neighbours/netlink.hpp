// SPDX-License-Identifier: BSD-2-Clause
// rtnetlink: what the kernel knows of links, routes and neighbours (rtnetlink(7)).
#pragma once

#include "common/address.hpp"

#include <cstdint>
#include <functional>
#include <linux/netlink.h>
#include <optional>
#include <string>
#include <vector>

namespace aya::netlink
{

struct Link {
    int index = 0;
    std::string name;
    bool up = false;

    bool operator==(const Link &) const = default;
};

struct Neighbour {
    int link = 0;
    IpAddress address;
    std::optional<Mac> mac;
    std::uint16_t state = 0; // NUD_* of <linux/neighbour.h>; 0: the kernel has forgotten it

    bool operator==(const Neighbour &) const = default;
};

// The way that the kernel would send a packet now.
struct Route {
    int link = 0;
    std::optional<IpAddress> gateway; // absent: the destination is on the link
    std::optional<IpAddress> source;  // that the kernel would give the packet

    bool operator==(const Route &) const = default;
};

// Readers of one message. nullopt: not a message of this kind, malformed, or of no use here (a local or
// unreachable route, a neighbour that is no Ethernet one).
std::optional<Link> read_link(const nlmsghdr &message);
std::optional<Neighbour> read_neighbour(const nlmsghdr &message);
std::optional<Route> read_route(const nlmsghdr &message);

// Calls `each` for every whole message in a buffer that was received. False: the buffer is malformed.
bool for_each_message(const void *data, std::size_t length,
                      const std::function<void(const nlmsghdr &)> &each);

class Socket
{
public:
    // `groups`: RTNLGRP_* to listen to. Throws std::system_error.
    explicit Socket(const std::vector<int> &groups);
    ~Socket();
    Socket(const Socket &) = delete;
    Socket &operator=(const Socket &) = delete;

    int fd() const { return fd_; }

    // Reads whatever has come in, without blocking. False: messages were lost (the queue overran), so that
    // everything known must be read again.
    bool drain(const std::function<void(const nlmsghdr &)> &each);

    // The kernel answers these while it takes the request, so they do not wait for anybody.
    std::vector<Link> links();
    std::optional<Route> route_to(const IpAddress &destination);
    std::optional<Neighbour> neighbour(int link, const IpAddress &address);

    // Asks the kernel to find out, or to make sure, where a neighbour is (NTF_USE: as if a packet had been
    // sent to it). 0 or an errno value.
    int resolve(int link, const IpAddress &address);

private:
    int exchange(void *request, const std::function<void(const nlmsghdr &)> &each);

    int fd_ = -1;
    std::uint32_t sequence_ = 0;
    std::vector<char> buffer_;
};

} // namespace aya::netlink
