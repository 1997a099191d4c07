// SPDX-License-Identifier: BSD-2-Clause
#include "config/parse.hpp"

#include "support.hpp"

#include <filesystem>
#include <fstream>

namespace aya::test
{

using namespace std::chrono_literals;

TEST(Parse, WhatIsNotSaidHasItsDefault)
{
    const auto config = parse_config(R"({"seed": "000102030405060708090A0b0c0d0eff",
        "services": [{"name": "s", "vips": ["1.2.3.4:80/tcp"], "backends": [{"name": "b", "address": "10.0.0.1"}]}]})");
    ASSERT_TRUE(config);
    Config expected;
    expected.seed = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};
    ServiceConfig &service = expected.services.emplace_back();
    service.name = "s";
    service.vips = {{IpAddress::v4(1, 2, 3, 4), 80, Protocol::tcp}};
    BackendConfig &backend = service.backends.emplace_back();
    backend.name = "b";
    backend.address = IpAddress::v4(10, 0, 0, 1);
    EXPECT_EQ(*config, expected);
    EXPECT_EQ(service.idle_timeouts.tcp_established, 15min);
    EXPECT_EQ(service.lookup_size, 65537U);
    EXPECT_FALSE(config->dataplane);
}

TEST(Parse, EveryKeyIsRead)
{
    const auto config = parse_config(R"({
        "seed": "00000000000000000000000000000001",
        "dataplane": { "path": "dpdk", "workers": [0, 127], "main_lcore": 5, "mbufs": 4096, "eal": ["--log-level=8"], "flows_per_worker": 1025, "idle_backoff": false,
                       "huge_pages": false, "memory": "2GB", "punt_limit": 0,
                       "ports": [ { "device": "net_tap0,iface=x", "punt": "aya0", "queues": 2, "mtu": 9000,
                                    "mac": "52:54:00:00:00:01",
                                    "other_macs": ["00:00:5e:00:01:0a", "00:00:5e:00:02:0a"] } ] },
        "controlplane": { "metrics": "[::1]:9108", "log_level": "debug",
                          "limits": { "services": 10, "vips": 20, "backends": 30, "lookup_slots": 65536 } },
        "tunnel_source": { "ipv4": "10.9.9.9", "ipv6": "2001:db8::9" },
        "unserved": "reset",
        "services": [ {
            "name": "s", "vips": ["[2001:db8::10]:*/udp"], "scheduler": "source-hash", "affinity": "source",
            "source_prefix_v4": 24, "source_prefix_v6": 56, "encap": "gue", "gue_port": 65535, "lookup_size": 251, "panic_threshold": "100%", "stateless": true,
            "health": { "type": "tcp", "interval": "2m", "timeout": "1m", "rise": 1, "fall": 100,
                        "init_state": "fully-down", "port": 65535, "via": "direct" },
            "idle_timeouts": { "tcp_established": "9h", "tcp_closing": "1s", "tcp_embryonic": "1000ms", "udp": "3m" },
            "backends": [ { "name": "b", "address": "10.0.0.1", "weight": 65535, "state": "draining",
                            "mac": "52:54:00:00:00:02" } ] } ] })");
    ASSERT_TRUE(config) << ::testing::PrintToString(errors_of(config));
    const DataplaneConfig &dataplane = config->dataplane.value();
    EXPECT_EQ(dataplane.workers, (std::vector<unsigned>{0, 127}));
    EXPECT_EQ(dataplane.flows_per_worker, 2048U); // rounded up
    EXPECT_EQ(dataplane.main_lcore, 5U);
    EXPECT_EQ(dataplane.mbufs, 4096U);
    EXPECT_EQ(dataplane.eal, std::vector<std::string>{"--log-level=8"});
    EXPECT_FALSE(dataplane.idle_backoff);
    EXPECT_FALSE(dataplane.huge_pages);
    EXPECT_EQ(dataplane.punt_limit, 0U);
    EXPECT_EQ(dataplane.memory, 2ULL << 30);
    EXPECT_EQ(dataplane.ports, (std::vector<PortConfig>{{"net_tap0,iface=x",
                                                         "aya0",
                                                         2,
                                                         9000,
                                                         parse_mac("52:54:00:00:00:01"),
                                                         {parse_mac("00:00:5e:00:01:0a").value(),
                                                          parse_mac("00:00:5e:00:02:0a").value()}}}));
    EXPECT_EQ(to_string(config->controlplane.metrics.value()), "[::1]:9108");
    EXPECT_EQ(config->controlplane.log_level, LogLevel::debug);
    EXPECT_EQ(config->unserved, Unserved::reset);
    EXPECT_EQ(config->controlplane.limits, (Limits{10, 20, 30, 65536}));
    EXPECT_EQ(config->tunnel_source.ipv4, IpAddress::v4(10, 9, 9, 9));
    EXPECT_EQ(config->tunnel_source.ipv6, parse_ip_address("2001:db8::9"));
    const ServiceConfig &service = config->services.at(0);
    EXPECT_EQ(service.vips.at(0).port, 0);
    EXPECT_EQ(service.scheduler, Scheduler::source_hash);
    EXPECT_EQ(service.affinity, Affinity::source);
    EXPECT_EQ(service.source_prefix_v4, 24);
    EXPECT_EQ(service.source_prefix_v6, 56);
    EXPECT_EQ(service.encap, Encap::gue);
    EXPECT_EQ(service.gue_port, 65535);
    EXPECT_EQ(service.health,
              (HealthConfig{HealthType::tcp, 2min, 1min, 1, 100, InitState::fully_down, 65535, Via::direct}));
    EXPECT_EQ(service.lookup_size, 251U);
    EXPECT_EQ(service.idle_timeouts, (IdleTimeouts{9h, 1s, 1s, 3min}));
    EXPECT_EQ(service.panic_threshold, 100U);
    EXPECT_TRUE(service.stateless);
    EXPECT_EQ(service.backends.at(0), (BackendConfig{"b",
                                                     IpAddress::v4(10, 0, 0, 1),
                                                     65535,
                                                     AdminState::draining,
                                                     parse_mac("52:54:00:00:00:02"),
                                                     {}}));

    const auto again = parse_config(to_json(*config).dump());
    ASSERT_TRUE(again) << ::testing::PrintToString(errors_of(again));
    EXPECT_EQ(*again, *config);
}

TEST(Parse, JsonOfAConfigurationReadsBackTheSame)
{
    const Config config = valid_config();
    const auto again = parse_config(to_json(config).dump(4));
    ASSERT_TRUE(again) << ::testing::PrintToString(errors_of(again));
    EXPECT_EQ(*again, config);
    EXPECT_EQ(to_json(*again), to_json(config));
}

TEST(Parse, CommentsAreAllowed)
{
    EXPECT_TRUE(parse_config(
        "// one\n{ /* two */ \"seed\": \"00000000000000000000000000000001\" // three\n}\n/* */"));
}

TEST(Parse, AnExactVipAndAnyPortOfTheSameAddressMayStandTogether)
{
    EXPECT_TRUE(parse_config(with("/services/1/vips/1", "203.0.113.10:*/tcp")));
}

TEST(Parse, EveryMixtureOfFamiliesGoesThroughTunnels)
{
    OrderedJson json = valid_json();
    json["services"][1]["vips"].push_back("203.0.113.53:53/udp");
    json["services"][1]["backends"].push_back({{"name", "dns-2"}, {"address", "2001:db8::2"}});
    for (const char *encap : {"ipip", "gue"}) {
        json["services"][1]["encap"] = encap;
        EXPECT_TRUE(parse_config(json.dump())) << encap;
    }
}

TEST(Parse, GueGoesToThePortOfItsRegistrationUnlessSaid)
{
    const auto config = parse_config(with("/services/1/encap", "gue"));
    ASSERT_TRUE(config);
    EXPECT_EQ(config->services[1].gue_port, 6080);
}

TEST(Parse, TheProbePortIsTheFirstTcpPortUnlessSaid)
{
    Config config = valid_config();
    ServiceConfig &service = config.services[0];
    EXPECT_EQ(probe_port(service), 443);
    service.vips = {parse_vip("1.1.1.1:53/udp").value(), parse_vip("1.1.1.1:*/tcp").value(),
                    parse_vip("1.1.1.1:80/tcp").value()};
    EXPECT_EQ(probe_port(service), 80);
    service.health.port = 8080;
    EXPECT_EQ(probe_port(service), 8080);
    service.health.port.reset();
    service.health.type = HealthType::icmp;
    EXPECT_EQ(probe_port(service), std::nullopt) << "a ping has none";
    EXPECT_EQ(probe_port(config.services[1]), std::nullopt);
}

TEST(Parse, ProbesGoToTheVipThatHasTheirPort)
{
    Config config = valid_config();
    ServiceConfig &service = config.services[0];
    service.health.type = HealthType::tcp;
    service.health.port.reset();
    service.vips = {parse_vip("1.1.1.1:443/udp").value(), parse_vip("1.1.1.2:443/tcp").value(),
                    parse_vip("1.1.1.3:*/tcp").value()};
    const auto vip = [&] {
        const auto found = probe_vip(service);
        return found ? to_string(*found) : "";
    };
    EXPECT_EQ(vip(), "1.1.1.2:443");
    service.health.port = 8080;
    EXPECT_EQ(vip(), "1.1.1.3:8080") << "any port is a VIP's, too";
    service.vips.pop_back();
    EXPECT_EQ(vip(), "");
    service.health.via = Via::tunnel;
    EXPECT_EQ(vip(), "1.1.1.1:8080") << "it was asked for";
    service.health.via = Via::direct;
    service.health.port.reset();
    EXPECT_EQ(vip(), "");
}

TEST(Load, AMissingFileIsAnErrorOfItsOwnKind)
{
    const auto config = load_config("/nonexistent/aya.json");
    ASSERT_FALSE(config);
    EXPECT_EQ(config.errors().at(0).kind, ErrorKind::io);
    EXPECT_EQ(errors_of(config), Lines{"f: no such file; required: a configuration file"});
}

TEST(Load, ADirectoryIsNoFile)
{
    EXPECT_EQ(errors_of(load_config("/")), Lines{"f: cannot read: Is a directory"});
}

TEST(Load, AFileIsReadAndCheckedLikeText)
{
    const auto file = std::filesystem::temp_directory_path() / ("aya-parse-test-" + std::to_string(getpid()));
    std::ofstream(file) << valid_json().dump();
    const auto config = load_config(file);
    std::filesystem::remove(file);
    ASSERT_TRUE(config);
    EXPECT_EQ(*config, valid_config());
}

TEST(Find, ByName)
{
    const Config config = valid_config();
    ASSERT_NE(find_service(config.services, "dns"), nullptr);
    EXPECT_EQ(find_service(config.services, "nope"), nullptr);
    EXPECT_EQ(find_backend(config.services[0], "web-2")->address, IpAddress::v4(10, 0, 1, 12));
    EXPECT_EQ(find_backend(config.services[0], "dns-1"), nullptr);
}

} // namespace aya::test
