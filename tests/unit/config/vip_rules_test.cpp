// SPDX-License-Identifier: BSD-2-Clause
// What VIPs must be together, and how each is written. Their search: tests/unit/contract/wide_vip_test.cpp.
#include "support.hpp"

namespace aya::test
{

// Two services with these VIPs.
Result<Config> parse_vips(const std::vector<std::string> &web, const std::vector<std::string> &dns)
{
    OrderedJson json = valid_json();
    json["services"][0]["vips"] = web;
    json["services"][0]["health"]["port"] = 443;
    json["services"][1]["vips"] = dns;
    return parse_config(json.dump());
}

std::string error_with(const std::vector<std::string> &web, const std::vector<std::string> &dns)
{
    const auto parsed = parse_vips(web, dns);
    return parsed ? "no error" : format_error("f", parsed.errors().front());
}

TEST(VipRules, RangesMayBeApartOrOneWithinTheOther)
{
    EXPECT_EQ(
        error_with({"203.0.113.0/28:8000-8999/tcp", "203.0.113.0/28:*/tcp", "203.0.113.0/28:8080/tcp",
                    "203.0.113.0/28:7000-7999/tcp", "203.0.113.5:8080/tcp", "203.0.113.5:8000-9999/tcp"},
                   {"203.0.113.0/28:8000-8100/tcp", "203.0.113.0/28:8900-8999/tcp",
                    "203.0.113.0/28:8500-9500/udp", "203.0.113.0/24:8500-9500/tcp"}),
        "no error");
}

TEST(VipRules, WhatIsNeitherIsRefusedAndBothPlacesAreNamed)
{
    EXPECT_EQ(
        error_with({"203.0.113.0/28:8000-8999/tcp"}, {"[2001:db8::]:1/tcp", "203.0.113.0/28:8500-9500/tcp"}),
        "f: /services/1/vips/1: found \"203.0.113.0/28:8500-9500/tcp\", which has ports in common with "
        "\"203.0.113.0/28:8000-8999/tcp\" of service \"web\" (/services/0/vips/0); allowed: ranges apart, "
        "or one within the other");
    EXPECT_EQ(
        error_with({"203.0.113.9:8500-9500/tcp", "203.0.113.9:8000-8500/tcp"}, {"203.0.113.9:*/udp"}),
        "f: /services/0/vips/1: found \"203.0.113.9:8000-8500/tcp\", which has ports in common with "
        "\"203.0.113.9:8500-9500/tcp\" of service \"web\" (/services/0/vips/0); allowed: ranges apart, or "
        "one within the other");
}

TEST(VipRules, ARangeBelongsToOneService)
{
    EXPECT_EQ(
        error_with({"203.0.113.0/28:8000-8999/tcp"}, {"203.0.113.0/28:8000-8999/tcp"}),
        "f: /services/1/vips/0: found \"203.0.113.0/28:8000-8999/tcp\", which service \"web\" already has "
        "(/services/0/vips/0); allowed: each VIP once");
}

TEST(VipRules, APrefixHasNoBitsBeyondItsLengthAndIsNotTooShort)
{
    const auto noted = [](const std::string &vip) {
        const std::string error = error_with({vip}, {"[2001:db8::53]:*/udp"});
        const std::size_t begin = error.find(" ("), end = error.find("); allowed: ADDRESS");
        return end == std::string::npos ? error : error.substr(begin + 2, end - begin - 2);
    };
    EXPECT_EQ(noted("203.0.113.5/28:80/tcp"),
              "has bits beyond its prefix length; the network is 203.0.113.0/28");
    EXPECT_EQ(noted("[2001:db8::1/64]:80/tcp"),
              "has bits beyond its prefix length; the network is 2001:db8::/64");
    EXPECT_EQ(noted("128.0.0.0/7:80/tcp"), "too short a prefix");
    EXPECT_EQ(noted("[2000::/15]:80/tcp"), "too short a prefix");
    EXPECT_EQ(noted("255.255.255.0/24:80/tcp"), "broadcast");
    EXPECT_EQ(noted("127.0.0.0/8:80/tcp"), "loopback");
    EXPECT_EQ(noted("[ff02::/16]:80/tcp"), "multicast");
    EXPECT_EQ(noted("[::fffe:0:0/95]:80/tcp"), "holds IPv4-mapped addresses, which no IPv6 packet may go to");
}

TEST(VipRules, ABackendIsInNoPrefixOfVips)
{
    EXPECT_EQ(error_with({"203.0.113.10:443/tcp"}, {"[2001:db8::53]:*/udp", "10.0.1.0/24:53/udp"}),
              "f: /services/0/backends/0/address: found \"10.0.1.11\", which is a VIP of service \"dns\" "
              "(/services/1/vips/1); allowed: the backend's own address");
}

TEST(VipRules, WhatALookUpIsBoundedToIsALimit)
{
    std::vector<std::string> lengths{"203.0.113.7:*/tcp"}, ports, nested;
    for (int i = 0; i < 9; i++)
        nested.push_back("203.0.113.0/28:" + std::to_string(100 + i) + "-" + std::to_string(200 - i) +
                         "/tcp");
    for (u32 length = 24; length < 24 + AYA_PREFIX_LENGTHS; length++)
        lengths.push_back("203.0.113.0/" + std::to_string(length) + ":*/tcp");
    const std::string eight = error_with(lengths, {"[2001:db8::53]:*/udp"});
    EXPECT_NE(eight.find("is one more than 7 others; allowed: IPv4 VIPs of at most 7 prefix lengths"),
              std::string::npos)
        << eight;
    lengths.pop_back();
    EXPECT_EQ(error_with(lengths, {"[2001:db8::53]:*/udp"}), "no error");

    EXPECT_EQ(error_with(nested, {"[2001:db8::53]:*/udp"}),
              "f: /services/0/vips/8: found \"203.0.113.0/28:108-192/tcp\", which is within 8 other ranges "
              "of ports; "
              "allowed: at most 7");
    nested.pop_back();
    EXPECT_EQ(error_with(nested, {"[2001:db8::53]:*/udp"}), "no error");

    for (int i = 1; i <= 256; i++)
        ports.push_back("203.0.113.0/28:" + std::to_string(i) + "/tcp");
    EXPECT_EQ(error_with(ports, {"[2001:db8::53]:*/udp"}),
              "f: /services/0/vips/255: found 256 ports and ranges of \"203.0.113.0/28\" in all services; "
              "allowed: at "
              "most 255 for one address or prefix");
    ports.pop_back();
    EXPECT_EQ(error_with(ports, {"[2001:db8::53]:*/udp"}), "no error");
}

TEST(VipRules, TheNarrowestVipOfAServiceIsTheOneThatHasAPacket)
{
    ServiceConfig service;
    for (const char *text : {"203.0.113.0/28:*/tcp", "203.0.113.0/28:8000-8999/tcp", "203.0.113.5:443/tcp"})
        service.vips.push_back(parse_vip(text).value());
    const auto found = [&](const char *address, std::uint16_t port) {
        const VipKey *vip = find_vip(service, parse_ip_address(address).value(), port, Protocol::tcp);
        return vip ? to_string(*vip) : "none";
    };
    EXPECT_EQ(found("203.0.113.5", 443), "203.0.113.5:443/tcp");
    EXPECT_EQ(found("203.0.113.5", 8443), "203.0.113.0/28:8000-8999/tcp");
    EXPECT_EQ(found("203.0.113.5", 80), "203.0.113.0/28:*/tcp");
    EXPECT_EQ(found("203.0.113.16", 80), "none");
}

} // namespace aya::test
