// SPDX-License-Identifier: BSD-2-Clause
#include "config/merge.hpp"
#include "support.hpp"

#include <algorithm>

namespace aya::test
{

Lines diff_lines(const Config &from, const Config &to)
{
    Lines lines;
    for (const Change &change : diff(from, to))
        lines.push_back(to_string(change));
    return lines;
}

TEST(Diff, NothingDiffersFromItself)
{
    EXPECT_EQ(diff_lines(valid_config(), valid_config()), Lines{});
}

TEST(Diff, OrderOfServicesAndBackendsIsNoDifference)
{
    Config turned = valid_config();
    std::reverse(turned.services.begin(), turned.services.end());
    std::reverse(turned.services[1].backends.begin(), turned.services[1].backends.end());
    EXPECT_EQ(diff_lines(valid_config(), turned), Lines{});
}

TEST(Diff, NamesEveryChange)
{
    const Config from = valid_config();
    Config to = from;
    to.services[0].backends[0].weight = 4;
    to.services[0].backends.erase(to.services[0].backends.begin() + 1);
    to.services[0].backends.push_back({"web-3", IpAddress::v4(10, 0, 1, 13), 1, AdminState::active, {}, {}});
    to.services[0].idle_timeouts.udp = Duration(90000);
    to.services.erase(to.services.begin() + 1);
    to.services.push_back({});
    to.services.back().name = "new";
    EXPECT_EQ(diff_lines(from, to),
              (Lines{"change service web: idle_timeouts.udp 2m -> 90s",
                     "change service web backend web-1: weight 8 -> 4", "add service web backend web-3",
                     "remove service web backend web-2", "add service new", "remove service dns"}));
}

TEST(Diff, WhatStandsOutsideOfServicesIsTheConfigurations)
{
    const Config from = valid_config();
    Config to = from;
    to.seed[0] = 1;
    to.dataplane->workers = {4};
    to.controlplane.limits.services = 7;
    to.tunnel_source.ipv4 = IpAddress::v4(10, 9, 9, 9);
    to.unserved = Unserved::reset;
    EXPECT_EQ(
        diff_lines(from, to),
        (Lines{
            "change configuration: seed 000102030405060708090a0b0c0d0eff -> 010102030405060708090a0b0c0d0eff",
            "change configuration: dataplane.workers [2,3] -> [4]",
            "change configuration: controlplane.limits.services 1024 -> 7",
            "change configuration: tunnel_source.ipv4 nothing -> 10.9.9.9",
            "change configuration: unserved drop -> reset"}));
    const std::vector<Change> changes = diff(from, to);
    EXPECT_TRUE(needs_restart(changes[0]));
    EXPECT_TRUE(needs_restart(changes[1]));
    EXPECT_TRUE(needs_restart(changes[2]));
    EXPECT_FALSE(needs_restart(changes[3]));
    EXPECT_FALSE(needs_restart(changes[4]));
    const std::vector<std::string> back = diff_lines(to, from);
    EXPECT_EQ(back.at(3), "change configuration: tunnel_source.ipv4 10.9.9.9 -> nothing");
    EXPECT_EQ(back.at(4), "change configuration: unserved reset -> drop");
}

TEST(Diff, JsonIsAsTheApiSaysIt)
{
    const Config from = valid_config();
    Config to = from;
    to.services[0].backends[0].weight = 4;
    to.services.pop_back();
    const std::vector<Change> changes = diff(from, to);
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(to_json(changes[0]).dump(),
              R"({"op":"change","what":"service web backend web-1","field":"weight","from":8,"to":4})");
    EXPECT_EQ(to_json(changes[1]).dump(), R"({"op":"remove","what":"service dns"})");
    EXPECT_FALSE(needs_restart(changes[0]));
}

} // namespace aya::test
