// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/netlink.hpp"

#include "common/probe_marks.hpp"

#include <cstring>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

namespace aya::neighbours
{

namespace
{

using netlink::Attributes;
using netlink::body_of;
using netlink::Request;

// A gateway of the other family.
std::optional<IpAddress> read_via(const Attributes &via)
{
    rtvia head;
    if (via.length() <= sizeof(head))
        return std::nullopt;
    std::memcpy(&head, via.data(), sizeof(head));
    return netlink::read_address(head.rtvia_family, via.data() + sizeof(head), via.length() - sizeof(head));
}

AddressRange range_of(const IpAddress &address, std::size_t prefix_length)
{
    AddressRange range{address, address};
    for (std::size_t bit = prefix_length + (address.is_v4() ? 96 : 0); bit < 128; bit++) {
        const auto mask = static_cast<std::uint8_t>(0x80 >> bit % 8);
        range.first.bytes[bit / 8] &= static_cast<std::uint8_t>(~mask);
        range.last.bytes[bit / 8] |= mask;
    }
    return range;
}

ndmsg neighbour_at(int link, const IpAddress &address)
{
    ndmsg body{};
    body.ndm_family = static_cast<unsigned char>(address.family());
    body.ndm_ifindex = link;
    return body;
}

Request ask_route(const IpAddress &destination)
{
    rtmsg body{};
    body.rtm_family = static_cast<unsigned char>(destination.family());
    body.rtm_dst_len = destination.host_prefix();
    Request request(RTM_GETROUTE, 0, body);
    request.add(RTA_DST, destination);
    return request;
}

} // namespace

std::optional<Link> read_link(const nlmsghdr &message)
{
    const auto *info = body_of<ifinfomsg>(message);
    if (message.nlmsg_type != RTM_NEWLINK || !info)
        return std::nullopt;
    std::string name = Attributes::of<ifinfomsg>(message).text(IFLA_IFNAME);
    if (name.empty())
        return std::nullopt;
    return Link{.index = info->ifi_index,
                .name = std::move(name),
                .up = (info->ifi_flags & IFF_UP) != 0,
                .running = (info->ifi_flags & IFF_RUNNING) != 0};
}

std::optional<int> read_link_removal(const nlmsghdr &message)
{
    const auto *info = body_of<ifinfomsg>(message);
    if (message.nlmsg_type != RTM_DELLINK || !info || info->ifi_family == AF_BRIDGE)
        return std::nullopt;
    return info->ifi_index;
}

std::optional<Neighbour> read_neighbour(const nlmsghdr &message)
{
    const auto *info = body_of<ndmsg>(message);
    if ((message.nlmsg_type != RTM_NEWNEIGH && message.nlmsg_type != RTM_DELNEIGH) || !info)
        return std::nullopt;
    const auto attributes = Attributes::of<ndmsg>(message);
    const auto address = attributes.address(NDA_DST, info->ndm_family);
    if (!address)
        return std::nullopt;
    Neighbour neighbour{.link = info->ndm_ifindex, .address = *address, .mac = {}, .state = info->ndm_state};
    if (message.nlmsg_type == RTM_DELNEIGH)
        neighbour.state = 0;
    else if (const Attributes mac = attributes.find(NDA_LLADDR); mac.length() == 6)
        std::memcpy(neighbour.mac.emplace().bytes.data(), mac.data(), 6);
    return neighbour;
}

std::optional<Route> read_route(const nlmsghdr &message)
{
    const auto *info = body_of<rtmsg>(message);
    if (message.nlmsg_type != RTM_NEWROUTE || !info || info->rtm_type != RTN_UNICAST)
        return std::nullopt;
    const auto attributes = Attributes::of<rtmsg>(message);
    const auto link = attributes.number<int>(RTA_OIF);
    if (!link)
        return std::nullopt;
    Route route{.link = *link,
                .gateway = attributes.address(RTA_GATEWAY, info->rtm_family),
                .source = attributes.address(RTA_PREFSRC, info->rtm_family),
                .mtu = attributes.find(RTA_METRICS).number<std::uint32_t>(RTAX_MTU).value_or(0)};
    if (!route.gateway)
        route.gateway = read_via(attributes.find(RTA_VIA));
    return route;
}

std::optional<AddressRange> read_route_change(const nlmsghdr &message)
{
    const auto *info = body_of<rtmsg>(message);
    const bool route = message.nlmsg_type == RTM_NEWROUTE || message.nlmsg_type == RTM_DELROUTE;
    if (!route || !info || (info->rtm_family != AF_INET && info->rtm_family != AF_INET6))
        return std::nullopt;
    if (is_probe_mark(Attributes::of<rtmsg>(message).number<std::uint32_t>(RTA_TABLE).value_or(0)))
        return std::nullopt; // by which nothing goes but probes
    const IpAddress any = info->rtm_family == AF_INET ? IpAddress::v4(0, 0, 0, 0) : IpAddress{};
    const auto network = Attributes::of<rtmsg>(message).address(RTA_DST, info->rtm_family);
    return range_of(network.value_or(any), info->rtm_dst_len);
}

std::optional<AddressChange> read_address_change(const nlmsghdr &message)
{
    const auto *info = body_of<ifaddrmsg>(message);
    if ((message.nlmsg_type != RTM_NEWADDR && message.nlmsg_type != RTM_DELADDR) || !info)
        return std::nullopt;
    const auto attributes = Attributes::of<ifaddrmsg>(message);
    const auto network = attributes.address(IFA_ADDRESS, info->ifa_family);
    if (!network)
        return std::nullopt;
    return AddressChange{.link = static_cast<int>(info->ifa_index),
                         .address = attributes.address(IFA_LOCAL, info->ifa_family).value_or(*network),
                         .network = range_of(*network, info->ifa_prefixlen)};
}

bool leads_here(const nlmsghdr &message)
{
    const auto *info = body_of<rtmsg>(message);
    return message.nlmsg_type == RTM_NEWROUTE && info && info->rtm_type == RTN_LOCAL;
}

std::vector<Link> links(netlink::Socket &socket)
{
    Request request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
    std::vector<Link> links;
    socket.dump(
        request, [&] { links.clear(); },
        [&](const nlmsghdr &message) {
            if (auto link = read_link(message))
                links.push_back(std::move(*link));
        });
    return links;
}

std::optional<Route> route_to(netlink::Socket &socket, const IpAddress &destination)
{
    Request request = ask_route(destination);
    std::optional<Route> route;
    socket.exchange(request, [&](const nlmsghdr &message) { route = read_route(message); });
    return route;
}

bool is_local(netlink::Socket &socket, const IpAddress &address)
{
    Request request = ask_route(address);
    bool local = false;
    socket.exchange(request, [&](const nlmsghdr &message) { local = leads_here(message); });
    return local;
}

std::set<Prefix> own_addresses(netlink::Socket &socket)
{
    Request request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
    std::set<Prefix> addresses;
    socket.dump(
        request, [&] { addresses.clear(); },
        [&](const nlmsghdr &message) {
            if (const auto change = read_address_change(message))
                addresses.insert(host_prefix(change->address));
        });
    return addresses;
}

std::optional<Neighbour> find_neighbour(netlink::Socket &socket, int link, const IpAddress &address)
{
    Request request(RTM_GETNEIGH, 0, neighbour_at(link, address));
    request.add(NDA_DST, address);
    std::optional<Neighbour> neighbour;
    socket.exchange(request, [&](const nlmsghdr &message) { neighbour = read_neighbour(message); });
    return neighbour;
}

int resolve(netlink::Socket &socket, int link, const IpAddress &address)
{
    ndmsg body = neighbour_at(link, address);
    body.ndm_flags = NTF_USE;
    Request request(RTM_NEWNEIGH, NLM_F_CREATE, body);
    request.add(NDA_DST, address);
    return socket.exchange(request, [](const nlmsghdr &) {});
}

} // namespace aya::neighbours
