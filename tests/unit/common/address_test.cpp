// SPDX-License-Identifier: BSD-2-Clause
#include "common/address.hpp"

#include <gtest/gtest.h>

namespace aya
{

TEST(IpAddress, Ipv4IsHeldMappedInNetworkOrder)
{
    const auto address = parse_ip_address("203.0.113.10");
    ASSERT_TRUE(address);
    EXPECT_TRUE(address->is_v4());
    const std::array<std::uint8_t, 16> expected{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 10};
    EXPECT_EQ(address->bytes, expected);
    EXPECT_EQ(*address, IpAddress::v4(203, 0, 113, 10));
    EXPECT_EQ(address->v4_bytes()[3], 10);
}

TEST(IpAddress, TextGoesBothWays)
{
    for (const std::string text :
         {"0.0.0.0", "10.0.1.11", "255.255.255.255", "::", "::1", "2001:db8::10", "fe80::1"})
        EXPECT_EQ(to_string(parse_ip_address(text).value()), text);
    EXPECT_EQ(to_string(parse_ip_address("2001:DB8:0:0:0:0:0:1").value()), "2001:db8::1");
}

TEST(IpAddress, WhatIsNoAddressIsRefused)
{
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "256.1.1.1"sv, "01.2.3.4"sv, " 1.2.3.4"sv, "1.2.3.4 "sv,
          "1.2.3.4\0"sv, "1.2.3.4/24"sv, "fe80::1%lo"sv, "[::1]"sv, "::ffff:1.2.3.4"sv, ":::"sv,
          "1:2:3:4:5:6:7:8:9"sv, "localhost"sv})
        EXPECT_FALSE(parse_ip_address(text)) << text;
    EXPECT_FALSE(parse_ip_address(std::string(10000, '1')));
}

TEST(IpAddress, KnowsItsKind)
{
    const auto address = [](std::string_view text) { return parse_ip_address(text).value(); };
    EXPECT_TRUE(address("0.1.2.3").is_unspecified());
    EXPECT_TRUE(address("::").is_unspecified());
    EXPECT_FALSE(address("::1").is_unspecified());
    EXPECT_TRUE(address("127.8.9.1").is_loopback());
    EXPECT_TRUE(address("::1").is_loopback());
    EXPECT_FALSE(address("128.0.0.1").is_loopback());
    EXPECT_FALSE(address("2001::1").is_loopback());
    EXPECT_TRUE(address("224.0.0.1").is_multicast());
    EXPECT_TRUE(address("239.255.255.255").is_multicast());
    EXPECT_FALSE(address("240.0.0.1").is_multicast());
    EXPECT_TRUE(address("ff02::1").is_multicast());
    EXPECT_TRUE(address("255.255.255.255").is_broadcast());
    EXPECT_FALSE(address("255.255.255.254").is_broadcast());
    EXPECT_FALSE(address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").is_broadcast());
    EXPECT_TRUE(address("fe80::1").is_link_local());
    EXPECT_TRUE(address("febf::1").is_link_local());
    EXPECT_FALSE(address("fec0::1").is_link_local());
    EXPECT_TRUE(address("169.254.1.1").is_link_local());
}

TEST(Mac, TextGoesBothWays)
{
    const auto mac = parse_mac("52:54:00:Ab:cD:11");
    ASSERT_TRUE(mac);
    EXPECT_EQ(to_string(*mac), "52:54:00:ab:cd:11");
    EXPECT_TRUE(parse_mac("01:00:5e:00:00:01")->is_group());
    EXPECT_TRUE(parse_mac("00:00:00:00:00:00")->is_zero());
}

TEST(Mac, WhatIsNoMacIsRefused)
{
    for (const char *text :
         {"", "52:54:00:00:00", "52:54:00:00:00:1", "52:54:00:00:00:11:", "52-54-00-00-00-11",
          "52:54:00:00:00:1g", "52:54:00:00:00:-1", "5254.0000.0011", "+2:54:00:00:00:11"})
        EXPECT_FALSE(parse_mac(text)) << text;
}

TEST(SocketAddress, TextGoesBothWays)
{
    for (const std::string text : {"127.0.0.1:9108", "[::]:1", "0.0.0.0:65535"})
        EXPECT_EQ(to_string(parse_socket_address(text).value()), text);
    for (const char *text :
         {"", "9108", ":9108", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "localhost:1", "::1:1"})
        EXPECT_FALSE(parse_socket_address(text)) << text;
}

} // namespace aya
