// SPDX-License-Identifier: BSD-2-Clause
// What is found on this host. Read once; judged and planned from by pure functions (findings.hpp, plan.hpp).
#pragma once

#include "netlink.hpp"
#include "settings.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace aya::backend
{

struct Kernel {
    int major = 0;
    int minor = 0;

    // bpf_skb_adjust_room tells the stack of the inner protocol, if it is another one, since 6.3.
    bool strips_mixed_families_at_tc() const { return major > 6 || (major == 6 && minor >= 3); }
};

struct Ipv4Conf {
    int arp_ignore = 0;
    int arp_announce = 0;
    int rp_filter = 0;
};

// What is attached to an interface, as far as decapsulation is concerned.
struct Attached {
    bool has_ingress_qdisc = false;
    std::vector<Filter> ingress{};
    std::vector<std::string> tcx{}; // programs at tcx ingress: they run before any filter
    std::string xdp{};              // name of the XDP program; empty: none
    bool xdp_generic = false;
    // What the decapsulation that is attached strips for; nullopt: there is none, or we may not look.
    std::optional<std::vector<IpAddress>> addresses{};
    std::uint16_t gue_port = 0; // where it strips GUE; 0: IP in IP alone
    // The inner destinations and the senders that it takes; nullopt, with `addresses`: any (an earlier
    // version).
    std::optional<std::vector<Prefix>> vips{};
    std::optional<std::vector<Prefix>> balancers{};

    std::optional<std::size_t> decap_filter() const; // index into `ingress`
    bool has_decap_xdp() const;
};

struct Listener {
    IpAddress address{}; // unspecified: all of its family
    Port port{};
    bool also_v4 = false; // a listener on :: that takes IPv4 as well
};

struct Facts {
    bool root = true;
    Kernel kernel{};
    std::vector<Link> links{};
    std::vector<InterfaceAddress> addresses{};
    std::vector<LocalNetwork> local_networks{};
    std::vector<DefaultRoute> default_routes{};
    std::map<std::string, Ipv4Conf> ipv4{}; // by interface, and "all"
    std::vector<std::string> ipv6_off{};    // interfaces on which IPv6 is disabled
    Attached attached{};
    bool lro = false;
    bool udp_gro = false; // UDP datagrams without a socket of this host are joined before tc sees them
    std::vector<Listener> listeners{};

    const Link *link(const std::string &name) const;
    const Link *link(int index) const;
    std::string name_of(int index) const;
    const Ipv4Conf &conf(const std::string &interface) const;
    // The one that packets take if several are there: lowest metric, in the main table if any is. nullptr:
    // none.
    const DefaultRoute *default_route(bool v4) const;
    // Usable as outer destinations: the interface's lasting addresses that any host can send to, but no VIPs.
    std::vector<IpAddress> locals(const std::string &interface, const std::vector<Prefix> &vips) const;
};

// Throws Error. `ports`: which listeners matter.
Facts gather(const std::string &interface, const std::vector<Port> &ports);

// The interface of the route to the first balancer or, without one, of the default route. Throws Error.
std::string find_interface(const std::vector<Prefix> &balancers);

} // namespace aya::backend
