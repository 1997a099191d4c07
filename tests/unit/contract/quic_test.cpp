// SPDX-License-Identifier: BSD-2-Clause
// Reading of connection ids: the vectors of FIPS 197 and of the draft, and all lengths against a second
// implementation, that of the control plane, which works octet by octet as the draft describes it.
#include "aya/quic.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "bytes.hpp"
#include "config/quic_lb.hpp"

namespace aya::test::quic_test
{
namespace
{

aya_block block_of(const Bytes &bytes)
{
    aya_block block;
    std::memcpy(&block, bytes.data(), sizeof(block));
    return block;
}

std::string text_of(const aya_block &block)
{
    Bytes bytes(sizeof(block));
    std::memcpy(bytes.data(), &block, sizeof(block));
    return hex_of(bytes);
}

TEST(Aes, IsThatOfTheStandard)
{
    const Bytes key = hex_bytes("000102030405060708090a0b0c0d0e0f");
    const std::string plain = "00112233445566778899aabbccddeeff", cipher = "69c4e0d86a7b0430d8cdb78070b4c55a";
    aya_aes_keys encrypt, decrypt;
    aya_id_scratch scratch;
    aya_aes_expand(&encrypt, key.data());
    aya_aes_invert(&decrypt, &encrypt);
    EXPECT_EQ(encrypt.words[40], 0x7f1d1113u) << "FIPS 197 C.1 ends with the round key 13111d7f...";
    EXPECT_EQ(text_of(aya_aes_crypt(&encrypt, block_of(hex_bytes(plain)), 0, &scratch)), cipher);
    EXPECT_EQ(text_of(aya_aes_crypt(&decrypt, block_of(hex_bytes(cipher)), 1, &scratch)), plain);
}

// The server id in `id` by the packet path.
std::string decoded(const aya_quic_config &config, Bytes id)
{
    id.resize(AYA_QUIC_WINDOW, 0xee);
    aya_id_scratch scratch;
    std::copy(id.begin(), id.end(), scratch.id);
    return text_of(aya_quic_server_id(&config, &scratch)).substr(2 * (16 - config.server_id_length));
}

QuicLbConfig config_of(std::size_t server_id_length, std::size_t nonce_length, const Bytes &key)
{
    QuicLbConfig config{.config_id = 0,
                        .server_id_length = static_cast<u8>(server_id_length),
                        .nonce_length = static_cast<u8>(nonce_length),
                        .key_file = std::nullopt};
    if (!key.empty())
        std::copy(key.begin(), key.end(), config.key_file.emplace().key.emplace().begin());
    return config;
}

struct Row {
    u8 config_id;
    const char *server_id, *nonce, *id;
    bool has_key = true;
};

// "Load Balancer Test Vectors" of draft-ietf-quic-load-balancers; the fourth with the config id that its id
// has, the last two from google/quiche, as the draft's second one without a key cannot be.
constexpr Row kRows[] = {
    {0, "ed793a", "ee080dbf", "0720b1d07b359d3c"},
    {1, "ed793a51d49b8f5fab65", "ee080dbf48", "2fcc381bc74cb4fbad2823a3d1f8fed2"},
    {2, "ed793a51d49b8f5f", "ee080dbf48c0d1e5", "504dd2d05a7b0de9b2b9907afb5ecf8cc3"},
    {0, "ed793a51d49b8f5fab", "ee080dbf48c0d1e55d", "125779c9cc86beb3a3a4a3ca96fce4bfe0cdbc"},
    {0, "c4605e", "4504cc4f", "07c4605e4504cc4f", false},
    {0, "ed793a", "8049718a", "07ed793a8049718a", false},
    {1, "ed793a51d49b8f5f", "8e9853fe93", "2ded793a51d49b8f5f8e9853fe93", false}};

TEST(QuicIds, AreThoseOfTheDraft)
{
    for (const Row &row : kRows) {
        const Bytes server_id = hex_bytes(row.server_id), nonce = hex_bytes(row.nonce);
        const Bytes key = row.has_key ? hex_bytes("8f95f09245765f80256934e50c66207f") : Bytes{};
        QuicLbConfig config = config_of(server_id.size(), nonce.size(), key);
        config.config_id = row.config_id;
        EXPECT_EQ(hex_of(make_quic_id(config, server_id, nonce)), row.id);
        EXPECT_EQ(decoded(quic_entry(config), hex_bytes(row.id)), row.server_id) << row.id;
    }
}

TEST(QuicIds, OfTheDraftsWorkedExample)
{
    const QuicLbConfig config = config_of(3, 4, hex_bytes("fdf726a9893ec05c0632d3956680baf0"));
    EXPECT_EQ(hex_of(make_quic_id(config, hex_bytes("31441a"), hex_bytes("9c69c275"))), "0767947d29be054a");
    EXPECT_EQ(decoded(quic_entry(config), hex_bytes("0767947d29be054a")), "31441a");
}

TEST(QuicIds, OfAllLengthsAreReadAsTheyWereMade)
{
    std::mt19937 random(1);
    const auto bytes = [&](std::size_t length) {
        Bytes made(length);
        for (u8 &byte : made)
            byte = static_cast<u8>(random());
        return made;
    };
    for (std::size_t server_id_length = 1; server_id_length <= kLongestServerId; server_id_length++)
        for (std::size_t nonce_length = kShortestNonce; server_id_length + nonce_length <= kLongestQuicId;
             nonce_length++)
            for (const bool has_key : {false, true, true, true}) {
                const QuicLbConfig config =
                    config_of(server_id_length, nonce_length, has_key ? bytes(16) : Bytes{});
                const Bytes server_id = bytes(server_id_length);
                const Bytes id = make_quic_id(config, server_id, bytes(nonce_length));
                EXPECT_EQ(id.size(), 1 + server_id_length + nonce_length);
                EXPECT_EQ(decoded(quic_entry(config), id), hex_of(server_id))
                    << server_id_length << " + " << nonce_length;
            }
}

} // namespace
} // namespace aya::test::quic_test
