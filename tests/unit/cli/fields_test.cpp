// SPDX-License-Identifier: BSD-2-Clause
// What options turn into on the wire.
#include "commands.hpp"
#include "fields.hpp"

#include <gtest/gtest.h>

namespace aya::ctl
{
namespace
{

Json service_of(const std::string &options, Json service = Json::object())
{
    Program program;
    CLI::App app;
    KeyOptions keys = service_options();
    keys.add_to(program, &app);
    app.parse(options);
    keys.apply(service, KeyOptions::Request::change);
    return service;
}

TEST(KeyOptions, SendOnlyWhatWasGiven)
{
    EXPECT_EQ(service_of(""), Json::object());
    EXPECT_EQ(service_of("--encap ipip"), Json::parse(R"({"encap": "ipip"})"));
    EXPECT_EQ(service_of("--encap gue --gue-port 7000"),
              Json::parse(R"({"encap": "gue", "gue_port": 7000})"));
}

TEST(KeyOptions, UseTheKeysOfTheConfiguration)
{
    const Json service =
        service_of("--vip 203.0.113.10:443/tcp --vip [2001:db8::10]:443/tcp --scheduler maglev --affinity "
                   "source --encap l2 "
                   "--health tcp --health-interval 1s --health-timeout 500ms --health-rise 2 --health-fall 3 "
                   "--health-init-state fully-down --health-port 8080 --lookup-size 65537 --panic-threshold "
                   "50 --stateless true");
    EXPECT_EQ(service, Json::parse(R"({
        "vips": ["203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"], "scheduler": "maglev",
        "affinity": "source", "encap": "l2", "health": {"type": "tcp", "interval": "1s", "timeout": "500ms",
        "rise": 2, "fall": 3, "init_state": "fully-down", "port": 8080}, "lookup_size": 65537, "panic_threshold": "50%",
        "stateless": true})"));
}

TEST(KeyOptions, TakeACommandWordByWord)
{
    EXPECT_EQ(service_of("--health-command /bin/check --health-command=--quick"),
              Json::parse(R"({"health": {"command": ["/bin/check", "--quick"]}})"));
    EXPECT_EQ(service_of("--health-command auto"), Json::parse(R"({"health": {"command": null}})"));
}

TEST(KeyOptions, TakeAShareWithOrWithoutItsSign)
{
    EXPECT_EQ(service_of("--panic-threshold 80")["panic_threshold"], "80%");
    EXPECT_EQ(service_of("--panic-threshold 80%")["panic_threshold"], "80%");
    EXPECT_EQ(service_of("--panic-threshold most")["panic_threshold"], "most");
}

TEST(KeyOptions, LeaveTheRestOfAHealthCheckAlone)
{
    const Json before = Json::parse(R"({"health": {"type": "tcp", "interval": "1s", "rise": 2}})");
    EXPECT_EQ(service_of("--health-interval 3s", before)["health"],
              Json::parse(R"({"type": "tcp", "interval": "3s", "rise": 2})"));
}

TEST(KeyOptions, TakeIdleTimeoutsByTheirKeys)
{
    EXPECT_EQ(
        service_of("--idle-timeout tcp_established=15m --idle-timeout udp=30s --idle-timeout closing=5s"),
        Json::parse(R"({"idle_timeouts": {"tcp_established": "15m", "udp": "30s", "tcp_closing": "5s"}})"));
    EXPECT_EQ(service_of("--idle-timeout established=1h",
                         Json::parse(R"({"idle_timeouts": {"tcp_established": "15m", "udp": "1m"}})")),
              Json::parse(R"({"idle_timeouts": {"tcp_established": "1h", "udp": "1m"}})"));
    EXPECT_EQ(service_of("--idle-timeout sctp=1s")["idle_timeouts"]["sctp"], "1s")
        << "the daemon's to refuse";
    for (const char *bad : {"15m", "=15m", "udp=", "udp"})
        EXPECT_THROW(service_of(std::string("--idle-timeout ") + bad), BadUsage) << bad;
}

TEST(KeyOptions, LeaveNumbersOutOfRangeToTheDaemon)
{
    EXPECT_EQ(service_of("--health-port -7")["health"]["port"], -7);
    EXPECT_EQ(service_of("--lookup-size 0")["lookup_size"], 0);
}

TEST(KeyOptions, RefuseWhatIsNoNumberOrNoTruth)
{
    EXPECT_THROW(service_of("--health-port http"), CLI::ParseError);
    EXPECT_THROW(service_of("--health-port 80x"), CLI::ParseError);
    EXPECT_THROW(service_of("--lookup-size 99999999999999999999"), CLI::ParseError);
    EXPECT_THROW(service_of("--stateless maybe"), CLI::ParseError);
}

TEST(KeyOptions, TakeAnOptionalValueAway)
{
    EXPECT_EQ(service_of("--health-port auto"), Json::parse(R"({"health": {"port": null}})"));
    Program program;
    CLI::App app;
    KeyOptions keys = backend_options();
    keys.add_to(program, &app);
    app.parse("--mac auto --weight 3");
    Json backend = Json::object();
    keys.apply(backend, KeyOptions::Request::add);
    EXPECT_EQ(backend, Json::parse(R"({"weight": 3})")) << "what is new has nothing to take away";
}

TEST(KeyOptions, AreThereForEveryKeyThatCanBeChanged)
{
    Program program;
    CLI::App app;
    KeyOptions keys = service_options();
    keys.add_to(program, &app);
    for (const char *name : {"--vip", "--scheduler", "--affinity", "--source-prefix-v4", "--source-prefix-v6",
                             "--encap", "--gue-port", "--health", "--health-interval", "--health-timeout",
                             "--health-rise", "--health-fall", "--health-init-state", "--health-port",
                             "--lookup-size", "--idle-timeout", "--panic-threshold", "--stateless"})
        EXPECT_NO_THROW(app.get_option(name)) << name;
    for (const char *name : {"--name", "--backends", "--idle-timeouts"})
        EXPECT_THROW(app.get_option(name), CLI::OptionNotFound) << name;
}

TEST(ParseBackend, TakesNameAddressAndKeys)
{
    EXPECT_EQ(parse_backend("gpu-01=10.0.1.11"),
              Json::parse(R"({"name": "gpu-01", "address": "10.0.1.11"})"));
    EXPECT_EQ(parse_backend("b=2001:db8::1,weight=8,mac=52:54:00:00:00:11,state=disabled"),
              Json::parse(R"({"name": "b", "address": "2001:db8::1", "weight": 8,
                              "mac": "52:54:00:00:00:11", "state": "disabled"})"));
}

TEST(ParseBackend, RefusesWhatIsNotOne)
{
    for (const char *bad : {"", "a", "=10.0.1.1", "a=", "a=10.0.1.1,", "a=10.0.1.1,weight",
                            "a=10.0.1.1,weight=x", "a=10.0.1.1,weight=1x", "a=10.0.1.1,wieght=1"})
        EXPECT_THROW(parse_backend(bad), BadUsage) << bad;
}

TEST(ParseTimeout, TakesUnitsAndBareSeconds)
{
    using std::chrono::milliseconds;
    EXPECT_EQ(parse_time("--timeout", "500ms"), milliseconds(500));
    EXPECT_EQ(parse_time("--timeout", "5s"), milliseconds(5000));
    EXPECT_EQ(parse_time("--timeout", "5"), milliseconds(5000));
    EXPECT_EQ(parse_time("--timeout", "0.5"), milliseconds(500));
    EXPECT_EQ(parse_time("--timeout", "2m"), milliseconds(120'000));
    EXPECT_EQ(parse_time("--timeout", "1h"), milliseconds(3'600'000));
    EXPECT_EQ(parse_time("--deadline", "24h", std::chrono::hours(24)), std::chrono::hours(24));
}

TEST(ParseTimeout, RefusesNonsense)
{
    for (const char *bad : {"", "s", "0", "-1s", "5h", "5 s", "nan", "inf", "1e300", "0.5ms", "61m"})
        EXPECT_THROW(parse_time("--timeout", bad), std::invalid_argument) << bad;
    EXPECT_THROW(parse_time("--deadline", "25h", std::chrono::hours(24)), std::invalid_argument);
}

TEST(Globals, MakeTheSocketOfRunDirAndInstance)
{
    Globals globals;
    EXPECT_EQ(globals.socket_path(), "/run/aya/default/api.sock");
    globals.instance.run_dir = "/tmp/x";
    globals.instance.name = "edge";
    EXPECT_EQ(globals.socket_path(), "/tmp/x/edge/api.sock");
    globals.socket = "/elsewhere";
    EXPECT_EQ(globals.socket_path(), "/elsewhere");
}

class GlobalPlace : public testing::TestWithParam<const char *>
{
};

TEST_P(GlobalPlace, DoesNotMatter)
{
    Program program;
    program.app.parse(GetParam());
    EXPECT_EQ(program.globals.format, Format::json);
    EXPECT_EQ(program.globals.instance.name, "edge");
    EXPECT_TRUE(program.action);
}

INSTANTIATE_TEST_SUITE_P(
    All, GlobalPlace,
    testing::Values("-o json --instance edge service show web", "service --instance=edge -o json show web",
                    "service show -o json web --instance edge", "service show web -ojson --instance edge",
                    "-o table --instance a service show web --output json --instance edge"));

TEST(Parsing, TakesNamesThatAreAlsoCommands)
{
    Program program;
    program.app.parse("backend drain service drain");
    const auto *drain = program.app.get_subcommand("backend")->get_subcommand("drain");
    EXPECT_EQ(drain->get_option("SERVICE")->as<std::string>(), "service");
    EXPECT_EQ(drain->get_option("NAME")->as<std::string>(), "drain");
}

TEST(Parsing, DoesNotLetARepeatedOptionSwallowAPositional)
{
    Program program;
    program.app.parse("service add --vip 192.0.2.1:80/tcp --vip 192.0.2.2:80/tcp web");
    EXPECT_EQ(
        program.app.get_subcommand("service")->get_subcommand("add")->get_option("NAME")->as<std::string>(),
        "web");
}

} // namespace
} // namespace aya::ctl
