// SPDX-License-Identifier: BSD-2-Clause
#include "plan.hpp"

#include "host_facts.hpp"

#include <gtest/gtest.h>

namespace aya::backend
{

namespace
{

using Kind = Change::Kind;

constexpr const char *kPins = "/sys/fs/bpf/aya-backend";

Facts fresh_host()
{
    Facts facts = good_backend();
    facts.addresses.erase(facts.addresses.begin(), facts.addresses.begin() + 2);
    facts.ipv4["all"] = {};
    facts.attached = {};
    return facts;
}

// "net/ipv4/conf/all/arp_ignore 0>1", "203.0.113.10"
std::vector<std::string> texts(const std::vector<Change> &changes)
{
    std::vector<std::string> found;
    for (const Change &c : changes)
        found.push_back(c.name + (c.kind == Kind::sysctl
                                      ? " " + std::to_string(c.before) + ">" + std::to_string(c.after)
                                      : std::string()));
    return found;
}

Settings l2_settings()
{
    Settings settings = ipip_settings();
    settings.encap = Encap::l2;
    settings.locals.clear();
    return settings;
}

using Texts = std::vector<std::string>;

TEST(Plan, VipsComeLastAndQuietFirst)
{
    EXPECT_EQ(texts(plan(fresh_host(), ipip_settings(), {}, kPins)),
              (Texts{"net/ipv4/conf/all/arp_ignore 0>1", "net/ipv4/conf/all/arp_announce 0>2", kPins, "eth0",
                     "eth0", "203.0.113.10", "2001:db8:ff::10"}));
}

TEST(Plan, GueChangesWhatIpipDoes)
{
    EXPECT_EQ(texts(plan(fresh_host(), gue_settings(), {}, kPins)),
              texts(plan(fresh_host(), ipip_settings(), {}, kPins)));
}

TEST(Plan, NothingForAHostThatIsReadyWithoutUs)
{
    EXPECT_EQ(texts(plan(good_backend(), l2_settings(), {}, kPins)), Texts{});
}

TEST(Plan, IPv6AloneLeavesArpAlone)
{
    Settings settings = l2_settings();
    settings.vips = {host("2001:db8:ff::10")};
    EXPECT_EQ(texts(plan(fresh_host(), settings, {}, kPins)), Texts{"2001:db8:ff::10"});
}

TEST(Plan, APrefixIsMadeLocalUnlessItIsAlready)
{
    Settings settings = l2_settings();
    settings.vips = {{address("203.0.113.0"), 28}};
    Facts facts = good_backend();
    EXPECT_EQ(texts(plan(facts, settings, {}, kPins)), Texts{"203.0.113.0/28"});
    EXPECT_EQ(plan(facts, settings, {}, kPins).front().kind, Change::Kind::network);
    facts.local_networks = {{2, {address("203.0.113.0"), 28}}};
    EXPECT_EQ(texts(plan(facts, settings, {}, kPins)), Texts{"203.0.113.0/28"}) << "on the wrong interface";
    facts.local_networks = {{1, {address("203.0.113.0"), 24}}};
    EXPECT_EQ(texts(plan(facts, settings, {}, kPins)), Texts{}) << "a wider one will do";
}

TEST(Plan, AnInterfacesOwnLargerValueIsSetByItself)
{
    Facts facts = good_backend();
    facts.ipv4["all"].arp_ignore = 0;
    facts.ipv4["eth1"].arp_ignore = 3;
    EXPECT_EQ(texts(plan(facts, l2_settings(), {}, kPins)),
              (Texts{"net/ipv4/conf/all/arp_ignore 0>1", "net/ipv4/conf/eth1/arp_ignore 3>1"}));
}

TEST(Plan, RpFilterGetsLooseOnlyWhereTheRouteBackIsAnotherInterfaces)
{
    Facts facts = good_backend();
    facts.ipv4["all"].rp_filter = 1;
    EXPECT_EQ(texts(plan(facts, l2_settings(), {}, kPins)), Texts{});
    facts.default_routes[0].links = {3};
    EXPECT_EQ(texts(plan(facts, l2_settings(), {}, kPins)), Texts{"net/ipv4/conf/eth0/rp_filter 0>2"});
    facts.ipv4["eth0"].rp_filter = 2;
    EXPECT_EQ(texts(plan(facts, l2_settings(), {}, kPins)), Texts{});
}

TEST(Plan, ASecondPlanKeepsWhatTheFirstOneFound)
{
    const std::vector<Change> first = plan(fresh_host(), ipip_settings(), {}, kPins);
    const std::vector<Change> second = plan(good_backend(), ipip_settings(), first, kPins);
    EXPECT_EQ(texts(second), texts(first));
    EXPECT_TRUE(difference(first, second).empty());
}

TEST(Plan, AfterACrashBeforeAnyChangeTheSecondPlanIsTheSame)
{
    const std::vector<Change> first = plan(fresh_host(), ipip_settings(), {}, kPins);
    EXPECT_EQ(texts(plan(fresh_host(), ipip_settings(), first, kPins)), texts(first));
}

TEST(Plan, WhatOthersSetSinceIsTheirs)
{
    const std::vector<Change> first = plan(fresh_host(), l2_settings(), {}, kPins);
    Facts facts = good_backend();
    facts.ipv4["all"].arp_ignore = 2;
    const std::vector<Change> second = plan(facts, l2_settings(), first, kPins);
    EXPECT_EQ(texts(difference(first, second)), Texts{"net/ipv4/conf/all/arp_ignore 0>1"});
}

TEST(Plan, ANewInterfaceOfTheSameNameIsAnotherPlace)
{
    const std::vector<Change> first = plan(fresh_host(), ipip_settings(), {}, kPins);
    Facts facts = good_backend();
    facts.links[1].index = 9;
    facts.attached = {};
    EXPECT_EQ(texts(difference(first, plan(facts, ipip_settings(), first, kPins))), (Texts{"eth0", "eth0"}));
}

TEST(Plan, FromIpipToL2OnlyDecapsulationGoes)
{
    const std::vector<Change> first = plan(fresh_host(), ipip_settings(), {}, kPins);
    EXPECT_EQ(texts(difference(first, plan(good_backend(), l2_settings(), first, kPins))),
              (Texts{kPins, "eth0", "eth0"}));
}

TEST(ChooseHook, IsXdpOnlyWhereTcCannotMixFamilies)
{
    Facts facts = good_backend();
    facts.kernel = {6, 1};
    EXPECT_EQ(choose_hook(facts, ipip_settings()), Hook::xdp);
    facts.kernel = {6, 3};
    EXPECT_EQ(choose_hook(facts, ipip_settings()), Hook::tc);
    facts.kernel = {7, 0};
    EXPECT_EQ(choose_hook(facts, ipip_settings()), Hook::tc);
    Settings settings = ipip_settings();
    settings.vips.pop_back();
    settings.locals.pop_back();
    facts.kernel = {5, 15};
    EXPECT_EQ(choose_hook(facts, settings), Hook::tc);
}

} // namespace

} // namespace aya::backend
