// SPDX-License-Identifier: BSD-2-Clause
#include "common/prefix.hpp"

#include <gtest/gtest.h>

namespace aya
{

namespace
{

IpAddress address(const char *text)
{
    return parse_ip_address(text).value();
}

std::string said(const char *text)
{
    const auto prefix = parse_prefix(text);
    return prefix ? to_string(*prefix) : "refused";
}

TEST(Prefix, IsAnAddressOrANetwork)
{
    for (const char *text : {"10.0.1.2", "10.0.1.0/24", "128.0.0.0/1", "2001:db8::2", "2001:db8::/64"})
        EXPECT_EQ(said(text), text);
    EXPECT_EQ(said("10.0.1.2/32"), "10.0.1.2");
    EXPECT_EQ(said("2001:db8::2/128"), "2001:db8::2");
    for (const char *text : {"", "/24", "10.0.1.0/", "10.0.1.0/33", "10.0.1.0/-1", "10.0.1.0/24 ",
                             "2001:db8::/129", "10.0.1/24", "balancer"})
        EXPECT_EQ(said(text), "refused") << text;
}

TEST(Prefix, ItsNetworkHasNoBitsBeyondItsLength)
{
    EXPECT_EQ(to_string(network_of({address("10.0.1.255"), 25})), "10.0.1.128/25");
    EXPECT_EQ(to_string(network_of({address("10.0.1.255"), 32})), "10.0.1.255");
    EXPECT_EQ(to_string(network_of({address("2001:db8:ffff::1"), 33})), "2001:db8:8000::/33");
}

TEST(Prefix, OfANetworkTheFirstHostIsAskedFor)
{
    EXPECT_EQ(to_string(host_of({address("10.0.1.0"), 24})), "10.0.1.1");
    EXPECT_EQ(to_string(host_of({address("10.0.1.0"), 31})), "10.0.1.0");
    EXPECT_EQ(to_string(host_of({address("10.0.1.2"), 32})), "10.0.1.2");
}

TEST(Prefix, EndsWithItsLastAddress)
{
    EXPECT_EQ(to_string(last_of({address("10.0.1.0"), 25})), "10.0.1.127");
    EXPECT_EQ(to_string(last_of({address("10.0.1.9"), 32})), "10.0.1.9");
    EXPECT_EQ(to_string(last_of({address("2001:db8::"), 64})), "2001:db8::ffff:ffff:ffff:ffff");
}

TEST(Prefix, ContainsWhatIsWithinIt)
{
    const auto in = [](const char *inner, const char *outer) {
        return contains(parse_prefix(outer).value(), parse_prefix(inner).value());
    };
    EXPECT_TRUE(in("10.0.1.7", "10.0.1.0/24"));
    EXPECT_TRUE(in("10.0.1.128/25", "10.0.1.0/24"));
    EXPECT_TRUE(in("10.0.1.0/24", "10.0.1.0/24"));
    EXPECT_FALSE(in("10.0.1.0/24", "10.0.1.128/25"));
    EXPECT_FALSE(in("10.0.2.7", "10.0.1.0/24"));
    EXPECT_FALSE(in("2001:db8::7", "0.0.0.0/0")) << "another family";
    EXPECT_TRUE(in("2001:db8::7", "2001:db8::/32"));
}

} // namespace

} // namespace aya
