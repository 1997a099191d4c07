// SPDX-License-Identifier: BSD-2-Clause
#include "common/vip.hpp"

#include <gtest/gtest.h>

namespace aya
{

TEST(VipKey, TextGoesBothWays)
{
    for (const std::string text :
         {"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp", "203.0.113.10:*/udp", "[2001:db8::10]:*/tcp",
          "1.2.3.4:65535/udp", "203.0.113.0/28:443/tcp", "203.0.113.0/28:8000-8999/tcp",
          "203.0.113.10:1-65535/udp", "[2001:db8::/64]:*/udp"})
        EXPECT_EQ(to_string(parse_vip(text).value()), text);
    EXPECT_EQ(parse_vip("203.0.113.10:0/udp"), parse_vip("203.0.113.10:*/udp"));
    EXPECT_EQ(parse_vip("203.0.113.10/32:443/tcp"), parse_vip("203.0.113.10:443/tcp"));
    EXPECT_EQ(parse_vip("203.0.113.10:443-443/tcp"), parse_vip("203.0.113.10:443/tcp"));
    EXPECT_EQ(parse_vip("203.0.113.10:443/tcp")->port, 443);
    EXPECT_EQ(parse_vip("203.0.113.10:443/tcp")->protocol, Protocol::tcp);
}

TEST(VipKey, WhatIsNoVipIsRefused)
{
    for (const char *text : {"",
                             ":",
                             "/",
                             "[",
                             "[]:1/tcp",
                             "203.0.113.10",
                             "203.0.113.10:443",
                             "203.0.113.10/tcp",
                             "203.0.113.10:443/",
                             "203.0.113.10:443/sctp",
                             "203.0.113.10:443/TCP",
                             "203.0.113.10:/tcp",
                             "203.0.113.10:65536/tcp",
                             "203.0.113.10:-1/tcp",
                             "203.0.113.10:+1/tcp",
                             "203.0.113.10:0443/tcp",
                             "203.0.113.10: 443/tcp",
                             "[203.0.113.10]:443/tcp",
                             "2001:db8::10:443/tcp",
                             "[2001:db8::10]443/tcp",
                             "[2001:db8::10:443/tcp",
                             "*:443/tcp",
                             "203.0.113.10:443/tcp/",
                             "203.0.113.0/33:443/tcp",
                             "203.0.113.0/:443/tcp",
                             "[2001:db8::]/64:443/tcp",
                             "203.0.113.10:8000-/tcp",
                             "203.0.113.10:-8000/tcp",
                             "203.0.113.10:0-8000/tcp",
                             "203.0.113.10:9000-8000/tcp",
                             "203.0.113.10:8000-65536/tcp",
                             "203.0.113.10:8000-*/tcp",
                             "203.0.113.10:80-90-99/tcp",
                             "203.0.113.10:443:443/tcp",
                             "203.0.113.10:99999999999999999999/tcp"})
        EXPECT_FALSE(parse_vip(text)) << text;
}

TEST(VipKey, HasTheAddressesOfItsPrefixAndThePortsOfItsRange)
{
    const VipKey vip = parse_vip("203.0.113.0/28:8000-8999/tcp").value();
    const auto has = [&](const char *address, std::uint16_t port) {
        return vip.has(parse_ip_address(address).value(), port);
    };
    EXPECT_TRUE(has("203.0.113.0", 8000));
    EXPECT_TRUE(has("203.0.113.15", 8999));
    EXPECT_FALSE(has("203.0.113.16", 8000));
    EXPECT_FALSE(has("203.0.113.0", 7999));
    EXPECT_FALSE(has("203.0.113.0", 9000));
    EXPECT_TRUE(parse_vip("203.0.113.9:*/tcp")->has(parse_ip_address("203.0.113.9").value(), 0));
}

TEST(VipKey, ALongerPrefixGoesFirstThenFewerPorts)
{
    const char *in_order[] = {"203.0.113.1:80/tcp",       "203.0.113.1:80-81/tcp",
                              "203.0.113.1:*/tcp",        "203.0.113.0/31:80/tcp",
                              "203.0.113.0/31:80-90/tcp", "203.0.113.0/31:1-65535/tcp",
                              "203.0.113.0/31:*/tcp",     "203.0.113.0/30:80/tcp"};
    for (std::size_t i = 0; i < std::size(in_order); i++)
        for (std::size_t j = 0; j < std::size(in_order); j++)
            EXPECT_EQ(parse_vip(in_order[i])->is_narrower(parse_vip(in_order[j]).value()), i < j)
                << in_order[i] << " " << in_order[j];
}

} // namespace aya
