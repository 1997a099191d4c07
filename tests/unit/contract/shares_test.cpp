// SPDX-License-Identifier: BSD-2-Clause
//
// The whole chain from configured weight to packets: lookup table, hash, pick.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "core_path.hpp"
#include "kinds/maglev.hpp"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test::shares_test
{
namespace
{

constexpr u32 kFlows = 100000;

// Shares of 100 000 distinct flows, in units of the share that weights promise.
std::vector<double> shares(const std::vector<u32> &weights, const std::function<aya_flow(u32)> &client)
{
    Tables tables;
    const u16 web = tables.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"});
    std::vector<Candidate> candidates;
    std::vector<u32> ids;
    for (u32 weight : weights) {
        ids.push_back(tables.add_backend(web));
        candidates.push_back({.key = 0x9e3779b97f4a7c15 * ids.back(), .weight = weight});
    }
    std::vector<u32> slots;
    for (u32 index : build_maglev(candidates, 65537))
        slots.push_back(ids.at(index));
    tables.set_lookup(web, slots);

    std::vector<double> got(weights.size());
    for (u32 i = 0; i < kFlows; i++) {
        aya_packet packet{};
        packet.flow = client(i);
        packet.ttl = 64;
        packet.tcp_flags = AYA_TCP_SYN;
        u16 service = 0;
        aya_verdict verdict;
        EXPECT_EQ(aya_classify(tables.view(), &packet, &service), AYA_REASON_NONE);
        const u64 hash = aya_flow_hash(&tables.settings(), &packet);
        aya_choose(tables.view(), &packet, service, hash, nullptr, nullptr, 0, &verdict);
        EXPECT_EQ(verdict.action, AYA_ACTION_FORWARD);
        got.at(verdict.backend_id - ids.front()) += 1.0 / kFlows;
    }
    return got;
}

aya_flow flow_to_vip(const char *vip, u8 family, u32 client, u16 port)
{
    aya_flow flow{};
    std::copy_n(mapped_address(vip).begin(), 4, flow.dst);
    std::copy_n(mapped_address(family == AYA_IPV4 ? "0.0.0.0" : "2001:db8:c::").begin(), 4, flow.src);
    flow.src[3] = aya_cpu_to_be32(client);
    flow.src_port = aya_cpu_to_be16(port);
    flow.dst_port = aya_cpu_to_be16(443);
    flow.protocol = AYA_PROTO_TCP;
    flow.family = family;
    return flow;
}

// Random choice would already stray: its standard deviation at a share p of n flows is sqrt(p (1 - p) / n),
// 0.16 % at one half. So 2 % of the whole, and where shares are small, four standard deviations.
void expect_shares(const std::vector<u32> &weights, const std::function<aya_flow(u32)> &client)
{
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    const std::vector<double> got = shares(weights, client);
    for (std::size_t i = 0; i < weights.size(); i++) {
        const double due = weights[i] / total;
        EXPECT_NEAR(got[i], due, 0.02) << "backend " << i;
        EXPECT_NEAR(got[i], due, 5 * std::sqrt(due * (1 - due) / kFlows) + 2.0 / 65537) << "backend " << i;
    }
}

aya_flow many_clients(u32 i)
{
    return flow_to_vip("203.0.113.10", AYA_IPV4, 0x0a000000 + i / 4, static_cast<u16>(32768 + i % 4));
}

aya_flow one_client_after_the_other(u32 i)
{
    return flow_to_vip("203.0.113.10", AYA_IPV4, 0xc6336401 + i / 28000, static_cast<u16>(32768 + i % 28000));
}

aya_flow ipv6_clients(u32 i)
{
    return flow_to_vip("2001:db8::10", AYA_IPV6, i, 40000);
}

TEST(Shares, OfEqualBackendsAreEqual)
{
    for (auto client : {many_clients, one_client_after_the_other, ipv6_clients})
        expect_shares(std::vector<u32>(10, 1), client);
}

TEST(Shares, FollowTheWeights)
{
    for (auto client : {many_clients, one_client_after_the_other, ipv6_clients}) {
        expect_shares({1, 2, 3}, client);
        expect_shares({100, 1, 50, 1, 100, 25}, client);
        expect_shares({8, 8, 4, 0, 1}, client);
    }
}

TEST(Shares, OfABackendWithWeightZeroAreNone)
{
    EXPECT_EQ(shares({5, 0, 5}, many_clients)[1], 0);
}

TEST(Shares, FollowRandomWeightsOfAHundredBackends)
{
    std::mt19937 random(3);
    std::vector<u32> weights(100);
    for (u32 &weight : weights)
        weight = 1 + static_cast<u32>(random() % 100);
    expect_shares(weights, many_clients);
}

} // namespace
} // namespace aya::test::shares_test
