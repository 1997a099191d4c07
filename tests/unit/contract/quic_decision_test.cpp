// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include "core_path.hpp"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test::quic_decision_test
{
namespace
{

const std::string kKey = "8f95f09245765f80256934e50c66207f";

// Ids with config id 0 are in clear; those with 1 are encrypted, with the draft's key and vector.
const std::string kOfA = "07000001ee080dbf", kOfB = "07ed793aee080dbf", kOfNobody = "07000009ee080dbf";
const std::string kEncryptedOfB = "2720b1d07b359d3c";
const std::string kUnroutable = "e7ed793aee080dbf", kNoConfig = "c7ed793aee080dbf";

Bytes short_header(const std::string &id, std::size_t rest = 24)
{
    Bytes payload = hex_bytes("40" + id);
    payload.resize(payload.size() + rest, 0x55);
    return payload;
}

Bytes long_header(const std::string &id)
{
    Bytes payload = hex_bytes("c000000001");
    payload.push_back(static_cast<u8>(id.size() / 2));
    append(payload, hex_bytes(id));
    payload.resize(1200, 0x55);
    return payload;
}

Packet from(u16 port, const Bytes &payload)
{
    return Packet().ipv4("198.51.100.7", "203.0.113.10").udp(port, 443).payload(payload);
}

// New flows go to a.
class QuicDecision : public testing::Test
{
protected:
    QuicDecision()
    {
        tables.set_lookup(web, {a});
        tables.add_quic(web, 0, 3, 4);
        tables.add_quic(web, 1, 3, 4, kKey);
        tables.set_server_id(a, "000001");
        tables.set_server_id(b, "ed793a");
    }

    Outcome run(const Packet &packet) { return path.run(packet.build()); }
    Outcome run(u16 port, const Bytes &payload) { return run(from(port, payload)); }
    aya_flow_entry *entry(u16 port) { return path.entry_of(from(port, short_header(kOfA)).build()); }

    Tables tables;
    u16 web = tables.add_service({"203.0.113.10:443/udp", "203.0.113.10:443/tcp", "[2001:db8::10]:443/udp"});
    u32 a = tables.add_backend(web);
    u32 b = tables.add_backend(web, {.mac = "02:00:00:00:0b:02"});
    CorePath path{tables.view()};
};

TEST_F(QuicDecision, GoesToTheBackendThatTheIdNames)
{
    for (const std::string &id : {kOfB, kEncryptedOfB}) {
        for (const Bytes &payload : {short_header(id), long_header(id)}) {
            const Outcome got = run(static_cast<u16>(40000 + payload.size()), payload);
            EXPECT_EQ(got.action, AYA_ACTION_FORWARD);
            EXPECT_EQ(got.backend, b);
        }
    }
    const Outcome got =
        run(Packet().ipv6("2001:db8:c::7", "2001:db8::10").udp(1, 443).payload(short_header(kOfB)));
    EXPECT_EQ(got.backend, b);
}

TEST_F(QuicDecision, OtherIdsGoByTheirFlow)
{
    const struct {
        Bytes payload;
        u32 notes;
    } kCases[] = {
        {short_header(kUnroutable), 0},
        {long_header(""), 0}, // the rest begins with 0x55
        {short_header(kNoConfig), AYA_NOTE_QUIC_NO_CONFIG},
        {long_header("07ed793aee080d"), AYA_NOTE_QUIC_NO_CONFIG}, // an octet short
        {short_header(kOfNobody), AYA_NOTE_QUIC_NO_SERVER},
        {short_header(kOfB, 11), 0}, // too short to be QUIC
        {{}, 0},
    };
    u16 port = 1000;
    for (const auto &[payload, notes] : kCases) {
        const Outcome got = run(port++, payload);
        EXPECT_EQ(got.backend, a);
        EXPECT_EQ(got.notes, notes | AYA_NOTE_NEW) << port;
    }
    EXPECT_EQ(run(port, short_header(kOfB, 12)).backend, b) << "just long enough";
}

TEST_F(QuicDecision, TcpAndFragmentsHaveNoIds)
{
    const Packet tcp =
        Packet().ipv4("198.51.100.7", "203.0.113.10").tcp(1, 443, "A").payload(short_header(kOfB));
    EXPECT_EQ(run(tcp).backend, a);
    Packet first = Packet().ipv4("198.51.100.7", "203.0.113.10").fragment(7, 0, true).udp(1, 443);
    EXPECT_EQ(run(first.payload(short_header(kOfB))).backend, a);
}

TEST_F(QuicDecision, AnotherServiceKeepsToItsFlows)
{
    const u16 other = tables.add_service({"203.0.113.11:443/udp"});
    const u32 own = tables.add_backend(other);
    tables.set_lookup(other, {own});
    const Packet packet =
        Packet().ipv4("198.51.100.7", "203.0.113.11").udp(1, 443).payload(short_header(kOfB));
    EXPECT_EQ(run(packet).backend, own);
    tables.add_quic(other, 0, 3, 4);
    EXPECT_EQ(run(packet).backend, own) << "b is not its own";
}

TEST_F(QuicDecision, AConnectionKeepsItsBackendFromAnotherAddress)
{
    EXPECT_EQ(run(40000, long_header(kUnroutable)).backend, a) << "the client made this id up";
    tables.set_lookup(web, {b});
    EXPECT_EQ(run(40000, short_header(kOfA)).notes, 0) << "its flow, too, says so";
    const Outcome moved = run(50000, short_header(kOfA));
    EXPECT_EQ(moved.backend, a);
    EXPECT_EQ(moved.notes, AYA_NOTE_QUIC_BY_ID | AYA_NOTE_NEW);
    EXPECT_EQ(run(50000, short_header(kOfA)).notes, 0);
    EXPECT_EQ(run(50000, short_header(kUnroutable)).backend, a) << "a stateless reset follows the flow";
    EXPECT_EQ(entry(50000)->state, AYA_FLOW_DATAGRAM);
}

TEST_F(QuicDecision, AnIdOfAnotherBackendLeavesTheFlowAlone)
{
    run(40000, long_header(kUnroutable));
    const Outcome other = run(40000, short_header(kOfB));
    EXPECT_EQ(other.backend, b);
    EXPECT_EQ(other.notes, AYA_NOTE_QUIC_BY_ID);
    EXPECT_EQ(entry(40000)->backend, a);
    EXPECT_EQ(run(40000, long_header(kUnroutable)).backend, a);
}

TEST_F(QuicDecision, AnExpiredFlowBecomesThatOfTheId)
{
    run(40000, long_header(kUnroutable));
    path.now = static_cast<u16>(path.now + 100);
    EXPECT_EQ(run(40000, short_header(kOfB)).notes, AYA_NOTE_QUIC_BY_ID | AYA_NOTE_NEW);
    EXPECT_EQ(entry(40000)->backend, b);
}

TEST_F(QuicDecision, ADrainingBackendKeepsItsConnections)
{
    tables.backend(b).state = AYA_BACKEND_DRAINING;
    EXPECT_EQ(run(40000, short_header(kOfB)).backend, b);
}

TEST_F(QuicDecision, AConnectionReturnsWithItsBackend)
{
    run(40000, short_header(kOfB));
    tables.take_down(b);
    const Outcome down = run(40000, short_header(kOfB));
    EXPECT_EQ(down.backend, a);
    EXPECT_TRUE(down.notes & AYA_NOTE_QUIC_NO_SERVER);
    tables.backend(b).state = AYA_BACKEND_UP;
    EXPECT_EQ(run(40000, short_header(kOfB)).backend, b);
}

TEST_F(QuicDecision, WhatIsNotForwardedIsNotRemembered)
{
    EXPECT_EQ(run(from(40000, short_header(kOfB)).ttl(1)).reason, AYA_REASON_REPLY_TIME_EXCEEDED);
    tables.backend(b).egress_port = AYA_PORT_NONE;
    EXPECT_EQ(run(40000, short_header(kOfB)).reason, AYA_REASON_BACKEND_UNREACHABLE);
    EXPECT_EQ(entry(40000), nullptr);
}

TEST_F(QuicDecision, AStatelessServiceRemembersNothing)
{
    tables.service(web).flags |= AYA_SERVICE_STATELESS;
    EXPECT_EQ(run(40000, short_header(kOfB)).backend, b);
    EXPECT_EQ(entry(40000), nullptr);
}

// A full set: an id finds its backend without an entry, so that others may take the entry's place.
TEST_F(QuicDecision, AFlowWithIdsYieldsItsPlace)
{
    CorePath small(tables.view(), 1);
    for (u16 port = 1; port <= 4; port++)
        for (int packets = 0; packets < 2; packets++) {
            small.run(from(port, short_header(kOfB)).build());
            small.now++;
        }
    small.now = static_cast<u16>(small.now + AYA_FLOW_GRACE);
    tables.set_lookup(web, {a});
    Packet syn = Packet().ipv4("198.51.100.7", "203.0.113.10").tcp(1, 443, "S");
    tables.set_lookup(web, {b}); // and the previous table says a: the SYN needs a place
    EXPECT_TRUE(small.run(syn.build()).notes & AYA_NOTE_EVICTED);
    EXPECT_EQ(small.run(from(1, short_header(kOfB)).build()).backend, b);
}

TEST_F(QuicDecision, OldAndNewKeysAreReadSideBySide)
{
    EXPECT_EQ(run(1, short_header(kEncryptedOfB)).backend, b);
    EXPECT_EQ(run(2, short_header(kOfB)).backend, b);
    tables.add_quic(web, 1, 3, 4, "00112233445566778899aabbccddeeff");
    EXPECT_EQ(run(3, short_header(kEncryptedOfB)).backend, a) << "under another key it names nobody";
}

} // namespace
} // namespace aya::test::quic_decision_test
