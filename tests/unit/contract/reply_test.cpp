// SPDX-License-Identifier: BSD-2-Clause
//
// What leaves must be, byte for byte, what the packet builder makes of the same description, and a judge that
// shares no code with the rewriting must find nothing wrong.
#include <gtest/gtest.h>

#include "frame_judge.hpp"
#include "rewriting.hpp"

namespace aya::test::reply_test
{
namespace
{

TEST(Reply, ToAnEchoRequestIsItsEcho)
{
    World world(0);
    for (int family : {4, 6}) {
        for (int vlans : {0, 1, 2}) {
            for (std::size_t payload : {0, 1, 56, 1472}) {
                const Case c{family, 0, false, vlans, payload, 0, false};
                Packet request = link(c, kOwnMac, kRouterMac), reply = link(c, kRouterMac, kOwnMac);
                ip(request, family, pick(kClient, family), pick(kVip, family)).ttl(13).tos(0x10);
                ip(reply, family, pick(kVip, family), pick(kClient, family)).ttl(64).tos(0x10);
                const u8 ask = family == 4 ? AYA_ICMP_ECHO : AYA_ICMPV6_ECHO;
                const u8 answer = family == 4 ? AYA_ICMP_ECHO_REPLY : AYA_ICMPV6_ECHO_REPLY;
                const Outcome got = world.path.run(request.icmp(ask, 0, 0x12340001).payload(payload).build());
                ASSERT_EQ(got.reason, AYA_REASON_REPLY_ECHO);
                ASSERT_EQ(got.out, reply.icmp(answer, 0, 0x12340001).payload(payload).build());
            }
        }
    }
}

TEST(Reply, ToAnEchoRequestHasARightChecksumWhateverItWas)
{
    World world(0);
    for (u32 rest = 0; rest <= 0xffff; rest++) {
        const Outcome got =
            world.path.run(Packet().ipv4(kClient[0], kVip[0]).icmp(AYA_ICMP_ECHO, 0, rest).build());
        ASSERT_EQ(FrameJudge::complaint(got.out), "") << rest;
    }
}

TEST(Reply, ToAnEchoRequestOfAnyCodeHasCodeZero)
{
    World world(0);
    for (u8 code : std::initializer_list<u8>{1, 0x80, 0xff}) {
        Packet four = Packet().ipv4(kClient[0], kVip[0]).icmp(AYA_ICMP_ECHO, code, 5).payload(8);
        Packet six = Packet().ipv6(kClient[1], kVip[1]).icmp(AYA_ICMPV6_ECHO, code, 5).payload(8);
        for (const Packet &packet : {four, six}) {
            const Bytes out = world.path.run(packet.build()).out;
            EXPECT_EQ(out.at(out.size() - 15), 0);
            EXPECT_EQ(FrameJudge::complaint(out), "");
        }
    }
}

TEST(Reply, ToADamagedEchoRequestIsSeenAsDamaged)
{
    World world(0);
    Bytes frame = Packet().ipv4(kClient[0], kVip[0]).icmp(AYA_ICMP_ECHO).payload(16).build();
    frame.back() ^= 1;
    EXPECT_NE(FrameJudge::complaint(world.path.run(frame).out), "") << "a wrong checksum is not made right";
}

Packet expected_error(const Case &c, const Bytes &quoted, u8 type, u8 code, u32 rest)
{
    Packet packet = link(c, kRouterMac, kOwnMac);
    ip(packet, c.inner, pick(kVip, c.inner), pick(kClient, c.inner));
    if (c.inner == 4)
        packet.id(0).dont_fragment();
    return packet.icmp(type, code, rest).payload(quoted);
}

std::size_t quoted_length(std::size_t ip_length)
{
    return (ip_length < 128 ? ip_length : 128) / 4 * 4;
}

TEST(Reply, ToAPacketWhoseTtlRanOutQuotesIt)
{
    for (const Case &c : cases()) {
        if (c.outer)
            continue;
        World world(0);
        Packet in = link(c, kOwnMac, kRouterMac);
        const Bytes packet = client_packet(in, c, 1).build_ip();
        const Outcome got = world.path.run(in.build());
        ASSERT_EQ(got.reason, AYA_REASON_REPLY_TIME_EXCEEDED);
        const Bytes quoted = slice(packet, 0, quoted_length(packet.size()));
        ASSERT_EQ(got.out, expected_error(c, quoted, c.inner == 4 ? 11 : 3, 0, 0).build())
            << c.inner << ", " << c.vlans << " tags, payload " << c.payload;
        ASSERT_EQ(FrameJudge::complaint(got.out), "");
    }
}

TEST(Reply, ToAPacketThatDoesNotFitSaysWhatWould)
{
    for (int inner : {4, 6}) {
        for (const auto &[outer, gue] : kWays) {
            World world(Way{outer, gue}, 1400);
            const Case c{inner, outer, gue, 0, 1400, 0, false};
            Packet in = link(c, kOwnMac, kRouterMac);
            const Bytes packet = client_packet(in, c, 64).build_ip();
            const Outcome got = world.path.run(in.build());
            ASSERT_EQ(got.reason, inner == 4 ? AYA_REASON_REPLY_NO_DF : AYA_REASON_REPLY_TOO_BIG);
            const u32 fits = 1400u - (outer == 0 ? 0u : outer == 4 ? 20u : 40u) - (gue ? 8u : 0u);
            const Bytes quoted = slice(packet, 0, 128);
            EXPECT_EQ(got.out,
                      expected_error(c, quoted, inner == 4 ? 3 : 2, inner == 4 ? 4 : 0, fits).build());
        }
    }
}

TEST(Reply, NeverAsksForLessThanEveryIpv6LinkTakes)
{
    World world(Way{6, true}, 1300);
    const Case c{6, 6, true, 0, 1400, 0, false};
    Packet in = link(c, kOwnMac, kRouterMac);
    const Bytes packet = client_packet(in, c, 64).build_ip();
    EXPECT_EQ(world.path.run(in.build()).out,
              expected_error(c, slice(packet, 0, 128), 2, 0, AYA_IPV6_MIN_MTU).build());
}

TEST(Reply, IsRefusedIfTheBufferHoldsLessThanItQuotes)
{
    World world(0);
    const Bytes frame = Packet().ipv4(kClient[0], kVip[0]).ttl(1).tcp(1, 443).payload(200).build();
    EXPECT_EQ(world.path.run(frame, 14 + 128).reason, AYA_REASON_REPLY_TIME_EXCEEDED);
    EXPECT_EQ(world.path.run(frame, 14 + 127).reason, AYA_REASON_TRUNCATED);
}

TEST(Reply, ThatIsRefusedHasAReasonOfItsOwn)
{
    EXPECT_EQ(aya_reply_refused(AYA_REASON_REPLY_ECHO), AYA_REASON_REPLY_LIMIT);
    EXPECT_EQ(aya_reply_refused(AYA_REASON_REPLY_TIME_EXCEEDED), AYA_REASON_TTL_EXPIRED);
    EXPECT_EQ(aya_reply_refused(AYA_REASON_REPLY_TOO_BIG), AYA_REASON_TOO_BIG);
    EXPECT_EQ(aya_reply_refused(AYA_REASON_REPLY_NO_DF), AYA_REASON_TOO_BIG);
}

bool allowed_by(aya_limit &limit, u64 now_ns)
{
    return aya_take_token(&limit, now_ns, AYA_REPLIES_PER_SECOND, AYA_REPLIES_BURST);
}

TEST(ReplyLimit, AllowsABurstThenItsRate)
{
    aya_limit limit{};
    const u64 start = 5'000'000'000'000;
    int allowed = 0;
    for (int i = 0; i < 1000; i++)
        allowed += allowed_by(limit, start);
    EXPECT_EQ(allowed, AYA_REPLIES_BURST);
    for (u64 ms = 1; ms <= 1000; ms++)
        for (int i = 0; i < 10; i++)
            allowed += allowed_by(limit, start + ms * 1'000'000);
    EXPECT_EQ(allowed, AYA_REPLIES_BURST + AYA_REPLIES_PER_SECOND);
}

TEST(ReplyLimit, DoesNotSaveUpMoreThanABurst)
{
    aya_limit limit{};
    allowed_by(limit, 1'000'000'000);
    int allowed = 0;
    for (int i = 0; i < 1000; i++)
        allowed += allowed_by(limit, 3'600'000'000'000);
    EXPECT_EQ(allowed, AYA_REPLIES_BURST);
}

TEST(ReplyLimit, EarnsNothingWhileTheClockIsBehind)
{
    aya_limit limit{.refilled_ns = 5'000'000'000, .tokens = 1};
    EXPECT_TRUE(allowed_by(limit, 4'996'000'000));
    EXPECT_FALSE(allowed_by(limit, 4'996'000'000));
    EXPECT_FALSE(allowed_by(limit, 5'000'000'000));
    EXPECT_TRUE(allowed_by(limit, 5'001'000'000));
}

TEST(ReplyLimit, CountsTimeBetweenRepliesInFull)
{
    aya_limit limit{};
    u64 now = 1'000'000'000;
    while (allowed_by(limit, now))
        ;
    int allowed = 0;
    for (int i = 0; i < 20000; i++) // every 0.3 ms: an interval is no multiple of that
        allowed += allowed_by(limit, now += 300'000);
    EXPECT_NEAR(allowed, 6000, 1);
}

// Asks for replies of all kinds, as one worker does.
struct Limits {
    bool allows(aya_reason reply, u32 client, u64 now_ns = 1'000'000'000)
    {
        aya_packet packet{};
        packet.flow.src[3].raw = client;
        return aya_reply_allowed(&limits, reply, &tables.settings().hash_key, &packet, now_ns);
    }

    void exhaust(aya_reason reply, u32 client)
    {
        while (allows(reply, client))
            ;
    }

    Tables tables;
    aya_limits limits{};
};

TEST(ReplyLimits, NoKindTakesFromAnother)
{
    constexpr aya_reason kReplies[] = {AYA_REASON_REPLY_ECHO, AYA_REASON_REPLY_TIME_EXCEEDED,
                                       AYA_REASON_REPLY_TOO_BIG};
    for (const aya_reason one : kReplies) {
        Limits limits;
        limits.exhaust(one, 1);
        for (const aya_reason other : kReplies)
            EXPECT_EQ(limits.allows(other, 1), other != one);
    }
}

TEST(ReplyLimits, ASourceThatAsksForTooMuchLeavesOthersTheirTooBig)
{
    Limits limits;
    limits.exhaust(AYA_REASON_REPLY_TOO_BIG, 1);
    u32 answered = 0;
    for (u32 client = 2; client < 1002; client++)
        answered += limits.allows(AYA_REASON_REPLY_TOO_BIG, client, 1'000'000'000 + u64{client} * 10'000'000);
    EXPECT_GT(answered, 950u) << "but those that share its budget";
}

} // namespace
} // namespace aya::test::reply_test
