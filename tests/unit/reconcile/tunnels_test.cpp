// SPDX-License-Identifier: BSD-2-Clause
#include "reconcile/tunnels.hpp"

#include "reconciler_fixture.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

namespace aya::test
{
namespace
{

using health::Tunnel;
using health::TunnelWay;

class SetDevice final : public health::TunnelDevice
{
public:
    explicit SetDevice(std::map<u32, TunnelWay> &ways) : ways_(ways) {}
    u32 mark(u32 number) const override { return 0x1000 + number; }
    std::string obstacle(const IpAddress &family) const override { return family.is_v4() ? "" : "no IPv6"; }
    int set_way(u32 mark, const TunnelWay &way) override
    {
        ways_[mark] = way;
        return 0;
    }
    int clear_way(u32 mark) override
    {
        ways_.erase(mark);
        return 0;
    }

private:
    std::map<u32, TunnelWay> &ways_;
};

// Service web with backends one and two behind port 0, whose interface is loopback's.
struct ProbeTunnels : ::testing::Test {
    ProbeTunnels()
    {
        port.present = 1;
        std::snprintf(port.interface, sizeof(port.interface), "lo");
    }

    // As if this was compiled and is live.
    void lead()
    {
        TableImage image;
        for (const ServiceConfig &service : config.services) {
            auto made = std::make_shared<ServiceImage>();
            made->name = service.name;
            made->local = local;
            for (const BackendConfig &backend : service.backends) {
                BackendImage &entry = made->backends.emplace_back();
                entry.name = backend.name;
                entry.address = backend.address;
                entry.reachable = reachable;
                entry.entry.egress_port = egress_port;
                entry.entry.macs[5] = last_byte_of_mac;
            }
            image.services.push_back(made);
        }
        tunnels.lead(image, {.ports = {&port, 1}, .source = [](const IpAddress &) {
                                 return std::optional(IpAddress::v4(10, 0, 1, 250));
                             }});
    }
    void follow_and_lead()
    {
        tunnels.follow(config);
        lead();
    }
    ServiceConfig &service() { return config.services.front(); }

    std::map<u32, TunnelWay> ways;
    Config config = config_of(kTwoBackends);
    PortLine port{};
    bool reachable = true;
    std::set<Prefix> local; // of the VIP's addresses, those that the kernel has
    u16 egress_port = 0;
    u8 last_byte_of_mac = 1;
    std::string broken;
    Tunnels tunnels{[this]() -> std::unique_ptr<health::TunnelDevice> {
        if (!broken.empty())
            throw std::runtime_error(broken);
        return std::make_unique<SetDevice>(ways);
    }};
};

TEST_F(ProbeTunnels, LeadWhereTheTablesDo)
{
    follow_and_lead();
    const auto one = tunnels.find("web", "one");
    const auto two = tunnels.find("web", "two");
    ASSERT_TRUE(one && two);
    EXPECT_EQ(to_string(one->vip), "203.0.113.10:80");
    EXPECT_EQ(one->obstacle, "");
    EXPECT_EQ(to_string(one->source.value()), "10.0.1.250");
    EXPECT_NE(one->mark, two->mark);
    EXPECT_EQ(ways.at(one->mark).backend.macs[5], 1);
    EXPECT_EQ(ways.at(one->mark).interface, 1u);

    last_byte_of_mac = 2;
    lead();
    EXPECT_EQ(ways.at(one->mark).backend.macs[5], 2);
    EXPECT_EQ(tunnels.warnings().size(), 0u);
}

TEST_F(ProbeTunnels, StayWithTheirBackend)
{
    follow_and_lead();
    const auto one = tunnels.find("web", "one");
    service().health.rise = 7;
    follow_and_lead();
    EXPECT_EQ(tunnels.find("web", "one"), one);
    service().encap = Encap::ipip;
    follow_and_lead();
    EXPECT_NE(tunnels.find("web", "one"), one) << "what was found out holds for the other encapsulation";

    service().vips.front().port = 81;
    follow_and_lead();
    EXPECT_NE(tunnels.find("web", "one"), one) << "another VIP is another question";
    service().backends.pop_back();
    follow_and_lead();
    EXPECT_EQ(tunnels.find("web", "two"), nullptr);
    EXPECT_EQ(ways.size(), 1u) << "what is gone leads nowhere";
}

TEST_F(ProbeTunnels, AreForProbesThatCanUseThem)
{
    service().health.via = Via::direct;
    follow_and_lead();
    EXPECT_EQ(tunnels.find("web", "one"), nullptr);
    service().health.via.reset();
    service().health.port = 8080;
    follow_and_lead();
    EXPECT_EQ(tunnels.find("web", "one"), nullptr) << "no VIP has the port";
    service().health.via = Via::tunnel;
    follow_and_lead();
    EXPECT_EQ(to_string(tunnels.find("web", "one")->vip), "203.0.113.10:8080") << "it was asked for";
    service().health.type = HealthType::icmp;
    follow_and_lead();
    EXPECT_EQ(tunnels.find("web", "one"), nullptr);
}

TEST_F(ProbeTunnels, SayWhatIsInTheWay)
{
    reachable = false;
    follow_and_lead();
    const auto one = tunnels.find("web", "one");
    EXPECT_EQ(one->obstacle, "its next hop is not known");
    EXPECT_TRUE(tunnels.warnings().empty()) << "status says that already";

    reachable = true;
    local = {host_prefix(IpAddress::v4(203, 0, 113, 10))};
    lead();
    EXPECT_EQ(one->obstacle, "this machine has 203.0.113.10 itself, and would answer");
    ASSERT_EQ(tunnels.warnings().size(), 1u) << "for both backends";
    EXPECT_EQ(
        tunnels.warnings().front(),
        "2 backends, for example of service web, are probed at their own addresses, not through the tunnel: "
        "this machine has 203.0.113.10 itself, and would answer");

    local = {*parse_prefix("203.0.113.128/25")};
    lead();
    EXPECT_EQ(one->obstacle, "") << "another part of the VIP's prefix";
    local = {*parse_prefix("203.0.113.0/28")};
    lead();
    EXPECT_NE(one->obstacle.find("this machine has 203.0.113.10 itself"), std::string::npos);
    local.clear();
    egress_port = 7;
    lead();
    EXPECT_NE(one->obstacle.find("port 7 of the data plane has no interface"), std::string::npos);
    EXPECT_TRUE(ways.empty());
    egress_port = 0;
    lead();
    EXPECT_EQ(one->obstacle, "");
    EXPECT_EQ(ways.size(), 2u);
}

TEST_F(ProbeTunnels, AreNoneWhereTheKernelRefuses)
{
    broken = "no such luck";
    follow_and_lead();
    EXPECT_EQ(tunnels.find("web", "one")->obstacle, "no such luck");
    ASSERT_EQ(tunnels.warnings().size(), 1u);
    EXPECT_NE(tunnels.warnings().front().find("no such luck"), std::string::npos);
    broken.clear();
    follow_and_lead();
    EXPECT_EQ(tunnels.find("web", "one")->obstacle, "") << "tried again with the next configuration";
}

} // namespace
} // namespace aya::test
