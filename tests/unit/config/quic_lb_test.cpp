// SPDX-License-Identifier: BSD-2-Clause
// The keys of QUIC-LB, and the files that hold its keys.
#include "config/quic_lb.hpp"

#include "config/edit.hpp"
#include "config/merge.hpp"
#include "config/state.hpp"

#include "support.hpp"
#include "temporary_directory.hpp"

#include <filesystem>
#include <fstream>

namespace aya::test::quic_lb_test
{

namespace
{

// A service with these configurations and backends.
std::string with_quic(const std::string &configs, const std::string &backends)
{
    return with("/services/1",
                OrderedJson::parse(R"({ "name": "quic", "encap": "ipip", "vips": ["203.0.113.20:443/udp"],
        "quic_lb": )" + configs + R"(, "backends": )" +
                                   backends + "}"));
}

const std::string kOne = R"([{"config_id": 0, "server_id_length": 4, "nonce_length": 4}])";
const std::string kTwoBackends =
    R"([{"name": "a", "address": "10.0.2.1"}, {"name": "b", "address": "10.0.2.2"}])";
const std::string kAt = "/services/1";

// A file with this text and mode.
std::string file_with(const TemporaryDirectory &directory, const std::string &text, unsigned mode = 0600)
{
    std::string path = directory / "key";
    std::filesystem::remove(path);
    std::ofstream(path) << text;
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
    return path;
}

std::string with_key(const std::string &path)
{
    return with_quic(R"([{"config_id": 0, "server_id_length": 4, "nonce_length": 4, "key_file": ")" + path +
                         R"("}])",
                     kTwoBackends);
}

} // namespace

TEST(QuicLb, ServerIdsAreGivenOrTheEndOfTheAddress)
{
    const auto config = parse_config(with_quic(
        R"([{"config_id": 3, "server_id_length": 3, "nonce_length": 16}])",
        R"([{"name": "a", "address": "10.0.2.1"}, {"name": "b", "address": "10.0.2.2", "server_id": "ED793a"},
                      {"name": "c", "address": "2001:db8::1:203"}])"));
    ASSERT_TRUE(config) << ::testing::PrintToString(errors_of(config));
    const auto &backends = config->services[1].backends;
    EXPECT_EQ(hex_of(server_id_of(backends[0], 3)), "000201");
    EXPECT_EQ(hex_of(server_id_of(backends[0], 5)), "000a000201");
    EXPECT_EQ(hex_of(server_id_of(backends[1], 3)), "ed793a");
    EXPECT_EQ(hex_of(server_id_of(backends[2], 3)), "010203");
    EXPECT_EQ(to_json(*config)["services"][1]["backends"][1]["server_id"], "ed793a");
}

TEST(QuicLb, WhatDoesNotFitTogetherIsRefused)
{
    const auto expect = [](const std::string &text, const std::string &error) {
        EXPECT_EQ(error_of(text), kAt + error);
    };
    expect(with_quic(R"([{"config_id": 0, "server_id_length": 9, "nonce_length": 11}])", kTwoBackends),
           "/quic_lb/0/nonce_length: found 11 with the server_id_length 9; allowed: at most 10, so that both "
           "take 19 octets at most");
    expect(with_quic(R"([{"config_id": 7, "server_id_length": 4, "nonce_length": 4}])", kTwoBackends),
           "/quic_lb/0/config_id: found 7; allowed: a whole number from 0 to 6");
    expect(with_quic(R"([{"config_id": 0, "server_id_length": 4, "nonce_length": 3}])", kTwoBackends),
           "/quic_lb/0/nonce_length: found 3; allowed: a whole number from 4 to 18");
    expect(with_quic(R"([{"config_id": 2, "server_id_length": 4, "nonce_length": 4},
                         {"config_id": 2, "server_id_length": 4, "nonce_length": 5}])",
                     kTwoBackends),
           "/quic_lb/1/config_id: found 2, which /services/1/quic_lb/0/config_id already has; allowed: each "
           "once");
    expect(with_quic(kOne, R"([{"name": "a", "address": "10.0.2.1", "server_id": "0102"}])"),
           "/backends/0/server_id: found \"0102\" of 2 octets; allowed: 4 octets, as "
           "/services/1/quic_lb/0/server_id_length says");
    expect(with_quic(kOne, R"([{"name": "a", "address": "10.0.2.1"},
                               {"name": "b", "address": "10.0.2.2", "server_id": "0a000201"}])"),
           "/backends/1/server_id: found \"0a000201\", which backend \"a\" has, too; required: a server_id "
           "of its own, or a longer server_id_length");
    expect(
        with_quic(R"([{"config_id": 0, "server_id_length": 1, "nonce_length": 4}])",
                  R"([{"name": "a", "address": "10.0.2.1"}, {"name": "b", "address": "10.0.3.1"}])"),
        "/backends/1/server_id: absent, and the address \"10.0.3.1\" ends with the server id \"01\", which "
        "backend \"a\" has, too; required: a server_id of its own, or a longer server_id_length");
    expect(with_quic("[]", R"([{"name": "a", "address": "10.0.2.1", "server_id": "01"}])"),
           "/backends/0/server_id: found \"01\"; allowed only with quic_lb");
    expect(with_quic(kOne, R"([{"name": "a", "address": "10.0.2.1", "server_id": "012"}])"),
           "/backends/0/server_id: found \"012\"; allowed: 2 to 30 hex digits, two for each octet");
}

TEST(QuicLb, NeedsAUdpVip)
{
    OrderedJson service = OrderedJson::parse(with_quic(kOne, kTwoBackends))["services"][1];
    service["vips"] = {"203.0.113.20:443/tcp"};
    EXPECT_EQ(error_of(with(kAt, service)),
              kAt + "/quic_lb: found configurations, but no UDP VIP; allowed only with one, such as "
                    "\"203.0.113.10:443/udp\"");
}

TEST(QuicLb, AKeyIsReadAndNeverWritten)
{
    const TemporaryDirectory directory;
    const std::string key = "8f95f09245765f80256934e50c66207f";
    for (const char *end : {"", "\n"}) {
        const auto config = parse_config(with_key(file_with(directory, key + end)));
        ASSERT_TRUE(config) << ::testing::PrintToString(errors_of(config));
        const auto &file = config->services[1].quic_lb[0].key_file;
        EXPECT_EQ(hex_of(file->key.value()), key);
        const std::string written = to_json(*config).dump();
        EXPECT_EQ(written.find(key), std::string::npos);
        EXPECT_NE(written.find(file->path), std::string::npos);
    }
}

TEST(QuicLb, AnotherKeyInTheSameFileIsAnotherConfiguration)
{
    const TemporaryDirectory directory;
    const auto before = parse_config(with_key(file_with(directory, "8f95f09245765f80256934e50c66207f")));
    const auto after = parse_config(with_key(file_with(directory, "00112233445566778899aabbccddeeff")));
    ASSERT_TRUE(before && after);
    EXPECT_FALSE(*before == *after);
    const auto changes = diff(*before, *after);
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(to_string(changes[0]), "change service quic: key of config id 0 old key -> new key");
}

// A service "quic" whose key's file is not there any more.
class QuicLbKeys : public ::testing::Test
{
protected:
    QuicLbKeys()
    {
        const TemporaryDirectory directory;
        config = parse_config(with_key(file_with(directory, "8f95f09245765f80256934e50c66207f"))).value();
        file = last = running = config;
        path = quic(config).quic_lb[0].key_file->path;
    }

    static ServiceConfig &quic(Config &config) { return config.services[1]; }
    static std::optional<KeyFile> key_of(const Result<Config> &config)
    {
        return config ? config->services[1].quic_lb[0].key_file : std::nullopt;
    }
    Result<Config> merged() const { return merge(last.services, file, running.services); }

    // As a restart finds them.
    void restart()
    {
        const auto state = parse_state(format_state({last.services, running.services}));
        ASSERT_TRUE(state) << ::testing::PrintToString(errors_of(state));
        last.services = state->last_applied;
        running.services = state->running;
    }

    Config config, file, last, running;
    std::string path;
};

TEST_F(QuicLbKeys, OfOldConfigurationsAreNotNeeded)
{
    restart();
    EXPECT_EQ(key_of(merged()), key_of(config)) << "from the configuration file, where it has just been read";
    quic(file).quic_lb.clear();
    const auto result = merged();
    ASSERT_TRUE(result) << ::testing::PrintToString(errors_of(result));
    EXPECT_TRUE(result->services[1].quic_lb.empty());
}

TEST_F(QuicLbKeys, SurviveAMerge)
{
    quic(file).panic_threshold = 20;
    quic(running).lookup_size = 251;
    EXPECT_EQ(key_of(merged()), key_of(config));
    quic(file).quic_lb[0].key_file->key->fill(7); // rotated
    EXPECT_EQ(key_of(merged()), key_of(file));
    restart();
    EXPECT_EQ(key_of(merged()), key_of(file));
}

TEST_F(QuicLbKeys, ThatAMergeNeedsAndCannotReadAreAnError)
{
    file.services.pop_back();
    last.services.pop_back(); // the service was added at run time
    EXPECT_TRUE(merged());
    restart();
    EXPECT_EQ(places_of(merged(), {"in the configuration merged with", path}),
              Lines{"/services/1/quic_lb/0/key_file in the configuration merged with " + path});
}

TEST_F(QuicLbKeys, AreReadByAnEditOnlyIfTheyAreNew)
{
    const auto patch = [&](const std::string &key_file) {
        return patch_service(config, "quic",
                             R"({"quic_lb": [{"config_id": 1, "server_id_length": 4, "nonce_length": 12,
                                              "key_file": ")" +
                                 key_file + R"("}]})");
    };
    EXPECT_EQ(key_of(patch(path)), key_of(config));
    EXPECT_EQ(places_of(patch(path + "2"), {path + "2"}), Lines{"/quic_lb/0/key_file " + path + "2"});
}

TEST(QuicLb, AFileThatHoldsNoKeyIsRefused)
{
    const TemporaryDirectory directory;
    const std::string path = directory / "key", at = kAt + "/quic_lb/0/key_file: found \"" + path + "\" (";
    const std::string allowed = "); allowed: the absolute path of a file with 32 hex digits that only its "
                                "owner and group can read";
    EXPECT_EQ(error_of(with_key(path)), at + "No such file or directory" + allowed);
    const std::string no_digits = at + "does not hold 32 hex digits" + allowed;
    for (const char *text : {"", "8f95f09245765f80256934e50c66207", "8f95f09245765f80256934e50c66207f00",
                             "8f95f09245765f80256934e50c66207g"})
        EXPECT_EQ(error_of(with_key(file_with(directory, text))), no_digits) << text;
    EXPECT_EQ(error_of(with_key(file_with(directory, "8f95f09245765f80256934e50c66207f", 0644))),
              at + "readable or writable by all users; run: chmod o= " + path + allowed);
    EXPECT_TRUE(parse_config(with_key(file_with(directory, "8f95f09245765f80256934e50c66207f", 0640))));
    for (const char *other : {"key", R"(/k\u0001)"})
        EXPECT_NE(error_of(with_key(other)).find("\"; allowed: the absolute path"), std::string::npos)
            << other;
    EXPECT_NE(error_of(with_key(directory.path().string())).find("(not a regular file)"), std::string::npos);
}

} // namespace aya::test::quic_lb_test
