// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/netlink.hpp"
#include "neighbours/table_limit.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <random>
#include <vector>

namespace aya::neighbours
{
namespace
{

// Builds a message as the kernel does.
class Message
{
public:
    template <class Body>
    Message(std::uint16_t type, const Body &body) : bytes_(NLMSG_SPACE(sizeof(Body)))
    {
        std::memcpy(bytes_.data() + NLMSG_HDRLEN, &body, sizeof(body));
        header().nlmsg_type = type;
        header().nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
    }

    Message &add(std::uint16_t type, const std::vector<std::uint8_t> &data)
    {
        const rtattr attribute = {.rta_len = static_cast<unsigned short>(RTA_LENGTH(data.size())),
                                  .rta_type = type};
        const std::size_t at = bytes_.size();
        bytes_.resize(at + RTA_SPACE(data.size()));
        std::memcpy(bytes_.data() + at, &attribute, sizeof(attribute));
        if (!data.empty())
            std::memcpy(bytes_.data() + at + RTA_LENGTH(0), data.data(), data.size());
        header().nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
        return *this;
    }

    nlmsghdr &header() { return *reinterpret_cast<nlmsghdr *>(bytes_.data()); }
    const std::vector<char> &bytes() const { return bytes_; }

private:
    std::vector<char> bytes_;
};

std::vector<std::uint8_t> integer(int value)
{
    std::vector<std::uint8_t> bytes(sizeof(value));
    std::memcpy(bytes.data(), &value, sizeof(value));
    return bytes;
}

ndmsg neighbour_head(std::uint16_t state)
{
    ndmsg body = {};
    body.ndm_family = AF_INET;
    body.ndm_ifindex = 3;
    body.ndm_state = state;
    return body;
}

rtmsg route_head(unsigned char type = RTN_UNICAST)
{
    rtmsg body = {};
    body.rtm_family = AF_INET;
    body.rtm_type = type;
    return body;
}

Message route_message(std::uint16_t type, const std::vector<std::uint8_t> &network, unsigned char length)
{
    rtmsg body = route_head();
    body.rtm_family = network.size() == 16 ? AF_INET6 : AF_INET;
    body.rtm_dst_len = length;
    Message message(type, body);
    if (length > 0)
        message.add(RTA_DST, network);
    return message;
}

TEST(Netlink, ReadsWhatARouteCovers)
{
    const auto range = [](const char *first, const char *last) {
        return AddressRange{*parse_ip_address(first), *parse_ip_address(last)};
    };
    for (const std::uint16_t type : {RTM_NEWROUTE, RTM_DELROUTE}) {
        EXPECT_EQ(read_route_change(route_message(type, {10, 8, 4, 0}, 22).header()),
                  range("10.8.4.0", "10.8.7.255"));
        EXPECT_EQ(read_route_change(route_message(type, {10, 8, 4, 7}, 32).header()),
                  range("10.8.4.7", "10.8.4.7"));
    }
    EXPECT_EQ(read_route_change(route_message(RTM_NEWROUTE, {0, 0, 0, 0}, 0).header()),
              range("0.0.0.0", "255.255.255.255"));
    std::vector<std::uint8_t> six(16, 0);
    six[0] = 0xfd;
    EXPECT_EQ(read_route_change(route_message(RTM_NEWROUTE, six, 9).header()),
              range("fd00::", "fd7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    EXPECT_EQ(read_route_change(route_message(RTM_NEWROUTE, six, 0).header()),
              range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    EXPECT_FALSE(read_route_change(Message(RTM_NEWNEIGH, route_head()).header()));
}

TEST(Netlink, ReadsAnAddressThatComesOrGoes)
{
    ifaddrmsg body = {};
    body.ifa_family = AF_INET;
    body.ifa_index = 3;
    body.ifa_prefixlen = 24;
    Message message(RTM_DELADDR, body);
    message.add(IFA_ADDRESS, {10, 9, 0, 1}).add(IFA_LOCAL, {10, 9, 0, 1});
    const auto change = read_address_change(message.header());
    ASSERT_TRUE(change);
    EXPECT_EQ(change->link, 3);
    EXPECT_EQ(change->address, IpAddress::v4(10, 9, 0, 1));
    EXPECT_EQ(change->network, (AddressRange{IpAddress::v4(10, 9, 0, 0), IpAddress::v4(10, 9, 0, 255)}));
    EXPECT_FALSE(read_address_change(Message(RTM_NEWADDR, body).header())) << "without an address";
}

TEST(NeighbourTable, WarnsWhereItIsTooSmall)
{
    EXPECT_FALSE(neighbour_table_warning(AF_INET, 1023, 1024, false));
    EXPECT_EQ(
        neighbour_table_warning(AF_INET, 1500, 1024, false),
        "backends have 1500 IPv4 next hops, and the kernel's table of neighbours has room for 1024; raise "
        "net.ipv4.neigh.default.gc_thresh1, gc_thresh2 and gc_thresh3");
    EXPECT_FALSE(neighbour_table_warning(AF_INET6, 100000, std::nullopt, false))
        << "the limit is not visible";
    EXPECT_EQ(neighbour_table_warning(AF_INET6, 1500, std::nullopt, true),
              "backends have 1500 IPv6 next hops, and the kernel's table of neighbours is full; raise "
              "net.ipv6.neigh.default.gc_thresh1, gc_thresh2 and gc_thresh3");
}

TEST(Netlink, ReadsANeighbour)
{
    Message message(RTM_NEWNEIGH, neighbour_head(NUD_REACHABLE));
    message.add(NDA_DST, {10, 0, 1, 11}).add(NDA_LLADDR, {0x52, 0x54, 0, 0, 0, 0x11});
    const auto neighbour = read_neighbour(message.header());
    ASSERT_TRUE(neighbour);
    EXPECT_EQ(neighbour->link, 3);
    EXPECT_EQ(neighbour->address, IpAddress::v4(10, 0, 1, 11));
    EXPECT_EQ(neighbour->mac, parse_mac("52:54:00:00:00:11"));
    EXPECT_EQ(neighbour->state, NUD_REACHABLE);
}

TEST(Netlink, ADeletedNeighbourHasNoState)
{
    Message message(RTM_DELNEIGH, neighbour_head(NUD_STALE));
    message.add(NDA_DST, {10, 0, 1, 11}).add(NDA_LLADDR, {0x52, 0x54, 0, 0, 0, 0x11});
    const auto neighbour = read_neighbour(message.header());
    ASSERT_TRUE(neighbour);
    EXPECT_EQ(neighbour->state, 0);
    EXPECT_FALSE(neighbour->mac);
}

TEST(Netlink, AnotherKindOfLinkHasNoMac)
{
    Message message(RTM_NEWNEIGH, neighbour_head(NUD_REACHABLE));
    message.add(NDA_DST, {10, 0, 1, 11}).add(NDA_LLADDR, {10, 0, 0, 1}); // a tunnel's
    EXPECT_FALSE(read_neighbour(message.header())->mac);
}

TEST(Netlink, ReadsARoute)
{
    Message message(RTM_NEWROUTE, route_head());
    message.add(RTA_OIF, integer(7)).add(RTA_GATEWAY, {10, 0, 0, 1}).add(RTA_PREFSRC, {10, 0, 0, 2});
    EXPECT_EQ(
        read_route(message.header()),
        (Route{.link = 7, .gateway = IpAddress::v4(10, 0, 0, 1), .source = IpAddress::v4(10, 0, 0, 2)}));
}

TEST(Netlink, ReadsTheMtuOfARoute)
{
    std::vector<std::uint8_t> metrics; // a list of attributes in one
    const rtattr mtu = {.rta_len = RTA_LENGTH(4), .rta_type = RTAX_MTU};
    metrics.resize(RTA_SPACE(4));
    std::memcpy(metrics.data(), &mtu, sizeof(mtu));
    const std::uint32_t value = 1400;
    std::memcpy(metrics.data() + RTA_LENGTH(0), &value, sizeof(value));
    Message message(RTM_NEWROUTE, route_head());
    message.add(RTA_OIF, integer(7)).add(RTA_METRICS, metrics);
    EXPECT_EQ(read_route(message.header()), (Route{.link = 7, .gateway = {}, .source = {}, .mtu = 1400}));
}

TEST(Netlink, ReadsAnIPv6GatewayOfAnIPv4Route)
{
    Message message(RTM_NEWROUTE, route_head());
    std::vector<std::uint8_t> via = {AF_INET6, 0}; // rtvia: family in host order, address
    for (const int byte : {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
        via.push_back(static_cast<std::uint8_t>(byte));
    message.add(RTA_OIF, integer(7)).add(RTA_VIA, via);
    const auto route = read_route(message.header());
    ASSERT_TRUE(route);
    EXPECT_EQ(to_string(*route->gateway), "fe80::1");
}

TEST(Netlink, ALocalOrUnreachableRouteLeadsNowhere)
{
    for (const unsigned char type :
         {RTN_LOCAL, RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT, RTN_BROADCAST}) {
        Message message(RTM_NEWROUTE, route_head(type));
        message.add(RTA_OIF, integer(1));
        EXPECT_FALSE(read_route(message.header()));
    }
}

TEST(Netlink, OnlyALocalRouteLeadsHere)
{
    for (const unsigned char type : {RTN_UNICAST, RTN_LOCAL, RTN_BLACKHOLE, RTN_BROADCAST, RTN_ANYCAST}) {
        Message message(RTM_NEWROUTE, route_head(type));
        EXPECT_EQ(leads_here(message.header()), type == RTN_LOCAL) << int{type};
    }
}

TEST(Netlink, ReadsALink)
{
    ifinfomsg body = {};
    body.ifi_index = 4;
    body.ifi_flags = IFF_UP;
    Message message(RTM_NEWLINK, body);
    message.add(IFLA_IFNAME, {'a', 'y', 'a', '0', 0});
    EXPECT_EQ(read_link(message.header()), (Link{.index = 4, .name = "aya0", .up = true}));
}

TEST(Netlink, TellsMessagesApart)
{
    Message message(RTM_NEWNEIGH, neighbour_head(NUD_REACHABLE));
    EXPECT_FALSE(read_link(message.header()));
    EXPECT_FALSE(read_route(message.header()));
    EXPECT_FALSE(read_neighbour(message.header())) << "it has no address";
}

std::vector<char> some_messages()
{
    std::vector<char> buffer;
    Message neighbour(RTM_NEWNEIGH, neighbour_head(NUD_STALE));
    neighbour.add(NDA_DST, {10, 0, 1, 11}).add(NDA_LLADDR, {1, 2, 3, 4, 5, 6});
    Message route(RTM_NEWROUTE, route_head());
    route.add(RTA_OIF, integer(7)).add(RTA_GATEWAY, {10, 0, 0, 1}).add(RTA_VIA, {AF_INET6, 0, 1});
    Message link(RTM_NEWLINK, ifinfomsg{});
    link.add(IFLA_IFNAME, {'l', 'o', 0});
    for (const Message &message : {neighbour, route, link})
        buffer.insert(buffer.end(), message.bytes().begin(), message.bytes().end());
    return buffer;
}

int read_all(const std::vector<char> &buffer)
{
    int count = 0;
    netlink::for_each_message(buffer.data(), buffer.size(), [&](const nlmsghdr &message) {
        count++;
        read_link(message);
        read_neighbour(message);
        read_route(message);
    });
    return count;
}

TEST(Netlink, WalksABufferOfMessages)
{
    EXPECT_EQ(read_all(some_messages()), 3);
}

// For the sanitizers: nothing is read beyond the buffer, wherever it is cut.
TEST(Netlink, ACutBufferIsNoHarm)
{
    const auto whole = some_messages();
    for (std::size_t length = 0; length < whole.size(); length++) {
        std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        cut.shrink_to_fit();
        EXPECT_LE(read_all(cut), 2);
    }
}

TEST(Netlink, DamagedBytesAreNoHarm)
{
    std::mt19937 random(3);
    const auto whole = some_messages();
    for (int round = 0; round < 20000; round++) {
        auto damaged = whole;
        for (unsigned i = 0; i < 1 + random() % 4; i++)
            damaged[random() % damaged.size()] = static_cast<char>(random());
        EXPECT_LE(read_all(damaged), static_cast<int>(whole.size() / sizeof(nlmsghdr)));
    }
}

TEST(Netlink, TheKernelAnswers)
{
    netlink::Socket socket;
    bool loopback = false;
    for (const Link &link : links(socket))
        loopback |= link.name == "lo";
    EXPECT_TRUE(loopback);
    EXPECT_FALSE(route_to(socket, IpAddress::v4(127, 0, 0, 1))) << "a local route is of no use";
    EXPECT_TRUE(socket.drain([](const nlmsghdr &) {}));
}

} // namespace
} // namespace aya::neighbours
