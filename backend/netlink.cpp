// SPDX-License-Identifier: BSD-2-Clause
#include "netlink.hpp"

#include "common/error.hpp"

#include <linux/if_addr.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

namespace aya::backend
{

namespace
{

using netlink::Attributes;
using netlink::body_of;
using netlink::Request;

constexpr std::uint32_t kIngress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
constexpr std::uint32_t kEgress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

std::optional<Link> read_link(const nlmsghdr &message)
{
    const auto *body = body_of<ifinfomsg>(message);
    if (message.nlmsg_type != RTM_NEWLINK || !body)
        return std::nullopt;
    const auto attributes = Attributes::of<ifinfomsg>(message);
    Link link;
    link.index = body->ifi_index;
    link.name = attributes.text(IFLA_IFNAME);
    link.kind = attributes.find(IFLA_LINKINFO).text(IFLA_INFO_KIND);
    link.mtu = attributes.number<std::uint32_t>(IFLA_MTU).value_or(0);
    link.up = (body->ifi_flags & IFF_UP) != 0;
    link.carrier = attributes.number<std::uint8_t>(IFLA_CARRIER).value_or(1) != 0;
    link.loopback = (body->ifi_flags & IFF_LOOPBACK) != 0;
    link.arp = (body->ifi_flags & IFF_NOARP) == 0;
    return link;
}

std::optional<InterfaceAddress> read_address(const nlmsghdr &message)
{
    const auto *body = body_of<ifaddrmsg>(message);
    if (message.nlmsg_type != RTM_NEWADDR || !body)
        return std::nullopt;
    const auto attributes = Attributes::of<ifaddrmsg>(message);
    // On point-to-point links IFA_ADDRESS is the other end's.
    const int which = attributes.find(IFA_LOCAL).empty() ? IFA_ADDRESS : IFA_LOCAL;
    const auto address = attributes.address(which, body->ifa_family);
    if (!address)
        return std::nullopt;
    const auto flags = attributes.number<std::uint32_t>(IFA_FLAGS).value_or(body->ifa_flags);
    const bool temporary = body->ifa_family == AF_INET6 && (flags & IFA_F_TEMPORARY) != 0;
    return InterfaceAddress{static_cast<int>(body->ifa_index), *address, body->ifa_prefixlen, temporary};
}

void read_gateway(const Attributes &attributes, DefaultRoute &route)
{
    if (const auto gateway = attributes.address(RTA_GATEWAY, route.v4 ? AF_INET : AF_INET6))
        route.gateways.push_back(*gateway);
}

void read_next_hops(const Attributes &attributes, DefaultRoute &route)
{
    if (const auto link = attributes.number<int>(RTA_OIF))
        route.links.push_back(*link);
    read_gateway(attributes, route);
    const Attributes hops = attributes.find(RTA_MULTIPATH);
    for (std::size_t at = 0; at + sizeof(rtnexthop) <= hops.length();) {
        rtnexthop hop;
        std::memcpy(&hop, hops.data() + at, sizeof(hop));
        if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > hops.length() - at)
            break;
        route.links.push_back(hop.rtnh_ifindex);
        read_gateway({hops.data() + at + RTNH_LENGTH(0), hop.rtnh_len - RTNH_LENGTH(0)}, route);
        at += RTNH_ALIGN(hop.rtnh_len);
    }
}

std::optional<DefaultRoute> read_default_route(const nlmsghdr &message)
{
    const auto *body = body_of<rtmsg>(message);
    if (message.nlmsg_type != RTM_NEWROUTE || !body || body->rtm_dst_len != 0 ||
        body->rtm_type != RTN_UNICAST)
        return std::nullopt;
    const auto attributes = Attributes::of<rtmsg>(message);
    DefaultRoute route;
    route.v4 = body->rtm_family == AF_INET;
    read_next_hops(attributes, route);
    route.metric = attributes.number<std::uint32_t>(RTA_PRIORITY).value_or(0);
    route.table = attributes.number<std::uint32_t>(RTA_TABLE).value_or(body->rtm_table);
    route.advmss = attributes.find(RTA_METRICS).number<std::uint32_t>(RTAX_ADVMSS).value_or(0);
    return route.links.empty() ? std::nullopt : std::optional(route);
}

std::optional<LocalNetwork> read_local_network(const nlmsghdr &message)
{
    const auto *body = body_of<rtmsg>(message);
    if (message.nlmsg_type != RTM_NEWROUTE || !body || body->rtm_type != RTN_LOCAL)
        return std::nullopt;
    const auto attributes = Attributes::of<rtmsg>(message);
    const auto address = attributes.address(RTA_DST, body->rtm_family);
    const auto link = attributes.number<int>(RTA_OIF);
    if (!address || !link || body->rtm_dst_len >= address->host_prefix())
        return std::nullopt;
    return LocalNetwork{.link = *link, .prefix = {*address, body->rtm_dst_len}};
}

rtmsg local_route(const Prefix &prefix)
{
    rtmsg body{};
    body.rtm_family = static_cast<unsigned char>(prefix.address.family());
    body.rtm_dst_len = prefix.length;
    body.rtm_table = RT_TABLE_LOCAL;
    body.rtm_protocol = RTPROT_STATIC;
    body.rtm_scope = prefix.address.is_v4() ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
    body.rtm_type = RTN_LOCAL;
    return body;
}

std::optional<Filter> read_filter(const nlmsghdr &message)
{
    const auto *body = body_of<tcmsg>(message);
    // Handle 0 stands for the priority as such, which is dumped before its filters.
    if (message.nlmsg_type != RTM_NEWTFILTER || !body || body->tcm_handle == 0)
        return std::nullopt;
    const auto attributes = Attributes::of<tcmsg>(message);
    if (attributes.number<std::uint32_t>(TCA_CHAIN).value_or(0) != 0)
        return std::nullopt; // reached by a jump only
    Filter filter;
    filter.priority = TC_H_MAJ(body->tcm_info) >> 16;
    filter.handle = body->tcm_handle;
    filter.kind = attributes.text(TCA_KIND);
    if (filter.kind == "bpf") {
        const Attributes options = attributes.find(TCA_OPTIONS);
        filter.name = options.text(TCA_BPF_NAME);
        filter.program_id = options.number<std::uint32_t>(TCA_BPF_ID).value_or(0);
    }
    return filter;
}

ifaddrmsg host_address(int link, const IpAddress &address)
{
    ifaddrmsg body{};
    body.ifa_family = static_cast<unsigned char>(address.family());
    body.ifa_prefixlen = address.host_prefix();
    body.ifa_flags = address.is_v4() ? 0 : IFA_F_NODAD;
    body.ifa_scope = RT_SCOPE_UNIVERSE;
    body.ifa_index = static_cast<unsigned>(link);
    return body;
}

} // namespace

void Netlink::dump(netlink::Request &request, const std::function<void()> &restart, const netlink::Each &each)
{
    if (const int error = socket_.dump(request, restart, each))
        throw Error::system("cannot read the network's state from the kernel", error);
}

std::vector<Link> Netlink::links()
{
    std::vector<Link> found;
    Request request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
    dump(
        request, [&] { found.clear(); },
        [&](const nlmsghdr &message) {
            if (auto link = read_link(message))
                found.push_back(*link);
        });
    return found;
}

std::vector<InterfaceAddress> Netlink::addresses()
{
    std::vector<InterfaceAddress> found;
    Request request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
    dump(
        request, [&] { found.clear(); },
        [&](const nlmsghdr &message) {
            if (auto address = read_address(message))
                found.push_back(*address);
        });
    return found;
}

template <class Item>
std::vector<Item> Netlink::routes(std::optional<Item> (*read)(const nlmsghdr &message))
{
    std::vector<Item> found;
    for (const int family : {AF_INET, AF_INET6}) {
        const std::size_t before = found.size();
        rtmsg body{};
        body.rtm_family = static_cast<unsigned char>(family);
        Request request(RTM_GETROUTE, NLM_F_DUMP, body);
        dump(
            request, [&] { found.resize(before); },
            [&](const nlmsghdr &message) {
                if (auto route = read(message))
                    found.push_back(*route);
            });
    }
    return found;
}

std::vector<DefaultRoute> Netlink::default_routes()
{
    return routes(read_default_route);
}

std::vector<LocalNetwork> Netlink::local_networks()
{
    return routes(read_local_network);
}

std::optional<int> Netlink::interface_to(const IpAddress &destination)
{
    rtmsg body{};
    body.rtm_family = static_cast<unsigned char>(destination.family());
    body.rtm_dst_len = destination.host_prefix();
    Request request(RTM_GETROUTE, 0, body);
    request.add(RTA_DST, destination);
    std::optional<int> link;
    const int error = socket_.exchange(request, [&](const nlmsghdr &message) {
        const auto *route = body_of<rtmsg>(message);
        if (message.nlmsg_type == RTM_NEWROUTE && route && route->rtm_type == RTN_UNICAST)
            link = Attributes::of<rtmsg>(message).number<int>(RTA_OIF);
    });
    return error ? std::nullopt : link;
}

bool Netlink::has_ingress_qdisc(int link)
{
    bool found = false;
    Request request(RTM_GETQDISC, NLM_F_DUMP, tcmsg{});
    dump(
        request, [&] { found = false; },
        [&](const nlmsghdr &message) {
            const auto *body = body_of<tcmsg>(message);
            if (message.nlmsg_type != RTM_NEWQDISC || !body || body->tcm_ifindex != link)
                return;
            const std::string kind = Attributes::of<tcmsg>(message).text(TCA_KIND);
            found |= kind == "clsact" || kind == "ingress";
        });
    return found;
}

std::vector<Filter> Netlink::filters(int link, std::uint32_t parent)
{
    std::vector<Filter> found;
    tcmsg body{};
    body.tcm_ifindex = link;
    body.tcm_parent = parent;
    Request request(RTM_GETTFILTER, NLM_F_DUMP, body);
    dump(
        request, [&] { found.clear(); },
        [&](const nlmsghdr &message) {
            if (auto filter = read_filter(message))
                found.push_back(*filter);
        });
    return found;
}

bool Netlink::is_clsact_empty(int link)
{
    return filters(link, kIngress).empty() && filters(link, kEgress).empty();
}

std::vector<Filter> Netlink::ingress_filters(int link)
{
    return filters(link, kIngress);
}

int Netlink::add_address(int link, const IpAddress &address)
{
    Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, host_address(link, address));
    request.add(IFA_LOCAL, address);
    request.add(IFA_ADDRESS, address);
    return socket_.exchange(request, [](const nlmsghdr &) {});
}

int Netlink::remove_address(int link, const IpAddress &address)
{
    Request request(RTM_DELADDR, 0, host_address(link, address));
    request.add(IFA_LOCAL, address);
    request.add(IFA_ADDRESS, address);
    return socket_.exchange(request, [](const nlmsghdr &) {});
}

int Netlink::add_local_network(int link, const Prefix &prefix)
{
    Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, local_route(prefix));
    request.add(RTA_DST, prefix.address);
    request.add(RTA_OIF, &link, sizeof(link));
    return socket_.exchange(request, [](const nlmsghdr &) {});
}

int Netlink::remove_local_network(int link, const Prefix &prefix)
{
    Request request(RTM_DELROUTE, 0, local_route(prefix));
    request.add(RTA_DST, prefix.address);
    request.add(RTA_OIF, &link, sizeof(link));
    return socket_.exchange(request, [](const nlmsghdr &) {});
}

} // namespace aya::backend
