// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include "aya/checksum.h"
#include "aya/encap.h"
#include "packet_builder.hpp"

namespace aya::test::checksum_test
{
namespace
{

TEST(Checksum, StaysRightWhenTheTtlIsLowered)
{
    // Every checksum that a header can have, and every TTL.
    for (u32 id = 0; id <= 0xffff; id++) {
        Bytes header = slice(Packet()
                                 .ipv4("198.51.100.7", "203.0.113.10")
                                 .id(static_cast<u16>(id))
                                 .ttl(static_cast<u8>(1 + id % 255))
                                 .build_ip(),
                             0, 20);
        aya_decrement_ttl_ipv4(reinterpret_cast<aya_ipv4 *>(header.data()));
        const u16 checksum = get16(header, 10);
        put16(header, 10, 0);
        ASSERT_EQ(checksum, naive_checksum(header)) << "id " << id;
        ASSERT_EQ(header[8], id % 255);
    }
}

TEST(Checksum, UpdatedForOneWordIsThatOfAllWords)
{
    Bytes bytes = {0x12, 0x34, 0, 0, 0xff, 0xff, 0x00, 0x01};
    for (u32 from = 0; from <= 0xffff; from += 5) {
        for (u32 to : {0u, 1u, 0x1234u, 0xfffeu, 0xffffu}) {
            put16(bytes, 2, from);
            const u16 before = naive_checksum(bytes);
            put16(bytes, 2, to);
            const u16 after =
                aya_checksum_update(aya_cpu_to_be16(before).raw, aya_cpu_to_be16(static_cast<u16>(from)).raw,
                                    aya_cpu_to_be16(static_cast<u16>(to)).raw);
            ASSERT_EQ(aya_be16_to_cpu({after}), naive_checksum(bytes)) << from << " to " << to;
        }
    }
}

TEST(Checksum, FoldsAnySum)
{
    for (u32 sum : {0u, 1u, 0xffffu, 0x10000u, 0x1ffffu, 0xfffeffffu, 0xffffffffu}) {
        u64 naive = sum;
        while (naive > 0xffff)
            naive = (naive & 0xffff) + (naive >> 16);
        EXPECT_EQ(aya_checksum_fold(sum), static_cast<u16>(~naive)) << sum;
    }
}

} // namespace
} // namespace aya::test::checksum_test
