// SPDX-License-Identifier: BSD-2-Clause
// rtnetlink: interfaces, addresses, default routes, and what is attached to tc (rtnetlink(7)).
#pragma once

#include "common/address.hpp"
#include "common/netlink/socket.hpp"
#include "common/prefix.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace aya::backend
{

struct Link {
    int index = 0;
    std::string name;
    std::string kind; // "veth", "ipip", ...; empty for hardware
    std::uint32_t mtu = 0;
    bool up = false;
    bool carrier = false;
    bool loopback = false;
    bool arp = true;
};

struct InterfaceAddress {
    int link = 0;
    IpAddress address;
    int prefix = 0;
    bool temporary = false; // RFC 8981: gone tomorrow
};

// A route of type local to more than one address: the host has them all.
struct LocalNetwork {
    int link = 0;
    Prefix prefix;
};

struct DefaultRoute {
    bool v4 = true;
    std::vector<int> links; // more than one: multipath
    std::uint32_t metric = 0;
    std::uint32_t table = 0;
    std::uint32_t advmss = 0; // 0: none
    std::vector<IpAddress> gateways{};
};

// At tc ingress, in the order in which packets meet them.
struct Filter {
    std::uint32_t priority = 0;
    std::uint32_t handle = 0;
    std::string kind;             // "bpf", "flower", ...
    std::string name;             // of the BPF program
    std::uint32_t program_id = 0; // 0: no BPF program
};

class Netlink
{
public:
    // All throw Error.
    std::vector<Link> links();
    std::vector<InterfaceAddress> addresses();
    std::vector<DefaultRoute> default_routes();
    std::vector<LocalNetwork> local_networks();
    // The interface that the kernel would send by; nullopt: no route.
    std::optional<int> interface_to(const IpAddress &destination);
    // Has the interface something that ingress filters can be attached to (clsact or ingress)?
    bool has_ingress_qdisc(int link);
    // Is clsact there without any filter, in either direction?
    bool is_clsact_empty(int link);
    std::vector<Filter> ingress_filters(int link);

    // As a host address (/32, /128), usable at once. Both give 0 or an errno value.
    int add_address(int link, const IpAddress &address);
    int remove_address(int link, const IpAddress &address);
    // All addresses of a network, by a route of type local (AnyIP). The same.
    int add_local_network(int link, const Prefix &prefix);
    int remove_local_network(int link, const Prefix &prefix);

private:
    void dump(netlink::Request &request, const std::function<void()> &restart, const netlink::Each &each);
    std::vector<Filter> filters(int link, std::uint32_t parent);
    template <class Item>
    std::vector<Item> routes(std::optional<Item> (*read)(const nlmsghdr &message));

    netlink::Socket socket_;
};

} // namespace aya::backend
