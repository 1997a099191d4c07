// SPDX-License-Identifier: BSD-2-Clause
// What `check` says of hosts that this machine cannot be: with tunnel devices, old kernels, LRO, other
// programs.
#include "findings.hpp"

#include "host_facts.hpp"

#include <gtest/gtest.h>

namespace aya::backend
{

namespace
{

using D = Defect;

std::vector<Defect> codes(const Facts &facts, const Settings &settings)
{
    std::vector<Defect> found;
    for (const Finding &finding : judge(facts, settings))
        found.push_back(finding.defect);
    return found;
}

std::vector<Defect> list(std::initializer_list<Defect> defects)
{
    return defects;
}

TEST(Findings, NoneOnAGoodBackend)
{
    EXPECT_EQ(codes(good_backend(), ipip_settings()), list({}));
}

TEST(Findings, NoneOnAGoodBackendOfGue)
{
    EXPECT_EQ(codes(good_backend(), gue_settings()), list({}));
}

TEST(Findings, GueIsStrippedAtItsPortOnly)
{
    Facts facts = good_backend();
    Settings settings = gue_settings();
    settings.gue_port = 7000;
    ASSERT_EQ(codes(facts, settings), list({D::decap_other_port}));
    EXPECT_EQ(judge(facts, settings)[0].text,
              "eth0: GUE is decapsulated at UDP port 6080; run: aya-backend up --encap gue --gue-port 7000");
    facts.attached.gue_port = 0;
    EXPECT_NE(judge(facts, settings).at(0).text.find("GUE is not decapsulated; run: "), std::string::npos);
    EXPECT_EQ(codes(facts, ipip_settings()), list({})) << "ipip does not ask for it";
}

TEST(Findings, AnyoneMayPretendToBeAClientUnlessBalancersAreNamed)
{
    Facts facts = good_backend();
    facts.attached.balancers = {{kEveryone}};
    ASSERT_EQ(codes(facts, ipip_settings()), list({D::any_balancer}));
    EXPECT_EQ(
        judge(facts, ipip_settings())[0].text,
        "eth0: packets of any sender are decapsulated, so whoever reaches this host can pretend to be any "
        "client; name the balancers: run: aya-backend up ... --balancer ADDRESS");
    facts.attached.balancers.reset();
    EXPECT_EQ(codes(facts, gue_settings()), list({D::any_balancer})) << "an earlier version is attached";
    Settings none_named = ipip_settings();
    none_named.balancers.clear();
    EXPECT_EQ(codes(good_backend(), none_named), list({})) << "those that `up` was told";
}

TEST(Findings, VipsAndBalancersThatDecapsulationWasNotTold)
{
    Facts facts = good_backend();
    facts.attached.vips->pop_back();
    facts.attached.balancers->pop_back();
    ASSERT_EQ(codes(facts, ipip_settings()), list({D::decap_lacks_vip, D::lacks_balancer}));
    EXPECT_EQ(judge(facts, ipip_settings())[1].text,
              "2001:db8:1::/64: packets of this balancer are not decapsulated; run: aya-backend up");
}

TEST(Findings, APrefixOfVips)
{
    Facts facts = good_backend();
    Settings settings = ipip_settings();
    settings.vips = {{address("203.0.113.0"), 28}, {address("2001:db8:ff::"), 64}};
    facts.attached.vips = settings.vips;
    ASSERT_EQ(codes(facts, settings), list({D::vip_missing, D::vip_missing}));
    EXPECT_EQ(judge(facts, settings)[0].text,
              "203.0.113.0/28: not on lo; run: aya-backend up, or: ip route add local 203.0.113.0/28 dev lo");
    EXPECT_EQ(judge(facts, settings)[1].text, "2001:db8:ff::/64: not on lo; run: aya-backend up, or: ip -6 "
                                              "route add local 2001:db8:ff::/64 dev lo");
    facts.local_networks = {{1, settings.vips[0]}, {1, settings.vips[1]}};
    EXPECT_EQ(codes(facts, settings), list({}));
    facts.attached.vips = {{address("203.0.113.0"), 29}, {address("2001:db8::"), 32}};
    EXPECT_EQ(codes(facts, settings), list({D::decap_lacks_vip})) << "half of it is not enough";
    facts.attached.vips = settings.vips;
    facts.addresses.push_back({2, address("203.0.113.7"), 24, false});
    EXPECT_EQ(codes(facts, settings), list({D::vip_elsewhere}));
    facts.addresses.pop_back();
    facts.default_routes[0].gateways = {address("203.0.113.1")};
    EXPECT_EQ(codes(facts, settings), list({D::vip_has_gateway}));
}

TEST(Findings, JoinedDatagramsSpoilGueAtTcAlone)
{
    Facts facts = good_backend();
    facts.udp_gro = true;
    EXPECT_EQ(codes(facts, ipip_settings()), list({}));
    EXPECT_EQ(codes(facts, gue_settings()), list({D::udp_gro}));
    facts.attached.ingress.clear();
    facts.attached.xdp = "decap_xdp";
    EXPECT_EQ(codes(facts, gue_settings()), list({}));
}

TEST(Findings, EveryDefectHasACodeOfItsOwn)
{
    EXPECT_STREQ(code_of(D::not_root), "not_root");
    EXPECT_STREQ(code_of(D::no_listener), "no_listener");
}

TEST(Findings, MixedFamiliesNeedKernel63AtTc)
{
    Facts facts = good_backend();
    facts.kernel = {6, 2};
    EXPECT_EQ(codes(facts, ipip_settings()), list({D::old_kernel}));
    EXPECT_NE(judge(facts, ipip_settings())[0].text.find("kernel 6.2 cannot decapsulate"), std::string::npos);
    facts.kernel = {6, 3};
    EXPECT_EQ(codes(facts, ipip_settings()), list({}));
    facts.kernel = {5, 15};
    Settings one_family = ipip_settings();
    one_family.vips = {host("203.0.113.10")};
    one_family.locals = {address("10.0.1.11")};
    EXPECT_EQ(codes(facts, one_family), list({}));
}

TEST(Findings, NativeXdpMixesFamiliesOnAnyKernel)
{
    Facts facts = good_backend();
    facts.kernel = {5, 15};
    facts.attached.ingress.clear();
    facts.attached.xdp = "decap_xdp";
    EXPECT_EQ(codes(facts, ipip_settings()), list({}));
}

TEST(Findings, LroSpoilsXdpButNotTc)
{
    Facts facts = good_backend();
    facts.lro = true;
    EXPECT_EQ(codes(facts, ipip_settings()), list({}));
    facts.attached.ingress.clear();
    facts.attached.xdp = "decap_xdp";
    EXPECT_EQ(codes(facts, ipip_settings()), list({D::lro}));
}

TEST(Findings, ATcxProgramComesBeforeEveryFilter)
{
    Facts facts = good_backend();
    facts.attached.tcx = {"cil_from_netdev"};
    EXPECT_EQ(codes(facts, ipip_settings()), list({D::program_ahead}));
}

TEST(Findings, OnlyFiltersInFrontMatter)
{
    Facts facts = good_backend();
    facts.attached.ingress.push_back({2, 1, "flower", "", 0});
    EXPECT_EQ(codes(facts, ipip_settings()), list({}));
    facts.attached.ingress.insert(facts.attached.ingress.begin(), {1, 1, "bpf", "other", 7});
    EXPECT_EQ(codes(facts, ipip_settings()), list({D::program_ahead}));
}

TEST(Findings, TunnelDevicesDoTheWorkAsWell)
{
    Facts facts = good_backend();
    facts.attached = {};
    EXPECT_EQ(codes(facts, ipip_settings()), list({D::no_decap}));
    facts.links.push_back(tunnel(7, "tunl0", "ipip"));
    facts.links.push_back(tunnel(8, "sit0", "sit"));
    const auto findings = judge(facts, ipip_settings());
    ASSERT_EQ(codes(facts, ipip_settings()), list({D::no_decap}));
    EXPECT_NE(findings[0].text.find("(ip6tnl)"), std::string::npos) << findings[0].text;
    facts.links.push_back(tunnel(9, "ip6tnl0", "ip6tnl"));
    EXPECT_EQ(codes(facts, ipip_settings()), list({}));
    facts.links.back().up = false;
    EXPECT_EQ(codes(facts, ipip_settings()), list({D::no_decap}));
}

TEST(Findings, GueNeedsAFouSocketBesideTunnelDevices)
{
    Facts facts = good_backend();
    facts.attached = {};
    for (const char *kind : {"ipip", "sit", "ip6tnl"})
        facts.links.push_back(tunnel(static_cast<int>(7 + facts.links.size()), kind, kind));
    EXPECT_EQ(codes(facts, ipip_settings()), list({}));
    ASSERT_EQ(codes(facts, gue_settings()), list({D::no_decap}));
    const std::string text = judge(facts, gue_settings())[0].text;
    EXPECT_NE(text.find("(fou at UDP port 6080); run: aya-backend up --encap gue"), std::string::npos)
        << text;
    facts.listeners.push_back({IpAddress{}, {6080, true}, true});
    EXPECT_EQ(codes(facts, gue_settings()), list({D::no_decap})) << "TCP is no tunnel";
    facts.listeners.push_back({IpAddress{}, {6080, false}, true});
    EXPECT_EQ(codes(facts, gue_settings()), list({}));
}

TEST(Findings, StrictRpFilterDropsWhatComesOutOfATunnelDevice)
{
    Facts facts = good_backend();
    facts.attached = {};
    facts.links.push_back(tunnel(7, "tunl0", "ipip"));
    Settings settings = ipip_settings();
    settings.vips = {host("203.0.113.10")};
    settings.locals = {address("10.0.1.11")};
    EXPECT_EQ(codes(facts, settings), list({}));
    facts.ipv4["all"].rp_filter = 1;
    EXPECT_EQ(codes(facts, settings), list({D::rp_filter}));
    facts.ipv4["tunl0"].rp_filter = 2; // the larger one counts
    EXPECT_EQ(codes(facts, settings), list({}));
}

TEST(Findings, MultipathWithOurInterfaceIsNoDetour)
{
    Facts facts = good_backend();
    facts.ipv4["all"].rp_filter = 1;
    facts.default_routes[0].links = {3, 2};
    EXPECT_EQ(codes(facts, ipip_settings()), list({}));
    facts.default_routes[0].links = {3};
    EXPECT_EQ(codes(facts, ipip_settings()), list({D::rp_filter}));
}

TEST(Findings, TheDefaultRouteIsTheOneOfTheLowestMetricInTheMainTable)
{
    Facts facts = good_backend();
    facts.default_routes.insert(facts.default_routes.begin(), {true, {3}, 0, 100, 0});
    facts.default_routes.push_back({true, {3}, 50, 254, 0});
    ASSERT_NE(facts.default_route(true), nullptr);
    EXPECT_EQ(facts.default_route(true)->links, std::vector<int>{2});
}

TEST(Findings, AVipOnADummyDeviceIsAsGoodAsOnLo)
{
    Facts facts = good_backend();
    facts.addresses.erase(facts.addresses.begin());
    EXPECT_EQ(codes(facts, ipip_settings()), list({D::vip_missing}));
    facts.links.push_back({7, "dummy0", "dummy", 1500, true, true, false, false});
    facts.addresses.push_back({7, address("203.0.113.10"), 32, false});
    EXPECT_EQ(codes(facts, ipip_settings()), list({}));
}

TEST(Findings, ArpIgnoreMayBe1Or2Or8)
{
    Facts facts = good_backend();
    for (const int value : {0, 1, 2, 3, 4, 8}) {
        facts.ipv4["all"].arp_ignore = value;
        const bool good = value == 1 || value == 2 || value == 8;
        EXPECT_EQ(codes(facts, ipip_settings()), good ? list({}) : list({D::arp_ignore})) << value;
    }
}

TEST(Findings, OuterDestinationsAreLastingAddressesOfTheInterface)
{
    Facts facts = good_backend();
    facts.addresses.push_back({2, address("203.0.113.10"), 32, false});
    facts.addresses.push_back({2, address("fe80::11"), 64, false});
    facts.addresses.push_back({2, address("2001:db8:1::abcd"), 64, true});
    facts.addresses.push_back({3, address("10.0.2.11"), 24, false});
    EXPECT_EQ(facts.locals("eth0", ipip_settings().vips), ipip_settings().locals);
}

TEST(Findings, MtuNeedsRoomForTheLargestOuterHeader)
{
    Facts facts = good_backend();
    Settings settings = ipip_settings();
    facts.links[1].mtu = 1539;
    EXPECT_EQ(codes(facts, settings), list({D::mtu}));
    settings.locals = {address("10.0.1.11")};
    EXPECT_EQ(codes(facts, settings), list({}));
    facts.links[1].mtu = 1519;
    EXPECT_EQ(codes(facts, settings), list({D::mtu}));
    for (const auto &[mtu, locals] : {std::pair{1548U, gue_settings().locals}, {1528U, settings.locals}}) {
        settings = gue_settings();
        settings.locals = locals;
        facts.links[1].mtu = mtu;
        EXPECT_EQ(codes(facts, settings), list({})) << mtu;
        facts.links[1].mtu = mtu - 1;
        EXPECT_EQ(codes(facts, settings), list({D::mtu})) << mtu - 1;
    }
}

} // namespace

} // namespace aya::backend
