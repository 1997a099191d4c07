// SPDX-License-Identifier: BSD-2-Clause
// Which way a probe with a tunnel goes, and what it says. Where packets go is for tests/e2e/probe_tunnel.
#include "attempt.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

namespace aya::health::test::tunnel_probe_test
{
namespace
{

struct TunnelProbe : ::testing::Test {
    // Of a backend whose own address answers, and whose VIP does not.
    ProbeTarget target()
    {
        ProbeTarget made = target_of(good.port());
        made.tunnel = tunnel;
        return made;
    }

    const Listener good{true};
    const Listener bad{false};
    std::shared_ptr<Tunnel> tunnel = std::make_shared<Tunnel>(
        Tunnel{.vip = {kLoopback, bad.port()}, .encap = "ipip", .has_headers = true, .mark = 0xa0000001});
};

TEST_F(TunnelProbe, GoesDirectlyWhileSomethingIsInTheWay)
{
    tunnel->obstacle = "its next hop is not known";
    EXPECT_EQ(attempt(HealthType::tcp, target()), Finding(Outcome::ok));
    EXPECT_EQ(attempt(HealthType::syn, {.address = target().address, .options = target().options}).outcome,
              attempt(HealthType::syn, target()).outcome);
}

TEST_F(TunnelProbe, GoesToTheVipAndSaysWhereToLook)
{
    const Finding found = attempt(HealthType::tcp, target());
    if (::geteuid() != 0) {
        EXPECT_EQ(found.outcome, Outcome::local_error)
            << "marks are for those who may administrate the network";
        return;
    }
    EXPECT_EQ(found.outcome, Outcome::refused);
    EXPECT_EQ(found.reason, "connection refused, at VIP 127.0.0.1:" + std::to_string(bad.port()) +
                                " by ipip; does the server listen on the VIP?");
}

} // namespace
} // namespace aya::health::test::tunnel_probe_test
