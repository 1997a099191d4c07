// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include "aya/forward.h"
#include "aya/reset.h"
#include "core_path.hpp"
#include "parsed.hpp"
#include "table_builder.hpp"

namespace aya::test::reset_test
{
namespace
{

constexpr const char *kClient = "198.51.100.7", *kVip = "203.0.113.10";
constexpr const char *kClient6 = "2001:db8:c::7", *kVip6 = "2001:db8::10";

struct Resets : ::testing::Test {
    Resets()
    {
        tables.add_service(
            {VipText(std::string(kVip) + ":443/tcp"), VipText("[" + std::string(kVip6) + "]:443/tcp")});
        tables.set_resets(true);
    }
    aya_reason classified(const Bytes &frame)
    {
        const Parsed parsed = parse(frame);
        u16 service = 0;
        return parsed.reason == AYA_REASON_NONE ? aya_classify(tables.view(), &parsed.packet, &service)
                                                : parsed.reason;
    }

    Tables tables;
};

TEST_F(Resets, AreForWhatOpensAConnectionThatNoServiceTakes)
{
    const auto to = [](u16 port, const char *flags) {
        return Packet().ipv4(kClient, kVip).tcp(40000, port, flags).build();
    };
    EXPECT_EQ(classified(to(81, "S")), AYA_REASON_REPLY_RESET);
    EXPECT_EQ(classified(Packet().ipv6(kClient6, kVip6).tcp(40000, 81, "S").build()), AYA_REASON_REPLY_RESET);
    EXPECT_EQ(classified(to(443, "S")), AYA_REASON_NONE);
    for (const char *flags : {"A", "SA", "R", "F", "RA", "SF"})
        EXPECT_EQ(classified(to(81, flags)), AYA_REASON_UNSERVED) << flags;
    EXPECT_EQ(classified(Packet().ipv4(kClient, kVip).udp(1, 81).build()), AYA_REASON_UNSERVED);
    EXPECT_EQ(classified(Packet().ipv4("127.0.0.1", kVip).tcp(1, 81, "S").build()), AYA_REASON_UNSERVED)
        << "nobody would get the answer";
    EXPECT_EQ(classified(Packet().ipv4(kClient, "192.0.2.1").tcp(1, 81, "S").build()),
              AYA_REASON_PUNT_NO_VIP);
    tables.set_local(kVip);
    EXPECT_EQ(classified(to(81, "S")), AYA_REASON_PUNT_NO_VIP) << "the kernel answers";
    tables.set_resets(false);
    EXPECT_EQ(classified(Packet().ipv6(kClient6, kVip6).tcp(1, 81, "S").build()), AYA_REASON_UNSERVED);
}

// RFC 9293 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>, and SYN counts as one.
TEST_F(Resets, AcknowledgeTheSynAndItsData)
{
    Bytes frame = Packet().vlan(7).ipv4(kClient, kVip).tcp(40000, 81, "S").payload(5).build();
    Parsed parsed = parse(frame);
    auto *tcp = reinterpret_cast<aya_tcp *>(frame.data() + 18 + 20);
    aya_store_be32(tcp->sequence, aya_cpu_to_be32(0xfffffffe));
    frame.resize(parsed.packet.l3_offset + aya_reset_length(&parsed.packet));
    tcp = reinterpret_cast<aya_tcp *>(frame.data() + 18 + 20);
    ASSERT_EQ(
        aya_reply_reset(frame.data(), frame.data() + frame.size(), &parsed.packet, AYA_REASON_REPLY_RESET),
        AYA_REASON_REPLY_RESET);
    EXPECT_EQ(aya_be32_to_cpu(aya_load_be32(tcp->acknowledgement)), 4u);
    EXPECT_EQ(aya_be32_to_cpu(aya_load_be32(tcp->sequence)), 0u);
    EXPECT_EQ(tcp->flags, AYA_TCP_RST | AYA_TCP_ACK);
    EXPECT_EQ(parse(frame).text(), "tcp 203.0.113.10:81 -> 198.51.100.7:40000");
}

// The same: <SEQ=SEG.ACK><CTL=RST>, which is what the client expects next and so takes: RFC 5961 3.2.
TEST_F(Resets, OfAConnectionContinueWhereTheClientExpects)
{
    Bytes frame = Packet().ipv6(kClient6, kVip6).tcp(40000, 443, "PA").payload(5).build();
    Parsed parsed = parse(frame);
    auto *tcp = reinterpret_cast<aya_tcp *>(frame.data() + 14 + 40);
    aya_store_be32(tcp->acknowledgement, aya_cpu_to_be32(0xfedcba98));
    frame.resize(parsed.packet.l3_offset + aya_reset_length(&parsed.packet));
    tcp = reinterpret_cast<aya_tcp *>(frame.data() + 14 + 40);
    ASSERT_EQ(aya_reply_reset(frame.data(), frame.data() + frame.size(), &parsed.packet,
                              AYA_REASON_REPLY_BACKEND_DOWN),
              AYA_REASON_REPLY_BACKEND_DOWN);
    EXPECT_EQ(aya_be32_to_cpu(aya_load_be32(tcp->sequence)), 0xfedcba98u);
    EXPECT_EQ(aya_be32_to_cpu(aya_load_be32(tcp->acknowledgement)), 0u);
    EXPECT_EQ(tcp->flags, AYA_TCP_RST);
    EXPECT_EQ(parse(frame).text(), "tcp [2001:db8::10]:443 -> [2001:db8:c::7]:40000");
}

TEST_F(Resets, AreNotForPacketsWithIpOptions)
{
    Bytes frame = Packet().ipv4(kClient, kVip).options(1).tcp(40000, 81, "S").build();
    const Parsed parsed = parse(frame);
    const auto answer = [&](aya_reason reply) {
        return aya_reply_reset(frame.data(), frame.data() + frame.size(), &parsed.packet, reply);
    };
    EXPECT_EQ(answer(AYA_REASON_REPLY_RESET), AYA_REASON_UNSERVED);
    EXPECT_EQ(answer(AYA_REASON_REPLY_BACKEND_DOWN), AYA_REASON_BACKEND_DOWN);
}

// A service that resets, with an established connection at a, and new ones going to b.
struct CutOff : ::testing::Test {
    CutOff()
    {
        tables.set_lookup(web, {a});
        run("S");
        run("A");
        tables.set_lookup(web, {b});
    }

    Outcome run(const char *flags)
    {
        return path.run(Packet().ipv4(kClient, kVip).tcp(40000, 443, flags).build());
    }

    Tables tables;
    u16 web = tables.add_service({VipText(std::string(kVip) + ":443/tcp")}, AYA_SERVICE_RESETS);
    u16 dns = tables.add_service({VipText(std::string(kVip) + ":53/udp")});
    u32 a = tables.add_backend(web);
    u32 b = tables.add_backend(web, {.mac = "02:00:00:00:0b:02"});
    CorePath path{tables.view()};
};

TEST_F(CutOff, FlowsOfADownBackendAreReset)
{
    EXPECT_EQ(run("A").backend, a);
    tables.take_down(a);
    EXPECT_EQ(run("A").reason, AYA_REASON_REPLY_BACKEND_DOWN);
    EXPECT_EQ(run("PA").reason, AYA_REASON_REPLY_BACKEND_DOWN) << "the first RST may have been lost";
    EXPECT_EQ(run("R").backend, b) << "never a RST for a RST";
    EXPECT_EQ(run("S").backend, b);
    EXPECT_EQ(run("A").backend, b) << "of the new connection";
}

TEST_F(CutOff, FlowsOfABackendWhoseIdHasAnotherServiceAreReset)
{
    tables.backend(a).service = dns;
    tables.backend(a).incarnation++;
    EXPECT_EQ(run("A").reason, AYA_REASON_REPLY_BACKEND_DOWN);
}

TEST_F(CutOff, FlowsOfABackendThatIsBackAreScheduled)
{
    tables.take_down(a);
    tables.backend(a).state = AYA_BACKEND_UP;
    EXPECT_EQ(run("A").backend, b);
}

} // namespace
} // namespace aya::test::reset_test
