// SPDX-License-Identifier: BSD-2-Clause
#include "facts.hpp"

#include "common/error.hpp"
#include "features.hpp"
#include "inspect.hpp"
#include "listeners.hpp"
#include "sysctl.hpp"

#include <algorithm>
#include <cstdio>
#include <linux/rtnetlink.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace aya::backend
{

namespace
{

Kernel read_kernel()
{
    utsname names{};
    Kernel kernel;
    if (::uname(&names) == 0)
        std::sscanf(names.release, "%d.%d", &kernel.major, &kernel.minor);
    return kernel;
}

void read_conf(Facts &facts, const std::string &interface)
{
    auto value = [&](const char *key) { return sysctl::read(sysctl::ipv4_conf(interface, key)).value_or(0); };
    facts.ipv4[interface] = {value("arp_ignore"), value("arp_announce"), value("rp_filter")};
    if (sysctl::read(sysctl::ipv6_conf(interface, "disable_ipv6")).value_or(1) != 0)
        facts.ipv6_off.push_back(interface);
}

} // namespace

std::optional<std::size_t> Attached::decap_filter() const
{
    for (std::size_t i = 0; i < ingress.size(); i++)
        if (ingress[i].name.find("decap_tc") != std::string::npos)
            return i;
    return std::nullopt;
}

bool Attached::has_decap_xdp() const
{
    return xdp == "decap_xdp";
}

const Link *Facts::link(const std::string &name) const
{
    const auto found =
        std::find_if(links.begin(), links.end(), [&](const Link &l) { return l.name == name; });
    return found == links.end() ? nullptr : &*found;
}

const Link *Facts::link(int index) const
{
    const auto found =
        std::find_if(links.begin(), links.end(), [&](const Link &l) { return l.index == index; });
    return found == links.end() ? nullptr : &*found;
}

std::string Facts::name_of(int index) const
{
    const Link *found = link(index);
    return found ? found->name : "interface " + std::to_string(index);
}

const Ipv4Conf &Facts::conf(const std::string &interface) const
{
    static const Ipv4Conf none;
    const auto found = ipv4.find(interface);
    return found == ipv4.end() ? none : found->second;
}

const DefaultRoute *Facts::default_route(bool v4) const
{
    const DefaultRoute *best = nullptr;
    auto rank = [](const DefaultRoute &route) {
        return std::pair(route.table != RT_TABLE_MAIN, route.metric);
    };
    for (const DefaultRoute &route : default_routes)
        if (route.v4 == v4 && (!best || rank(route) < rank(*best)))
            best = &route;
    return best;
}

std::vector<IpAddress> Facts::locals(const std::string &interface, const std::vector<Prefix> &vips) const
{
    std::vector<IpAddress> found;
    for (const InterfaceAddress &a : addresses)
        if (name_of(a.link) == interface && !a.temporary && is_routable(a.address) &&
            !contains(vips, a.address) && !contains(found, a.address))
            found.push_back(a.address);
    return found;
}

Facts gather(const std::string &interface, const std::vector<Port> &ports)
{
    Netlink netlink;
    Facts facts;
    facts.root = ::geteuid() == 0;
    facts.kernel = read_kernel();
    facts.links = netlink.links();
    facts.addresses = netlink.addresses();
    facts.local_networks = netlink.local_networks();
    facts.default_routes = netlink.default_routes();
    read_conf(facts, "all");
    for (const Link &link : facts.links)
        read_conf(facts, link.name);
    const Link *link = facts.link(interface);
    if (!link) {
        std::string names;
        for (const Link &l : facts.links)
            names += (names.empty() ? "" : ", ") + l.name;
        throw Error(interface + ": no such interface; existing interfaces: " + names);
    }
    facts.attached = read_attached(netlink, link->index);
    const std::set<std::string> features = read_active_features(interface);
    facts.lro = features.contains("rx-lro");
    facts.udp_gro = features.contains("rx-udp-gro-forwarding") || features.contains("rx-gro-list");
    if (!ports.empty())
        facts.listeners = read_listeners(ports);
    return facts;
}

std::string find_interface(const std::vector<Prefix> &balancers)
{
    Netlink netlink;
    Facts facts;
    facts.links = netlink.links();
    if (!balancers.empty()) {
        const auto link = netlink.interface_to(host_of(balancers.front()));
        if (!link)
            throw Error("no route to the balancer " + to_string(balancers.front()) +
                        "; give the interface with --interface NAME");
        return facts.name_of(*link);
    }
    facts.default_routes = netlink.default_routes();
    for (const bool v4 : {true, false})
        if (const DefaultRoute *route = facts.default_route(v4))
            return facts.name_of(route->links.front());
    throw Error(
        "no default route that shows which interface faces the balancer; give it with --interface NAME");
}

} // namespace aya::backend
