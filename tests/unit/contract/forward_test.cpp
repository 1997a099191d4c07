// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include <set>

#include "core_path.hpp"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test::forward_test
{
namespace
{

constexpr const char *kClient = "198.51.100.7";
constexpr const char *kVip = "203.0.113.10";
constexpr const char *kClient6 = "2001:db8:c::7";
constexpr const char *kVip6 = "2001:db8::10";

Packet packet(const std::string &flags, u16 src_port = 40000)
{
    return Packet().ipv4(kClient, kVip).tcp(src_port, 443, flags);
}

Packet datagram(u16 src_port = 5000)
{
    return Packet().ipv4(kClient, kVip).udp(src_port, 53).payload(32);
}

// One web service on TCP and one DNS service on UDP, each with backends a and b; new flows go to a.
class Forward : public testing::Test
{
protected:
    Forward()
    {
        send_all_to(a);
        tables.set_lookup(dns, {dns_a});
    }

    void send_all_to(u32 backend) { tables.set_lookup(web, {backend}); }
    Outcome run(const Packet &packet) { return path.run(packet.build()); }

    void establish(u16 src_port = 40000)
    {
        run(packet("S", src_port));
        run(packet("A", src_port));
        ASSERT_EQ(path.entry_of(packet("A", src_port).build())->state, AYA_FLOW_ESTABLISHED);
    }

    Tables tables;
    u16 web = tables.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"});
    u16 dns = tables.add_service({"203.0.113.10:53/udp", "[2001:db8::10]:53/udp"});
    u32 a = tables.add_backend(web);
    u32 b = tables.add_backend(web, {.mac = "02:00:00:00:0b:02"});
    u32 dns_a = tables.add_backend(dns);
    u32 dns_b = tables.add_backend(dns, {.mac = "02:00:00:00:0b:02"});
    CorePath path{tables.view()};
};

TEST_F(Forward, GivesANewConnectionTheBackendOfItsSlot)
{
    std::vector<u32> slots(1000);
    for (u32 i = 0; i < slots.size(); i++)
        slots[i] = i % 3 ? a : b;
    tables.set_lookup(web, slots);
    for (u16 port = 1; port < 500; port++) {
        const Outcome got = run(packet("S", port));
        ASSERT_EQ(got.action, AYA_ACTION_FORWARD);
        const u64 hash = aya_flow_hash(&tables.settings(), &got.packet);
        EXPECT_EQ(got.backend, slots[(hash >> 32) * 1000 >> 32]);
        EXPECT_TRUE(got.notes & AYA_NOTE_NEW);
        EXPECT_EQ(got.service, web);
    }
}

TEST_F(Forward, KeepsAnOpenConnectionOnItsBackendWhenTheTableChanges)
{
    establish();
    send_all_to(b);
    const Outcome got = run(packet("A"));
    EXPECT_EQ(got.backend, a);
    EXPECT_EQ(got.notes, 0);
    EXPECT_EQ(run(packet("S", 40001)).backend, b);
}

TEST_F(Forward, KeepsTheFlowsOfADrainingBackendThere)
{
    establish();
    tables.backend(a).state = AYA_BACKEND_DRAINING;
    send_all_to(b);
    EXPECT_EQ(run(packet("A")).backend, a);
    EXPECT_EQ(run(packet("FA")).backend, a);
}

TEST_F(Forward, MovesTheFlowsOfADownBackend)
{
    establish();
    tables.take_down(a);
    send_all_to(b);
    const Outcome got = run(packet("A"));
    EXPECT_EQ(got.backend, b);
    EXPECT_EQ(got.notes, AYA_NOTE_RESCHEDULED | AYA_NOTE_NEW);
    EXPECT_EQ(run(packet("A")).notes, 0) << "the new choice is remembered";
}

TEST_F(Forward, DoesNotGiveItsOldFlowsBackToABackendThatReturns)
{
    establish();
    tables.take_down(a);
    tables.backend(a).state = AYA_BACKEND_UP;
    send_all_to(b);
    EXPECT_EQ(run(packet("A")).backend, b);
}

TEST_F(Forward, NeverFollowsAnEntryToTheNextOwnerOfABackendId)
{
    establish();
    tables.backend(a).service = dns;
    tables.backend(a).incarnation++;
    send_all_to(b);
    EXPECT_EQ(run(packet("A")).backend, b);
}

TEST_F(Forward, TreatsARepeatedSynAsARetransmission)
{
    run(packet("S"));
    send_all_to(b);
    const Outcome got = run(packet("S"));
    EXPECT_EQ(got.backend, a);
    EXPECT_EQ(got.notes, 0);
    EXPECT_EQ(path.entry_of(packet("S").build())->state, AYA_FLOW_EMBRYONIC);
}

TEST_F(Forward, GivesAConnectionThatItHasNotSeenToThePreviousTablesBackend)
{
    send_all_to(b); // a is the previous
    const Outcome got = run(packet("A"));
    EXPECT_EQ(got.backend, a);
    EXPECT_EQ(got.notes, AYA_NOTE_PREVIOUS | AYA_NOTE_NEW);
    EXPECT_EQ(run(packet("S", 40001)).backend, b) << "a new connection belongs to the new table";
}

TEST_F(Forward, AsksThePreviousTableAlsoForADrainingBackend)
{
    send_all_to(b);
    tables.backend(a).state = AYA_BACKEND_DRAINING;
    EXPECT_EQ(run(packet("A")).backend, a);
}

TEST_F(Forward, DoesNotAskThePreviousTableForADeadOrForeignBackend)
{
    send_all_to(b);
    tables.backend(a).service = dns;
    EXPECT_EQ(run(packet("A", 1)).backend, b);
    tables.backend(a).service = web;
    tables.backend(a).state = AYA_BACKEND_DOWN;
    const Outcome got = run(packet("A", 2));
    EXPECT_EQ(got.backend, b);
    EXPECT_EQ(got.notes, AYA_NOTE_NEW);
}

TEST_F(Forward, DoesNotAskAPreviousTableThatIsRetired)
{
    send_all_to(b);
    tables.service(web).previous_size = 0;
    EXPECT_EQ(run(packet("A")).backend, b);
}

TEST_F(Forward, DoesNotAskThePreviousTableForUdp)
{
    tables.set_lookup(dns, {dns_b});
    EXPECT_EQ(run(datagram()).backend, dns_b);
}

TEST_F(Forward, RemembersNothingForAStatelessService)
{
    tables.service(web).flags |= AYA_SERVICE_STATELESS;
    EXPECT_EQ(run(packet("S")).notes, 0);
    EXPECT_EQ(path.entry_of(packet("S").build()), nullptr);
}

TEST_F(Forward, DropsWhenTheServiceHasNoBackend)
{
    tables.service(web).lookup_size = 0;
    const Outcome got = run(packet("S"));
    EXPECT_EQ(got.action, AYA_ACTION_DROP);
    EXPECT_EQ(got.reason, AYA_REASON_NO_BACKEND);
    EXPECT_EQ(got.backend, AYA_BACKEND_NONE);
    EXPECT_EQ(got.notes, 0);
}

TEST_F(Forward, DropsWhenTheSlotNamesADeadBackend)
{
    establish(40001);
    tables.take_down(a);
    EXPECT_EQ(run(packet("S")).reason, AYA_REASON_NO_BACKEND);
    const Outcome got = run(packet("A", 40001));
    EXPECT_EQ(got.reason, AYA_REASON_NO_BACKEND);
    EXPECT_EQ(got.notes, 0) << "notes are about packets that went on";
}

TEST_F(Forward, SurvivesTableEntriesThatPointOutside)
{
    send_all_to(1u << 30);
    tables.service(web).previous_size = 0;
    EXPECT_EQ(run(packet("S")).reason, AYA_REASON_NO_BACKEND);
    tables.service(web).lookup_offset = 0xfffffff0;
    EXPECT_EQ(run(packet("S")).reason, AYA_REASON_NO_BACKEND);
    tables.vips()[0] = {};
    for (aya_vip &vip : tables.vips())
        vip.service = 60000;
    EXPECT_EQ(run(packet("S")).reason, AYA_REASON_INTERNAL);
}

TEST_F(Forward, DropsWhatCannotReachItsBackend)
{
    tables.backend(a).egress_port = AYA_PORT_NONE;
    const Outcome got = run(packet("S"));
    EXPECT_EQ(got.action, AYA_ACTION_DROP);
    EXPECT_EQ(got.reason, AYA_REASON_BACKEND_UNREACHABLE);
}

TEST_F(Forward, EndsLoopsByTheTtl)
{
    EXPECT_EQ(run(packet("S").ttl(2)).reason, AYA_REASON_NONE);
    EXPECT_EQ(run(packet("S").ttl(1)).reason, AYA_REASON_REPLY_TIME_EXCEEDED);
    EXPECT_EQ(run(packet("S").ttl(0)).reason, AYA_REASON_REPLY_TIME_EXCEEDED);
    EXPECT_EQ(run(Packet().ipv6(kClient6, kVip6).ttl(1).tcp(1, 443)).reason, AYA_REASON_REPLY_TIME_EXCEEDED);
}

TEST_F(Forward, AnswersPacketsThatDoNotFitTheWayToTheirBackend)
{
    tables.backend(a).mtu = 1480;
    EXPECT_EQ(run(packet("A").payload(1440)).reason, AYA_REASON_NONE);
    const Outcome got = run(packet("A").dont_fragment().payload(1441));
    EXPECT_EQ(got.action, AYA_ACTION_REPLY);
    EXPECT_EQ(got.reason, AYA_REASON_REPLY_TOO_BIG);
    EXPECT_EQ(run(Packet().ipv6(kClient6, kVip6).tcp(1, 443, "A").payload(1421)).reason,
              AYA_REASON_REPLY_TOO_BIG);
}

TEST_F(Forward, CountsByItselfWhatARouterWouldHaveFragmented)
{
    tables.backend(a).mtu = 1480;
    EXPECT_EQ(run(packet("A").payload(1441)).action, AYA_ACTION_REPLY);
    EXPECT_EQ(run(packet("A").payload(1441)).reason, AYA_REASON_REPLY_NO_DF);
}

TEST_F(Forward, CannotAskAnIpv6SenderForLessThan1280Bytes)
{
    tables.backend(a).mtu = 1240;
    const auto of_length = [&](std::size_t length) {
        return run(Packet().ipv6(kClient6, kVip6).tcp(1, 443, "A").payload(length - 60)).reason;
    };
    EXPECT_EQ(of_length(1240), AYA_REASON_NONE);
    EXPECT_EQ(of_length(1241), AYA_REASON_BELOW_IPV6_MINIMUM);
    EXPECT_EQ(of_length(1280), AYA_REASON_BELOW_IPV6_MINIMUM);
    EXPECT_EQ(of_length(1281), AYA_REASON_REPLY_TOO_BIG);
    EXPECT_EQ(run(packet("A").dont_fragment().payload(1201)).reason, AYA_REASON_REPLY_TOO_BIG) << "IPv4";
}

Packet icmp_error(u16 client_port = 40000)
{
    return Packet()
        .ipv4("192.0.2.254", kVip)
        .icmp(AYA_ICMP_UNREACHABLE, AYA_ICMP_FRAG_NEEDED, 1400)
        .payload(Packet().ipv4(kVip, kClient).tcp(443, client_port, "A").payload(80).build_ip());
}

TEST_F(Forward, SendsAnIcmpErrorAfterTheFlowThatItQuotes)
{
    establish();
    send_all_to(b);
    const Outcome got = run(icmp_error());
    EXPECT_EQ(got.action, AYA_ACTION_FORWARD);
    EXPECT_EQ(got.backend, a);
    EXPECT_EQ(got.notes, 0);
}

TEST_F(Forward, SendsAnIcmpErrorOfAnUnknownFlowWhereItsPacketsWouldGo)
{
    send_all_to(b);
    EXPECT_EQ(run(icmp_error()).backend, run(packet("A")).backend);
}

TEST_F(Forward, LearnsNothingFromIcmpErrors)
{
    run(icmp_error(1));
    EXPECT_EQ(path.entry_of(packet("A", 1).build()), nullptr);
    establish();
    const u16 expires = path.entry_of(packet("A").build())->expires;
    path.now++;
    run(icmp_error());
    EXPECT_EQ(path.entry_of(packet("A").build())->expires, expires) << "anyone can send one";
}

TEST_F(Forward, NeverAnswersAnIcmpErrorWithAnother)
{
    EXPECT_EQ(run(icmp_error().ttl(1)).reason, AYA_REASON_TTL_EXPIRED);
    tables.backend(a).mtu = 100;
    EXPECT_EQ(run(icmp_error()).reason, AYA_REASON_TOO_BIG);
}

// NICs spread by ports, which neither ICMP errors nor fragments show.
TEST_F(Forward, FollowsTheEntryOfAnotherQueueForWhatMayArriveAtAnyQueue)
{
    establish();
    run(datagram());
    const auto change_queues = [&] {
        path.sibling_flows() = path.flows();
        path.flows().assign(path.flows().size(), {});
    };
    change_queues();
    send_all_to(b);
    tables.service(web).previous_size = 0;
    tables.set_lookup(dns, {dns_b});
    const std::vector<aya_flow_set> before = path.sibling_flows();

    const Outcome error = run(icmp_error());
    EXPECT_EQ(error.backend, a);
    EXPECT_EQ(error.notes, 0);
    EXPECT_EQ(run(Packet().ipv4(kClient, kVip).fragment(7, 0, true).udp(5000, 53).payload(64)).backend,
              dns_a);
    EXPECT_EQ(run(Packet().ipv4(kClient, kVip).fragment(7, 72, false).protocol(17).payload(64)).backend,
              dns_a);
    EXPECT_EQ(run(packet("A")).backend, b) << "its queue is known";
    EXPECT_EQ(std::memcmp(before.data(), path.sibling_flows().data(), before.size() * sizeof(before[0])), 0)
        << "the other queue writes there";

    change_queues();
    tables.take_down(a);
    EXPECT_EQ(run(icmp_error()).backend, b) << "an entry without its backend is none";
}

Packet fragment_first(u32 id)
{
    return Packet().ipv4(kClient, kVip).fragment(id, 0, true).udp(5000, 53).payload(64);
}

Packet fragment_later(u32 id)
{
    return Packet().ipv4(kClient, kVip).fragment(id, 72, false).protocol(17).payload(64);
}

TEST_F(Forward, SendsFragmentsAfterTheirFirst)
{
    EXPECT_EQ(run(fragment_first(1)).backend, dns_a);
    tables.set_lookup(dns, {dns_b});
    const Outcome got = run(fragment_later(1));
    EXPECT_EQ(got.action, AYA_ACTION_FORWARD);
    EXPECT_EQ(got.backend, dns_a);
    EXPECT_EQ(got.service, dns) << "counted for the service of the first fragment";
}

TEST_F(Forward, SendsIpv6FragmentsAfterTheirFirst)
{
    run(Packet().ipv6(kClient6, kVip6).fragment(9, 0, true).udp(5000, 53).payload(64));
    tables.set_lookup(dns, {dns_b});
    Packet later = Packet().ipv6(kClient6, kVip6).fragment(9, 72, false).protocol(17).payload(64);
    EXPECT_EQ(run(later).backend, dns_a);
}

TEST_F(Forward, DropsAFragmentWhoseFirstIsNotKnown)
{
    EXPECT_EQ(run(fragment_later(1)).reason, AYA_REASON_FRAGMENT);
    run(fragment_first(1));
    EXPECT_EQ(run(fragment_later(2)).reason, AYA_REASON_FRAGMENT);
    tables.take_down(dns_a);
    const Outcome got = run(fragment_later(1));
    EXPECT_EQ(got.reason, AYA_REASON_FRAGMENT) << "its backend is gone, and with it the first fragment";
    EXPECT_EQ(got.notes, 0);
}

TEST_F(Forward, LeavesFragmentsForOtherAddressesToTheKernel)
{
    Packet later = Packet().ipv4(kClient, "203.0.113.99").fragment(1, 72, false).protocol(17).payload(64);
    EXPECT_EQ(run(later).reason, AYA_REASON_PUNT_NO_VIP);
}

TEST_F(Forward, GivesFragmentsOfNoKnownFlowToAKernelThatHasTheAddress)
{
    tables.set_local(kVip);
    EXPECT_EQ(run(fragment_later(1)).reason, AYA_REASON_PUNT_FRAGMENT);
    run(fragment_first(2));
    EXPECT_EQ(run(fragment_later(2)).action, AYA_ACTION_FORWARD) << "its first fragment was not the kernel's";
}

TEST_F(Forward, ForgetsFragmentsSoon)
{
    run(fragment_first(1));
    path.now = static_cast<u16>(path.now + AYA_FRAGMENT_IDLE);
    EXPECT_EQ(run(fragment_later(1)).reason, AYA_REASON_FRAGMENT);
}

TEST_F(Forward, PicksByTheClientsAddressWhereTheServiceWantsAffinity)
{
    std::vector<u32> slots;
    for (u32 i = 0; i < 100; i++)
        slots.push_back(tables.add_backend(web));
    tables.set_lookup(web, slots);
    std::set<u32> without, with;
    for (u16 port = 1; port < 50; port++)
        without.insert(run(packet("S", port)).backend);
    tables.service(web).flags |= AYA_SERVICE_AFFINITY_SOURCE;
    for (u16 port = 1000; port < 1050; port++)
        with.insert(run(packet("S", port)).backend);
    EXPECT_GT(without.size(), 20u);
    EXPECT_EQ(with.size(), 1u);
}

TEST_F(Forward, PicksByThePrefixOfTheClientsAddressWhereTheServiceHasOne)
{
    std::vector<u32> slots;
    for (u32 i = 0; i < 100; i++)
        slots.push_back(tables.add_backend(web));
    tables.set_lookup(web, slots);
    tables.service(web).flags |= AYA_SERVICE_AFFINITY_SOURCE;
    tables.service(web).source_ignored_ipv4 = aya_cpu_to_be32(0xff);
    tables.service(web).source_ignored_ipv6[2] = tables.service(web).source_ignored_ipv6[3] =
        aya_cpu_to_be32(0xffffffff);
    const auto backends = [&](const std::string &begin, const std::string &end) {
        std::set<u32> got;
        for (int i = 1; i < 50; i++) {
            const std::string client = begin + std::to_string(i) + end;
            const bool is_v6 = client.find(':') != std::string::npos;
            Packet one = is_v6 ? Packet().ipv6(client, kVip6) : Packet().ipv4(client, kVip);
            got.insert(run(one.tcp(40000, 443, "S")).backend);
        }
        return got.size();
    };
    EXPECT_EQ(backends("198.51.100.", ""), 1u);
    EXPECT_GT(backends("198.51.", ".7"), 20u);
    EXPECT_EQ(backends("2001:db8:c:1::", ""), 1u);
    EXPECT_GT(backends("2001:db8:c:", "::7"), 20u);
}

TEST_F(Forward, KeepsOpenConnectionsApartAlsoUnderAffinity)
{
    tables.service(web).flags |= AYA_SERVICE_AFFINITY_SOURCE;
    establish();
    send_all_to(b);
    EXPECT_EQ(run(packet("A")).backend, a);
    EXPECT_EQ(run(packet("S", 40001)).backend, b);
}

TEST_F(Forward, WalksATcpFlowThroughItsStates)
{
    const auto entry = [&] { return path.entry_of(packet("S").build()); };
    const auto expects = [&](u8 state) {
        EXPECT_EQ(entry()->state, state);
        EXPECT_EQ(entry()->expires, static_cast<u16>(path.now + tables.service(web).idle_timeout[state]));
    };
    run(packet("S"));
    expects(AYA_FLOW_EMBRYONIC);
    for (const auto &[flags, state] : std::vector<std::pair<std::string, u8>>{{"A", AYA_FLOW_ESTABLISHED},
                                                                              {"PA", AYA_FLOW_ESTABLISHED},
                                                                              {"FA", AYA_FLOW_CLOSING},
                                                                              {"A", AYA_FLOW_CLOSING},
                                                                              {"PA", AYA_FLOW_ESTABLISHED},
                                                                              {"R", AYA_FLOW_CLOSING}}) {
        path.now++;
        run(packet(flags));
        expects(state);
    }
}

TEST_F(Forward, WalksAUdpFlowThroughItsStates)
{
    run(datagram());
    EXPECT_EQ(path.entry_of(datagram().build())->state, AYA_FLOW_EMBRYONIC);
    run(datagram());
    EXPECT_EQ(path.entry_of(datagram().build())->state, AYA_FLOW_DATAGRAM);
    EXPECT_EQ(path.entry_of(datagram().build())->expires,
              static_cast<u16>(path.now + tables.service(dns).idle_timeout[AYA_FLOW_DATAGRAM]));
}

TEST_F(Forward, FindsInTheSameBurstWhatAnEarlierPacketRemembered)
{
    const Bytes frame = packet("S").build();
    aya_packet parsed{};
    ASSERT_EQ(aya_parse(frame.data(), frame.data() + frame.size(), static_cast<u32>(frame.size()), &parsed),
              AYA_REASON_NONE);
    const u64 hash = aya_flow_hash(&tables.settings(), &parsed);
    aya_flow_set *set = path.set_of(hash);
    aya_verdict first, second;
    // Both looked up before either was chosen, as a burst does.
    aya_choose(tables.view(), &parsed, web, hash, set, nullptr, path.now, &first);
    send_all_to(b);
    aya_choose(tables.view(), &parsed, web, hash, set, nullptr, path.now, &second);
    EXPECT_EQ(first.notes, AYA_NOTE_NEW);
    EXPECT_EQ(second.backend_id, a);
    EXPECT_EQ(second.notes, 0);

    // And an entry that now belongs to another flow is not followed.
    aya_flow_entry *entry = aya_flow_locate(set, hash, web);
    aya_flow_write(entry, ~hash, web, dns_b, 1, AYA_FLOW_ESTABLISHED, static_cast<u16>(path.now + 100));
    aya_choose(tables.view(), &parsed, web, hash, set, entry, path.now, &second);
    EXPECT_EQ(second.backend_id, b);
}

TEST_F(Forward, RemembersNothingWithoutAFlowSet)
{
    const Bytes frame = packet("A").build();
    aya_packet parsed{};
    ASSERT_EQ(aya_parse(frame.data(), frame.data() + frame.size(), static_cast<u32>(frame.size()), &parsed),
              AYA_REASON_NONE);
    aya_verdict verdict;
    aya_choose(tables.view(), &parsed, web, aya_flow_hash(&tables.settings(), &parsed), nullptr, nullptr,
               path.now, &verdict);
    EXPECT_EQ(verdict.backend_id, a);
    EXPECT_EQ(verdict.notes, 0);
}

// A table of 256 ways, three quarters full with established flows.
class Flood : public Forward
{
protected:
    Flood()
    {
        for (const char *flags : {"S", "A"})
            for (u16 port = 1; port <= 200; port++)
                path.run(packet(flags, port).build());
        for (u16 port = 1; port <= 200; port++) {
            aya_flow_entry *entry = path.entry_of(packet("A", port).build());
            if (entry && entry->state == AYA_FLOW_ESTABLISHED)
                remembered.push_back(port);
        }
        send_all_to(b); // who is forgotten, is seen
        tables.service(web).previous_size = 0;
    }

    void expect_none_lost()
    {
        for (u16 port : remembered)
            EXPECT_EQ(run(packet("A", port)).backend, a) << "client port " << port;
    }

    std::vector<u16> remembered;
    CorePath path{tables.view(), 64};
    Outcome run(const Packet &packet) { return path.run(packet.build()); }
};

TEST_F(Flood, OfSynsEvictsNoEstablishedFlow)
{
    ASSERT_GT(remembered.size(), 120u);
    u32 not_remembered = 0;
    for (u32 i = 0; i < 20000; i++) {
        const std::string attacker = "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) +
                                     "." + std::to_string(i & 255);
        const Outcome got = run(Packet().ipv4(attacker, kVip).tcp(static_cast<u16>(i), 443, "S"));
        ASSERT_EQ(got.action, AYA_ACTION_FORWARD);
        not_remembered += (got.notes & AYA_NOTE_NOT_REMEMBERED) != 0;
    }
    EXPECT_GT(not_remembered, 0u)
        << "some sets are full of established flows; their SYNs are forwarded all the same";
    expect_none_lost();
}

TEST_F(Flood, OfDatagramsEvictsNoEstablishedFlow)
{
    for (u32 i = 0; i < 20000; i++)
        ASSERT_EQ(run(Packet().ipv4("10.1.1.1", kVip).udp(static_cast<u16>(i), 53).payload(8)).action,
                  AYA_ACTION_FORWARD);
    expect_none_lost();
}

TEST_F(Flood, IsSeenInTheNotes)
{
    u32 evicted = 0;
    for (u16 port = 1000; port < 3000; port++)
        evicted += (run(packet("S", port)).notes & AYA_NOTE_EVICTED) != 0;
    EXPECT_GT(evicted, 1000u);
}

TEST(Action, IsThatOfTheReasonsRow)
{
#define AYA_X(symbol, action, name, help) \
    EXPECT_EQ(aya_action_of(AYA_REASON_##symbol), AYA_ACTION_##action) << name;
    AYA_REASONS(AYA_X)
#undef AYA_X
}

TEST(Action, IsTheOneThatTheReasonsNameAnnounces)
{
    EXPECT_EQ(aya_action_of(AYA_REASON_NONE), AYA_ACTION_FORWARD);
    EXPECT_EQ(aya_action_of(AYA_REASON_PUNT_NOT_IP), AYA_ACTION_PUNT);
    EXPECT_EQ(aya_action_of(AYA_REASON_PUNT_MULTICAST), AYA_ACTION_PUNT);
    EXPECT_EQ(aya_action_of(AYA_REASON_REPLY_ECHO), AYA_ACTION_REPLY);
    EXPECT_EQ(aya_action_of(AYA_REASON_REPLY_TOO_BIG), AYA_ACTION_REPLY);
    EXPECT_EQ(aya_action_of(AYA_REASON_TRUNCATED), AYA_ACTION_DROP);
    EXPECT_EQ(aya_action_of(AYA_REASON_PUNT_FULL), AYA_ACTION_DROP);
    EXPECT_EQ(aya_action_of(AYA_REASON_INTERNAL), AYA_ACTION_DROP);
    EXPECT_EQ(aya_action_of(AYA_REASON_FLOW_NEW), AYA_ACTION_FORWARD);
}

} // namespace
} // namespace aya::test::forward_test
