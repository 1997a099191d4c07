// SPDX-License-Identifier: BSD-2-Clause
// What the kernel knows of links, routes and neighbours.
#pragma once

#include "common/address.hpp"
#include "common/netlink/socket.hpp"
#include "common/prefix.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace aya::neighbours
{

struct Link {
    int index = 0;
    std::string name;
    bool up = false;
    bool running = false; // has a carrier, as far as the driver tells

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
    std::uint32_t mtu = 0; // of the route, or of what the kernel has learnt of the destination; 0: none

    bool operator==(const Route &) const = default;
};

// All addresses from the first to the last, of one family.
struct AddressRange {
    IpAddress first;
    IpAddress last;

    bool operator==(const AddressRange &) const = default;
};

// An interface has got or lost this address.
struct AddressChange {
    int link = 0;
    IpAddress address;
    AddressRange network;

    bool operator==(const AddressChange &) const = default;
};

// Readers of one message. nullopt: not a message of this kind, malformed, or of no use here (a local or
// unreachable route, a neighbour that is no Ethernet one).
std::optional<Link> read_link(const nlmsghdr &message);
std::optional<int> read_link_removal(const nlmsghdr &message); // its index
std::optional<Neighbour> read_neighbour(const nlmsghdr &message);
std::optional<Route> read_route(const nlmsghdr &message);
std::optional<AddressRange>
read_route_change(const nlmsghdr &message); // what an added or deleted route covers
std::optional<AddressChange> read_address_change(const nlmsghdr &message);
bool leads_here(const nlmsghdr &message); // a route by which the kernel takes packets itself

// The kernel answers these while it takes the request, so they do not block.
std::vector<Link> links(netlink::Socket &socket);
std::optional<Route> route_to(netlink::Socket &socket, const IpAddress &destination);
bool is_local(netlink::Socket &socket, const IpAddress &address); // the kernel takes packets to it itself
std::set<Prefix> own_addresses(netlink::Socket &socket); // of all interfaces, each as the network of itself
std::optional<Neighbour> find_neighbour(netlink::Socket &socket, int link, const IpAddress &address);

// Asks the kernel to find out, or to make sure, where a neighbour is (NTF_USE: as if a packet had been sent
// to it). 0 or an errno value.
int resolve(netlink::Socket &socket, int link, const IpAddress &address);

} // namespace aya::neighbours
