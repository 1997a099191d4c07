// SPDX-License-Identifier: BSD-2-Clause
//
// What a service's lists do to its packets, of whatever kind.
#include <gtest/gtest.h>

#include "aya/plain.h"
#include "core_path.hpp"
#include "model/source_set.hpp"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test::guard_test
{
namespace
{

constexpr const char *kClient = "198.51.100.7";
constexpr const char *kVip = "203.0.113.10";

class Guard : public testing::Test
{
protected:
    Guard()
    {
        backend = tables.add_backend(web);
        tables.set_lookup(web, {backend});
        tables.set_lookup(other, {tables.add_backend(other)});
    }

    void deny(const char *prefix)
    {
        tables.set_sources(web, build_source_set({}, {*parse_prefix(prefix)}, false));
    }

    Outcome run(const std::string &flags, const char *client = kClient)
    {
        return path.run(Packet().ipv4(client, kVip).tcp(40000, 443, flags).build());
    }

    Outcome datagram(u16 port = 40000, const char *client = kClient)
    {
        return path.run(Packet().ipv4(client, kVip).udp(port, 443).payload(8).build());
    }

    Tables tables;
    u16 web = tables.add_service({"203.0.113.10:443/tcp", "203.0.113.10:443/udp", "[2001:db8::10]:443/tcp"});
    u16 other = tables.add_service({"203.0.113.10:80/tcp"});
    u32 backend = 0;
    aya_view view = *tables.view();
    CorePath path{&view};
};

TEST_F(Guard, RefusesWhoIsOnTheListAndNobodyElse)
{
    deny("198.51.100.0/29");
    const Outcome outcome = run("S");
    EXPECT_EQ(outcome.reason, AYA_REASON_DENIED);
    EXPECT_EQ(outcome.action, AYA_ACTION_DROP);
    EXPECT_EQ(outcome.notes, 0);
    EXPECT_EQ(run("S", "198.51.100.8").reason, AYA_REASON_NONE);
    EXPECT_EQ(path.run(Packet().ipv4(kClient, kVip).tcp(40000, 80, "S").build()).reason, AYA_REASON_NONE)
        << "of another service";
}

TEST_F(Guard, RefusesIpv6)
{
    deny("2001:db8:c::/64");
    const auto syn = [](const char *client) {
        return Packet().ipv6(client, "2001:db8::10").tcp(40000, 443, "S").build();
    };
    EXPECT_EQ(path.run(syn("2001:db8:c::7")).reason, AYA_REASON_DENIED);
    EXPECT_EQ(path.run(syn("2001:db8:c:1::7")).reason, AYA_REASON_NONE);
}

TEST_F(Guard, RemembersNothingOfWhomItRefuses)
{
    deny(kClient);
    const Bytes syn = Packet().ipv4(kClient, kVip).tcp(40000, 443, "S").build();
    path.run(syn);
    EXPECT_EQ(path.entry_of(syn), nullptr);
}

TEST_F(Guard, EndsOpenConnectionsAtOnce)
{
    run("S");
    EXPECT_EQ(run("A").reason, AYA_REASON_NONE);
    deny(kClient);
    EXPECT_EQ(run("A").reason, AYA_REASON_DENIED);
    EXPECT_EQ(path.run(Packet().ipv4(kClient, kVip).udp(1, 443).build()).reason, AYA_REASON_DENIED);
}

TEST_F(Guard, TakesTheShortWayFromASettledFlow)
{
    run("S");
    run("A");
    const Bytes packet = Packet().ipv4(kClient, kVip).tcp(40000, 443, "A").build();
    aya_flow_entry *entry = path.entry_of(packet);
    ASSERT_NE(entry, nullptr);
    EXPECT_NE(aya_plain_follow(tables.view(), &tables.service(web), 40, entry, path.now), nullptr);
    deny("192.0.2.0/24");
    EXPECT_EQ(aya_plain_follow(tables.view(), &tables.service(web), 40, entry, path.now), nullptr);
}

TEST_F(Guard, JudgesALaterFragmentByTheServiceOfTheFirst)
{
    deny("192.0.2.0/24");
    const auto fragment = [](u32 offset, bool more) {
        Packet packet;
        packet.ipv4(kClient, kVip).fragment(7, offset, more);
        return offset == 0 ? packet.udp(1, 443).payload(64).build() : packet.protocol(17).payload(64).build();
    };
    EXPECT_EQ(path.run(fragment(0, true)).reason, AYA_REASON_NONE);
    EXPECT_EQ(path.run(fragment(72, false)).reason, AYA_REASON_NONE);
    deny(kClient);
    EXPECT_EQ(path.run(fragment(72, false)).reason, AYA_REASON_DENIED);
}

TEST_F(Guard, JudgesAnIcmpErrorByTheClientThatItIsAbout)
{
    run("S");
    run("A");
    const Bytes quoted = Packet().ipv4(kVip, kClient).tcp(443, 40000, "A").build_ip();
    const Bytes error = Packet().ipv4("192.0.2.254", kVip).icmp(3, 1).payload(quoted).build();
    EXPECT_EQ(path.run(error).reason, AYA_REASON_NONE);
    deny("192.0.2.254");
    EXPECT_EQ(path.run(error).reason, AYA_REASON_NONE);
    deny(kClient);
    EXPECT_EQ(path.run(error).reason, AYA_REASON_DENIED);
}

TEST_F(Guard, OfAServiceBeyondTheTablesIsInternal)
{
    const aya_flow flow{};
    EXPECT_EQ(aya_ask_guard(tables.view(), Tables::kServices, &flow, 0), u32{AYA_REASON_INTERNAL});
}

// Limits of `web`: none but those that a test sets.
class Limits : public Guard
{
protected:
    Limits()
    {
        view.buckets = buckets.data();
        view.bucket_count = Tables::kServices;
        view.source_buckets = source_buckets.data();
        view.refusals = &refusals;
        view.reasons = totals.reasons;
        view.now_ns = 1'000'000'000;
        tables.service(web).flags |= AYA_SERVICE_LIMITS_PACKETS | AYA_SERVICE_LIMITS_FLOWS;
    }

    aya_guard &guard() { return tables.guard(web); }
    u64 over_limit() const { return totals.reasons[AYA_REASON_FLOW_OVER_LIMIT]; }

    // How many of `count` packets had this reason.
    template <class Make>
    int count(int count, aya_reason reason, Make make)
    {
        int found = 0;
        for (int i = 0; i < count; i++)
            found += make(static_cast<u16>(1000 + i)).reason == reason;
        return found;
    }

    Outcome syn(u16 port, const char *client = kClient)
    {
        return path.run(Packet().ipv4(client, kVip).tcp(port, 443, "S").build());
    }

    std::vector<aya_buckets> buckets = std::vector<aya_buckets>(Tables::kServices);
    std::vector<u64> source_buckets = std::vector<u64>(2 * AYA_SOURCE_BUCKETS);
    aya_refusals refusals{};
    aya_worker_totals totals{};
};

TEST_F(Limits, OfPacketsHoldForOpenConnectionsToo)
{
    guard().packet_cost = aya_rate_cost(10);
    run("S");
    EXPECT_EQ(count(20, AYA_REASON_NONE, [&](u16) { return run("A"); }), 9);
    EXPECT_EQ(run("A").reason, AYA_REASON_PACKET_LIMIT);
    EXPECT_EQ(run("A", "198.51.100.8").reason, AYA_REASON_PACKET_LIMIT) << "in all";
    EXPECT_EQ(path.run(Packet().ipv4(kClient, kVip).tcp(40000, 80, "S").build()).reason, AYA_REASON_NONE)
        << "of another service";
    view.now_ns += 100'000'000;
    EXPECT_EQ(run("A").reason, AYA_REASON_NONE);
    EXPECT_EQ(run("A").reason, AYA_REASON_PACKET_LIMIT);
}

TEST_F(Limits, OfOneSourceLeaveTheOthersAlone)
{
    guard().source_packet_cost = aya_rate_cost(10);
    EXPECT_EQ(count(20, AYA_REASON_SOURCE_PACKET_LIMIT, [&](u16 port) { return syn(port); }), 10);
    EXPECT_EQ(run("S", "198.51.100.8").reason, AYA_REASON_NONE);
}

TEST_F(Limits, WhatASourceMayNotTakesNothingFromTheService)
{
    guard().source_packet_cost = aya_rate_cost(10);
    guard().packet_cost = aya_rate_cost(20);
    EXPECT_EQ(count(100, AYA_REASON_SOURCE_PACKET_LIMIT, [&](u16 port) { return syn(port); }), 90);
    EXPECT_EQ(count(20, AYA_REASON_NONE, [&](u16 port) { return syn(port, "198.51.100.8"); }), 10);
}

TEST_F(Limits, ASourceIsAPrefix)
{
    guard().source_packet_cost = aya_rate_cost(4);
    guard().ignored_ipv4 = aya_cpu_to_be32(0xff);
    EXPECT_EQ(count(4, AYA_REASON_NONE, [&](u16 port) { return syn(port); }), 4);
    EXPECT_EQ(run("S", "198.51.100.200").reason, AYA_REASON_SOURCE_PACKET_LIMIT);
    EXPECT_EQ(run("S", "198.51.101.7").reason, AYA_REASON_NONE);
    guard().ignored_ipv6[2] = guard().ignored_ipv6[3] = aya_cpu_to_be32(0xffffffff);
    const auto ipv6 = [&](const std::string &client) {
        return path.run(Packet().ipv6(client, "2001:db8::10").tcp(1, 443, "S").build()).reason;
    };
    for (int i = 1; i <= 4; i++)
        EXPECT_EQ(ipv6("2001:db8:c::" + std::to_string(i)), AYA_REASON_NONE);
    EXPECT_EQ(ipv6("2001:db8:c::5"), AYA_REASON_SOURCE_PACKET_LIMIT);
    EXPECT_EQ(ipv6("2001:db8:c:1::5"), AYA_REASON_NONE);
}

TEST_F(Limits, OfNewFlowsForgetWhatIsBeyondThem)
{
    guard().flow_cost = aya_rate_cost(10);
    EXPECT_EQ(count(100, AYA_REASON_NONE, [&](u16 port) { return syn(port); }), 100) << "none is refused";
    u32 remembered = 0;
    for (const aya_flow_set &set : path.flows())
        for (const aya_flow_entry &entry : set.way)
            remembered += entry.state != AYA_FLOW_FREE;
    EXPECT_EQ(remembered, 10u);
    EXPECT_EQ(over_limit(), 90u);
    EXPECT_EQ(syn(5000).notes, 0);
    EXPECT_EQ(over_limit(), 91u);
    EXPECT_EQ(path.run(Packet().ipv4(kClient, kVip).tcp(1000, 443, "A").build()).notes, 0);
    EXPECT_EQ(over_limit(), 91u) << "of a flow that is known";
}

TEST_F(Limits, WhatIsForgottenGoesWhereItsLaterPacketsWill)
{
    guard().flow_cost = aya_rate_cost(1);
    syn(1);
    const u32 newer = tables.add_backend(web);
    tables.set_lookup(web, {newer}); // what was there is the previous table
    EXPECT_EQ(syn(2).backend, backend);
    EXPECT_EQ(path.run(Packet().ipv4(kClient, kVip).tcp(2, 443, "A").build()).backend, backend);
    tables.service(web).previous_size = 0;
    EXPECT_EQ(syn(3).backend, newer);
}

TEST_F(Limits, OfNewFlowsCountASynAfterAClose)
{
    guard().flow_cost = aya_rate_cost(3);
    guard().flags = AYA_GUARD_REFUSES_FLOWS;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(run("S").reason, AYA_REASON_NONE);
        EXPECT_EQ(run("S").reason, AYA_REASON_NONE) << "a retransmission is no new flow";
        run("A");
        run("FA");
    }
    EXPECT_EQ(run("S").reason, AYA_REASON_FLOW_LIMIT);
}

TEST_F(Limits, OfNewFlowsRefuseOnlyWhatOpensOne)
{
    guard().flow_cost = aya_rate_cost(10);
    guard().flags = AYA_GUARD_REFUSES_FLOWS;
    EXPECT_EQ(count(100, AYA_REASON_FLOW_LIMIT, [&](u16 port) { return syn(port); }), 90);
    EXPECT_EQ(datagram(1).reason, AYA_REASON_FLOW_LIMIT);
    EXPECT_EQ(over_limit(), 0u);
    const Outcome later = path.run(Packet().ipv4(kClient, kVip).tcp(5000, 443, "A").build());
    EXPECT_EQ(later.reason, AYA_REASON_NONE) << "a connection of before, or of another box";
    EXPECT_EQ(later.notes, 0);
    EXPECT_EQ(over_limit(), 1u);
    path.run(Packet().ipv4(kClient, kVip).tcp(5000, 443, "FA").build());
    EXPECT_EQ(over_limit(), 1u) << "an end begins nothing";
}

TEST_F(Limits, OfNewFlowsOfOneSourceLeaveTheOthersAlone)
{
    guard().source_flow_cost = aya_rate_cost(10);
    guard().flags = AYA_GUARD_REFUSES_FLOWS;
    EXPECT_EQ(count(100, AYA_REASON_SOURCE_FLOW_LIMIT, [&](u16 port) { return syn(port); }), 90);
    EXPECT_EQ(syn(1000, "198.51.100.8").reason, AYA_REASON_NONE);
    EXPECT_EQ(run("S", "198.51.100.8").notes, AYA_NOTE_NEW);
}

TEST_F(Limits, ThatOnlyCountChangeNothing)
{
    guard().flow_cost = aya_rate_cost(1);
    guard().packet_cost = aya_rate_cost(1);
    guard().flags = AYA_GUARD_REFUSES_FLOWS | AYA_GUARD_COUNTS;
    deny(kClient);
    for (u16 port = 1; port <= 10; port++) {
        const Outcome outcome = syn(port);
        EXPECT_EQ(outcome.reason, AYA_REASON_NONE);
        EXPECT_EQ(outcome.notes, AYA_NOTE_NEW);
    }
    EXPECT_EQ(totals.reasons[AYA_REASON_WOULD_REFUSE], 10u);
}

TEST_F(Limits, WhoIsRefusedIsNotedOnceInAWhile)
{
    deny(kClient);
    for (u16 port = 1; port <= 10; port++)
        syn(port);
    EXPECT_EQ(refusals.written, 1u);
    const aya_refusal &sample = refusals.sample[1];
    EXPECT_EQ(sample.number, 1u);
    EXPECT_EQ(sample.reason, AYA_REASON_DENIED);
    EXPECT_EQ(sample.service, web);
    EXPECT_FALSE(sample.is_let_in);
    EXPECT_EQ(aya_be16_to_cpu(sample.flow.src_port), 1);
    view.now_ns += AYA_REFUSAL_INTERVAL_NS;
    syn(77);
    EXPECT_EQ(refusals.written, 2u);
    for (int i = 0; i < 40; i++) {
        view.now_ns += AYA_REFUSAL_INTERVAL_NS;
        syn(78);
    }
    EXPECT_EQ(refusals.sample[42 % AYA_REFUSAL_SAMPLES].number, 42u) << "the ring begins again";
}

TEST_F(Limits, WithoutBucketsNothingIsLimited)
{
    guard().packet_cost = guard().source_packet_cost = guard().flow_cost = aya_rate_cost(1);
    view.buckets = nullptr;
    view.bucket_count = 0;
    view.source_buckets = nullptr;
    view.refusals = nullptr;
    EXPECT_EQ(count(100, AYA_REASON_NONE, [&](u16 port) { return syn(port); }), 100);
}

} // namespace
} // namespace aya::test::guard_test
