// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "aya/hash.h"
#include "table_builder.hpp"

namespace aya::test::hash_test
{
namespace
{

aya_hash_key key_of(u64 first, u64 second)
{
    const u64 seed[2] = {first, second};
    aya_hash_key key;
    aya_hash_key_init(&key, seed);
    return key;
}

aya_flow flow_of(const std::string &src, const std::string &dst, u16 src_port, u16 dst_port, u8 protocol)
{
    aya_flow flow{};
    std::copy_n(mapped_address(src).begin(), 4, flow.src);
    std::copy_n(mapped_address(dst).begin(), 4, flow.dst);
    flow.src_port = aya_cpu_to_be16(src_port);
    flow.dst_port = aya_cpu_to_be16(dst_port);
    flow.protocol = protocol;
    flow.family = src.find(':') == std::string::npos ? AYA_IPV4 : AYA_IPV6;
    return flow;
}

struct Golden {
    u64 seed[2];
    const char *src, *dst;
    u16 src_port, dst_port;
    u8 protocol;
    u64 hash;
};

// Computed from the formula of hash.h in another language. A change of any breaks the agreement of a fleet
// that is upgraded box by box: raise AYA_ABI_VERSION and say so in the release notes.
constexpr u64 kSeed[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr Golden kGolden[] = {
    {{0, 0}, "198.51.100.7", "203.0.113.10", 40000, 443, 6, 0x2c0549ba7260fe7b},
    {{0, 0}, "198.51.100.7", "203.0.113.10", 40000, 443, 17, 0x98300a2974b37812},
    {{0, 0}, "0.0.0.0", "255.255.255.255", 0, 65535, 6, 0x6783d9c6ff3fd489},
    {{0, 0}, "2001:db8:c::7", "2001:db8::10", 40000, 443, 6, 0xc1125796818d5230},
    {{kSeed[0], kSeed[1]}, "198.51.100.7", "203.0.113.10", 40000, 443, 6, 0xefd0dac886684ced},
    {{kSeed[0], kSeed[1]}, "198.51.100.7", "203.0.113.10", 40000, 443, 17, 0xf92a3344b81312ea},
    {{kSeed[0], kSeed[1]}, "0.0.0.0", "255.255.255.255", 0, 65535, 6, 0x842413f4c1191697},
    {{kSeed[0], kSeed[1]}, "2001:db8:c::7", "2001:db8::10", 40000, 443, 6, 0x8b2014069df4a0c3},
};

TEST(Hash, HasItsGoldenValues)
{
    for (const Golden &golden : kGolden) {
        const aya_hash_key key = key_of(golden.seed[0], golden.seed[1]);
        const aya_flow flow =
            flow_of(golden.src, golden.dst, golden.src_port, golden.dst_port, golden.protocol);
        EXPECT_EQ(aya_hash(&key, &flow), golden.hash) << golden.src;
    }
}

TEST(Hash, DependsOnEveryPartOfTheFlow)
{
    const aya_hash_key key = key_of(1, 2);
    const aya_flow base = flow_of("198.51.100.7", "203.0.113.10", 40000, 443, 6);
    const std::vector<aya_flow> others = {flow_of("198.51.100.8", "203.0.113.10", 40000, 443, 6),
                                          flow_of("198.51.100.7", "203.0.113.11", 40000, 443, 6),
                                          flow_of("198.51.100.7", "203.0.113.10", 40001, 443, 6),
                                          flow_of("198.51.100.7", "203.0.113.10", 40000, 444, 6),
                                          flow_of("198.51.100.7", "203.0.113.10", 40000, 443, 17),
                                          flow_of("203.0.113.10", "198.51.100.7", 40000, 443, 6),
                                          flow_of("198.51.100.7", "203.0.113.10", 443, 40000, 6)};
    for (const aya_flow &other : others)
        EXPECT_NE(aya_hash(&key, &base), aya_hash(&key, &other));
}

TEST(Hash, OfTheSourceIgnoresTheClientsPortAndNothingElse)
{
    const aya_hash_key key = key_of(1, 2);
    const aya_flow base = flow_of("198.51.100.7", "203.0.113.10", 40000, 443, 6);
    const aya_flow other_port = flow_of("198.51.100.7", "203.0.113.10", 40001, 443, 6);
    const aya_flow other_client = flow_of("198.51.100.8", "203.0.113.10", 40000, 443, 6);
    EXPECT_EQ(aya_hash_source(&key, &base, base.src), aya_hash_source(&key, &other_port, other_port.src));
    EXPECT_NE(aya_hash_source(&key, &base, base.src), aya_hash_source(&key, &other_client, other_client.src));
}

TEST(Hash, OfAFragmentIsThatOfThePacketThatItBelongsTo)
{
    const aya_hash_key key = key_of(1, 2);
    aya_packet first{}, later{};
    first.flow = flow_of("198.51.100.7", "203.0.113.10", 5000, 53, 17);
    later.flow = flow_of("198.51.100.7", "203.0.113.10", 0, 0, 17);
    first.fragment_id.raw = later.fragment_id.raw = 77;
    EXPECT_EQ(aya_hash_fragment(&key, &first), aya_hash_fragment(&key, &later));
    later.fragment_id.raw = 78;
    EXPECT_NE(aya_hash_fragment(&key, &first), aya_hash_fragment(&key, &later));
}

TEST(Hash, OfTwoSeedsHasNothingInCommon)
{
    const aya_hash_key a = key_of(1, 2), b = key_of(1, 3), c = key_of(2, 2);
    int ab = 0, ac = 0;
    constexpr int kFlows = 20000;
    for (int i = 0; i < kFlows; i++) {
        aya_flow flow = flow_of("198.51.100.7", "203.0.113.10", static_cast<u16>(i), 443, 6);
        const u32 slot = aya_slot(aya_hash(&a, &flow), 100);
        ab += slot == aya_slot(aya_hash(&b, &flow), 100);
        ac += slot == aya_slot(aya_hash(&c, &flow), 100);
    }
    // 200 expected, sigma 14.
    EXPECT_NEAR(ab, kFlows / 100.0, 85);
    EXPECT_NEAR(ac, kFlows / 100.0, 85);
}

// How far counts are from even, in standard deviations of what true random choice gives. Far below zero is
// fine: more even than random.
double unevenness(const std::vector<u32> &counts)
{
    double total = 0, chi = 0;
    for (u32 count : counts)
        total += count;
    const double expected = total / static_cast<double>(counts.size());
    for (u32 count : counts)
        chi += (count - expected) * (count - expected) / expected;
    const double freedom = static_cast<double>(counts.size() - 1);
    return (chi - freedom) / std::sqrt(2 * freedom);
}

using Clients = std::function<aya_flow(u32)>;

aya_flow ipv4_client(u32 address, u16 port)
{
    aya_flow flow = flow_of("0.0.0.0", "203.0.113.10", port, 443, 6);
    flow.src[3] = aya_cpu_to_be32(address);
    return flow;
}

aya_flow ipv6_client(u32 word, u32 value, u16 port)
{
    aya_flow flow = flow_of("2001:db8::", "2001:db8::10", port, 443, 6);
    flow.src[word] = aya_cpu_to_be32(value);
    return flow;
}

const std::map<std::string, Clients> &client_patterns()
{
    static const std::map<std::string, Clients> patterns = {
        {"one client, ports in sequence and a second address when they run out",
         [](u32 i) { return ipv4_client(0xc6336407 + (i >> 16), static_cast<u16>(i)); }},
        {"addresses in sequence, one port", [](u32 i) { return ipv4_client(0x0a000000 + i, 40000); }},
        {"one address in each /24", [](u32 i) { return ipv4_client(i << 8, 40000); }},
        {"even ports only",
         [](u32 i) { return ipv4_client(0x0a000000 + (i >> 15), static_cast<u16>(i << 1)); }},
        {"port follows the address", [](u32 i) { return ipv4_client(0x0a000000 + i, static_cast<u16>(i)); }},
        {"IPv6 interface ids in sequence", [](u32 i) { return ipv6_client(3, i, 40000); }},
        {"IPv6 prefixes in sequence", [](u32 i) { return ipv6_client(1, i, 40000); }},
    };
    return patterns;
}

TEST(Hash, SpreadsStructuredClientsAsEvenlyAsChanceOverSlots)
{
    constexpr u32 kFlows = 200000;
    for (const auto &[name, client] : client_patterns()) {
        for (u64 seed = 1; seed <= 4; seed++) {
            const aya_hash_key key = key_of(seed, ~seed);
            for (u32 slots : {10u, 1000u, 65537u}) {
                std::vector<u32> counts(slots);
                for (u32 i = 0; i < kFlows; i++) {
                    const aya_flow flow = client(i);
                    counts[aya_slot(aya_hash(&key, &flow), slots)]++;
                }
                EXPECT_LT(unevenness(counts), 6) << name << ", seed " << seed << ", " << slots << " slots";
            }
        }
    }
}

TEST(Hash, SpreadsStructuredClientsAsEvenlyAsChanceOverFlowSets)
{
    constexpr u32 kFlows = 200000, kSets = 4096;
    for (const auto &[name, client] : client_patterns()) {
        for (u64 seed = 1; seed <= 4; seed++) {
            const aya_hash_key key = key_of(seed, ~seed);
            std::vector<u32> counts(kSets);
            for (u32 i = 0; i < kFlows; i++) {
                const aya_flow flow = client(i);
                counts[aya_hash(&key, &flow) & (kSets - 1)]++;
            }
            EXPECT_LT(unevenness(counts), 6) << name << ", seed " << seed;
        }
    }
}

// Strong universality is about the choice of the key: over many keys, two fixed flows that differ in one bit
// agree in any output bit half of the time.
TEST(Hash, FlipsEveryOutputBitHalfOfTheTimeOverTheKeys)
{
    constexpr int kKeys = 2000;
    const aya_flow base = flow_of("198.51.100.7", "203.0.113.10", 40000, 443, 6);
    std::vector<aya_flow> near(4, base);
    near[0].src[3].raw ^= 1;
    near[1].src[3].raw ^= 0x80000000;
    near[2].src_port.raw ^= 0x0100;
    near[3].dst[3].raw ^= 0x00010000;
    for (const aya_flow &other : near) {
        std::vector<int> flips(64);
        for (u64 seed = 0; seed < kKeys; seed++) {
            const aya_hash_key key = key_of(seed, seed * 31);
            const u64 difference = aya_hash(&key, &base) ^ aya_hash(&key, &other);
            for (u32 bit = 0; bit < 64; bit++)
                flips[bit] += static_cast<int>((difference >> bit) & 1);
        }
        for (u32 bit = 0; bit < 64; bit++) // 1000 expected, sigma 22
            EXPECT_NEAR(flips[bit], kKeys / 2.0, 135) << "bit " << bit;
    }
}

TEST(Hash, RarelyGivesTwoFlowsTheSameTagAndSet)
{
    const aya_hash_key key = key_of(5, 6);
    std::set<u64> seen;
    for (u32 i = 0; i < 300000; i++) {
        const aya_flow flow = ipv4_client(0x0a000000 + i * 37, static_cast<u16>(i));
        seen.insert(aya_hash(&key, &flow));
    }
    EXPECT_EQ(seen.size(), 300000u) << "64 bits: one in 400 million runs would differ";
}

TEST(Hash, KeyScheduleGivesDistinctKeysAndAnOddMixer)
{
    for (u64 seed = 0; seed < 100; seed++) {
        const aya_hash_key key = key_of(seed, 0);
        std::set<u64> distinct;
        for (const auto &lane : key.lane)
            distinct.insert(std::begin(lane), std::end(lane));
        EXPECT_EQ(distinct.size(), 2u * AYA_HASH_LANE_KEYS);
        EXPECT_EQ(key.mixer & 1, 1u);
    }
}

TEST(Slot, IsAlwaysBelowTheSize)
{
    for (u32 size : {1u, 2u, 3u, 65537u, 0x7fffffffu, 0xffffffffu})
        for (u64 hash : {0ull, 1ull, 0xffffffffull, 0x100000000ull, 0x8000000000000000ull, ~0ull})
            EXPECT_LT(aya_slot(hash, size), size);
    EXPECT_EQ(aya_slot(0, 65537), 0u);
    EXPECT_EQ(aya_slot(~0ull, 65537), 65536u);
    EXPECT_EQ(aya_slot(~0ull, 0), 0u);
}

TEST(Slot, TakesEverySlotByTurns)
{
    std::vector<u32> counts(97);
    for (u64 high = 0; high < 9700; high++)
        counts[aya_slot((high * 0xffffffffull / 9700) << 32, 97)]++;
    for (u32 count : counts)
        EXPECT_NEAR(count, 100, 1);
}

TEST(VipHash, SpreadsNeighbouringVips)
{
    Tables tables;
    const aya_vip_hash_key &key = tables.settings().vip_key;
    for (const char *base : {"203.0.113.0", "2001:db8::", "2001:db8:0:0:1::"}) {
        std::vector<u32> counts(1024);
        auto address = mapped_address(base);
        const u32 start = aya_be32_to_cpu(address[3]);
        for (u32 i = 0; i < 8192; i++) {
            address[3] = aya_cpu_to_be32(start + i / 4);
            const u16 port = static_cast<u16>(8000 + i % 4);
            counts[aya_vip_hash(&key, address.data(), aya_cpu_to_be16(port), AYA_PROTO_TCP) & 1023]++;
        }
        EXPECT_LT(unevenness(counts), 6) << base;
    }
}

} // namespace
} // namespace aya::test::hash_test
