// SPDX-License-Identifier: BSD-2-Clause
#include "api_fixture.hpp"

#include <set>

namespace aya::test::quic_ids_test
{
namespace
{

const std::string kQuic = R"({
  "seed": "000102030405060708090a0b0c0d0e0f",
  "services": [ { "name": "web", "vips": ["203.0.113.10:443/udp"], "lookup_size": 251, "QUIC": 0,
                  "backends": [ { "name": "one", "address": "10.0.1.1", "server_id": "ed793a" },
                                { "name": "two", "address": "10.0.1.2" } ] } ] })";

std::string quic_config(const std::string &configs)
{
    return replaced(kQuic, R"("QUIC": 0)", R"("quic_lb": )" + configs);
}

const std::string kPlain = R"({ "config_id": 0, "server_id_length": 3, "nonce_length": 4 })";
const std::string kLonger = R"({ "config_id": 5, "server_id_length": 3, "nonce_length": 8 })";
const std::string kPath = "/v1/services/web/backends/one/quic_ids";

TEST(QuicIdCalls, MakeIdsThatExplainTakesApart)
{
    ApiBench bench(quic_config("[" + kPlain + "]"));
    const auto made = bench.done(verb::post, kPath, R"({"nonce": "ee080dbf"})");
    EXPECT_EQ(made.dump(), R"({"config_id":0,"server_id":"ed793a","ids":["07ed793aee080dbf"]})");

    const auto ask = [&](const std::string &id) {
        return bench.done(
            verb::post, "/v1/explain",
            R"({"source": "198.51.100.7:4000", "destination": "203.0.113.10:443/udp", "quic_id": ")" + id +
                R"("})");
    };
    const auto text_of = [](const OrderedJson &answer) {
        for (const auto &step : answer["steps"])
            if (step["step"] == "connection id")
                return step["text"].get<std::string>();
        return std::string();
    };
    const auto named = ask("07ed793aee080dbf");
    EXPECT_EQ(named["backend"], "one");
    EXPECT_EQ(text_of(named).substr(0, 43), "config id 0, server id ed793a: backend one ");
    const std::string by_flow = "; the packet goes by its flow";
    EXPECT_EQ(text_of(ask("07ed793bee080dbf")), "config id 0, server id ed793b of no live backend" + by_flow);
    EXPECT_EQ(text_of(ask("e7ed793aee080dbf")), "config id 7, which names no server" + by_flow);
    EXPECT_EQ(text_of(ask("27ed793aee080dbf")),
              "config id 1, of which the service has no configuration" + by_flow);
    EXPECT_EQ(text_of(ask("07ed793aee080d")), "of 7 octets; config id 0 needs 8" + by_flow);
}

TEST(QuicIdCalls, NoncesAreRandom)
{
    ApiBench bench(quic_config("[" + kLonger + "]"));
    const auto made = bench.done(verb::post, kPath, R"({"count": 100})");
    std::set<std::string> ids;
    for (const auto &id : made["ids"]) {
        EXPECT_EQ(id.get<std::string>().substr(0, 8), "abed793a");
        ids.insert(id);
    }
    EXPECT_EQ(ids.size(), 100u);
}

TEST(QuicIdCalls, WhatCannotBeMadeIsRefused)
{
    ApiBench bench(quic_config("[" + kPlain + ", " + kLonger + "]"));
    const auto refused = [&](const std::string &body) { return bench.refused(verb::post, kPath, body, 400); };
    EXPECT_EQ(refused(""), "/config_id: missing; required: a config id of the service: 0, 5");
    EXPECT_EQ(refused(R"({"config_id": 1})"),
              "/config_id: found 1; allowed: a config id of the service: 0, 5");
    EXPECT_EQ(refused(R"({"config_id": 5, "nonce": "ee080dbf"})"),
              "/nonce: found 4 octets; allowed: 8, the nonce_length of config id 5");
    EXPECT_EQ(refused(R"({"config_id": 0, "nonce": "ee080dbf", "count": 2})"),
              "/count: found 2 with a nonce; allowed: 1");
    EXPECT_NE(refused(R"({"config_id": 0, "nonce": "xx"})"), "");
    EXPECT_EQ(bench.refused(verb::post, "/v1/services/web/backends/three/quic_ids", "", 404),
              ": no backend \"three\" in service \"web\"; existing backends: \"one\", \"two\"");
}

TEST(QuicIdCalls, AServiceWithoutQuicLbHasNone)
{
    ApiBench bench;
    EXPECT_EQ(bench.refused(verb::post, kPath, "", 400),
              ": service \"web\" has no quic_lb; set it in the configuration");
    EXPECT_EQ(bench.refused(verb::post, "/v1/explain",
                            R"({"source": "198.51.100.7:4000", "destination": "203.0.113.10:80/tcp",
                                "quic_id": "07"})",
                            400),
              "/quic_id: found \"07\" with the destination \"203.0.113.10:80/tcp\"; allowed only with a UDP "
              "destination");
}

} // namespace
} // namespace aya::test::quic_ids_test
