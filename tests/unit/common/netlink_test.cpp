// SPDX-License-Identifier: BSD-2-Clause
#include "common/netlink/socket.hpp"

#include <gtest/gtest.h>

#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace aya::netlink
{
namespace
{

rtmsg route_body()
{
    rtmsg body{};
    body.rtm_family = AF_INET;
    return body;
}

TEST(NetlinkRequest, IsReadBackAsItWasBuilt)
{
    Request request(RTM_GETROUTE, NLM_F_ACK, route_body());
    const std::uint32_t table = 254;
    request.add(RTA_DST, IpAddress::v4(10, 0, 1, 11));
    request.add(RTA_IIF, "eth0", 5); // of odd length: the next one is aligned
    request.add(RTA_TABLE, &table, sizeof(table));
    const nlmsghdr &message = *request.header();
    EXPECT_EQ(message.nlmsg_type, RTM_GETROUTE);
    EXPECT_EQ(message.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
    EXPECT_EQ(body_of<rtmsg>(message)->rtm_family, AF_INET);
    const auto attributes = Attributes::of<rtmsg>(message);
    EXPECT_EQ(attributes.address(RTA_DST, AF_INET), IpAddress::v4(10, 0, 1, 11));
    EXPECT_EQ(attributes.text(RTA_IIF), "eth0");
    EXPECT_EQ(attributes.number<std::uint32_t>(RTA_TABLE), 254U);
}

TEST(NetlinkAttributes, OfAnotherSizeAreNone)
{
    Request request(RTM_GETROUTE, 0, route_body());
    request.add(RTA_DST, IpAddress::v4(10, 0, 1, 11));
    const auto attributes = Attributes::of<rtmsg>(*request.header());
    EXPECT_FALSE(attributes.address(RTA_DST, AF_INET6)) << "four bytes";
    EXPECT_FALSE(attributes.address(RTA_DST, AF_UNSPEC));
    EXPECT_FALSE(attributes.number<std::uint64_t>(RTA_DST));
    EXPECT_TRUE(attributes.find(RTA_GATEWAY).empty());
    EXPECT_EQ(attributes.text(RTA_GATEWAY), "");
}

TEST(NetlinkAttributes, MayBeNested)
{
    Request inner(RTM_GETLINK, 0, ifinfomsg{});
    inner.add(IFLA_INFO_KIND, "veth", 5);
    const auto kind = Attributes::of<ifinfomsg>(*inner.header());
    Request outer(RTM_NEWLINK, 0, ifinfomsg{});
    outer.add(IFLA_LINKINFO, kind.data(), kind.length());
    EXPECT_EQ(Attributes::of<ifinfomsg>(*outer.header()).find(IFLA_LINKINFO).text(IFLA_INFO_KIND), "veth");
}

TEST(NetlinkMessage, ThatIsCutHasNoBody)
{
    Request request(RTM_GETROUTE, 0, route_body());
    request.header()->nlmsg_len--;
    EXPECT_EQ(body_of<rtmsg>(*request.header()), nullptr);
    EXPECT_TRUE(Attributes::of<rtmsg>(*request.header()).empty());
}

TEST(NetlinkSocket, GivesTheKernelsError)
{
    Socket socket;
    Request request(RTM_GETLINK, 0, ifinfomsg{}); // of which link?
    int answers = 0;
    EXPECT_EQ(socket.exchange(request, [&](const nlmsghdr &) { answers++; }), EINVAL);
    EXPECT_EQ(answers, 0);
}

TEST(NetlinkSocket, DumpsAndStartsAgainForEachAttempt)
{
    Socket socket;
    Request request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
    int restarts = 0;
    int links = 0;
    EXPECT_EQ(socket.dump(
                  request,
                  [&] {
                      restarts++;
                      links = 0;
                  },
                  [&](const nlmsghdr &message) { links += message.nlmsg_type == RTM_NEWLINK; }),
              0);
    EXPECT_GE(restarts, 1);
    EXPECT_GE(links, 1) << "lo";
}

} // namespace
} // namespace aya::netlink
