// SPDX-License-Identifier: BSD-2-Clause
//
// What is read of eight packets at once is what aya/plain.h reads of each.
#include <gtest/gtest.h>

#include "plain_lanes.hpp"
#include "random_packets.hpp"
#include "table_builder.hpp"

namespace aya::test
{
namespace
{

void compare_lanes(const std::array<Bytes, kLanes> &packets, const aya_settings &settings, u32 &plain_packets)
{
    static constexpr u8 kShort[AYA_PLAIN_HEADERS] = {};
    const u8 *frames[kLanes];
    u32 room[kLanes];
    for (u32 i = 0; i < kLanes; i++) {
        const bool is_long = packets[i].size() >= AYA_PLAIN_HEADERS;
        frames[i] = is_long ? packets[i].data() : kShort;
        room[i] = is_long ? static_cast<u32>(packets[i].size() - sizeof(aya_eth)) : 0;
    }
    PlainLanes lanes{};
    read_plain_lanes(frames, room, settings.hash_key, lanes);
    for (u32 i = 0; i < kLanes; i++) {
        const u8 *begin = packets[i].data(), *end = begin + packets[i].size();
        const aya_stations anyone{};
        aya_plain plain{};
        const bool is_group = begin[0] & 1; // left to the caller, as the destination MAC is
        const bool is_plain = !is_group && aya_plain_read_ipv4(begin, end, &anyone, &plain);
        ASSERT_TRUE(is_group || is_plain == (lanes.is_plain >> i & 1));
        if (!is_plain)
            continue;
        plain_packets++;
        ASSERT_EQ(aya_plain_goes_on(&plain) != 0, (lanes.goes_on >> i & 1) != 0);
        ASSERT_EQ(aya_plain_opens(&plain) != 0, (lanes.opens >> i & 1) != 0);
        ASSERT_EQ(plain.l3_length, lanes.l3_length[i]);
        ASSERT_EQ(aya_plain_vip(&plain), lanes.vip[i]);
        ASSERT_EQ(aya_plain_hash_ipv4(&settings, &plain), lanes.hash[i]);
    }
}

TEST(Lanes, ReadWhatThePlainReaderReads)
{
    const Tables tables;
    RandomPackets packets(
        3, {.ipv4 = {"203.0.113.10", "127.0.0.1"}, .ipv6 = {"2001:db8::10"}, .ports = {443, 80}});
    u32 plain_packets = 0;
    for (u32 n = 0; n < 40'000 && !::testing::Test::HasFatalFailure(); n++) {
        std::array<Bytes, kLanes> group;
        for (Bytes &packet : group)
            packet = packets.next();
        compare_lanes(group, *tables.view()->settings, plain_packets);
    }
    EXPECT_GT(plain_packets, 20'000u);
}

// Each bit of the words that are looked at, turned in a packet that is plain.
TEST(Lanes, JudgeEachBitOfTheHeadersAsThePlainReaderDoes)
{
    const Tables tables;
    u32 plain_packets = 0;
    for (const bool is_tcp : {true, false}) {
        Packet packet;
        packet.ipv4("198.51.100.7", "203.0.113.10");
        const Bytes frame =
            (is_tcp ? packet.tcp(40000, 443, "A") : packet.udp(40000, 443).payload(12)).build();
        for (u32 bit = 12 * 8; bit < 48 * 8 && !::testing::Test::HasFatalFailure(); bit++) {
            std::array<Bytes, kLanes> group;
            group.fill(frame);
            group[bit % kLanes][bit / 8] ^= static_cast<u8>(1u << bit % 8);
            compare_lanes(group, *tables.view()->settings, plain_packets);
        }
    }
    EXPECT_GT(plain_packets, 4000u);
}

} // namespace
} // namespace aya::test
