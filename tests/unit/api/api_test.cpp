// SPDX-License-Identifier: BSD-2-Clause
#include "api_fixture.hpp"

#include <algorithm>

namespace aya::test
{
namespace
{

constexpr const char *kOne = "/v1/services/web/backends/one";

TEST(Api, SaysWhoItIs)
{
    ApiBench bench;
    const auto json = bench.get("/v1/version");
    EXPECT_EQ(json["version"], AYA_VERSION);
    EXPECT_EQ(json["abi"], AYA_ABI_VERSION);
    EXPECT_EQ(json["instance"], "test");
}

TEST(Api, ShowsTheStatusWithoutADataPlane)
{
    ApiBench bench;
    bench.observer.health["web/one"] = Health::down;
    ASSERT_TRUE(bench.observe({}));
    const auto json = bench.get("/v1/status");
    EXPECT_EQ(json["generation"], 2);
    EXPECT_EQ(json["pid"], ::getpid());
    EXPECT_EQ(json["services"], 1);
    EXPECT_EQ(json["backends"].dump(),
              R"({"total":2,"up":1,"down":1,"draining":0,"disabled":0,"unreachable":0})");
    EXPECT_TRUE(json["dataplane"].is_null());
    EXPECT_EQ(json["warnings"].size(), 2u) << "the data plane, and service web: " << json["warnings"];
    EXPECT_EQ(json["warnings"][0], bench.watch.warnings().at(0));
    EXPECT_EQ(json["warnings"][1], bench.reconciler.find_image("web")->warnings.at(0));
}

TEST(Api, ShowsTheDataPlane)
{
    ApiBench bench;
    DataplaneWriter writer(bench.dataplane_file(), Bench::kSmall, 2);
    writer.add_port({.interface = "eth0", .punt = "aya0", .mark = 9});
    writer.set_epoch(0, 1);
    writer.set_heartbeat_age(1, 60'000'000'000);
    writer.set_losses(0, {.rx_missed = 4, .rx_no_buffer = 3, .rx_errors = 2, .tx_lost = 1, .unused = {}});
    bench.watch.poll();
    auto json = bench.get("/v1/status")["dataplane"];
    EXPECT_EQ(json["pid"], ::getpid());
    EXPECT_EQ(json["alive"], false) << "one worker hangs";
    EXPECT_EQ(json["workers"].size(), 2u);
    EXPECT_EQ(json["workers"][0]["alive"], true);
    EXPECT_EQ(json["workers"][0]["generation"], 1);
    EXPECT_EQ(json["workers"][1]["alive"], false);
    EXPECT_GE(json["workers"][1]["heartbeat_ms"], 2000);
    ASSERT_EQ(json["ports"].size(), 1u);
    const auto &losses = json["ports"][0]["losses"];
    EXPECT_EQ(losses["rx_missed"], 4);
    EXPECT_EQ(losses["rx_no_buffer"], 3);
    EXPECT_EQ(losses["rx_errors"], 2);
    EXPECT_EQ(losses["tx_lost"], 1);
    EXPECT_TRUE(losses.contains("interface_rx_dropped") && losses.contains("interface_tx_dropped"));
    json["ports"][0].erase("losses");
    EXPECT_EQ(json["ports"][0].dump(), R"({"index":0,"name":"net_test0","interface":"eth0","punt":"aya0",)"
                                       R"("mac":"02:00:00:00:00:09","mtu":1500,"queues":2})");
}

TEST(Api, WarnsOfAPortThatDoesNotWork)
{
    ApiBench bench;
    DataplaneWriter writer(bench.dataplane_file(), Bench::kSmall, 1);
    writer.add_port({.interface = "eth0", .punt = "aya0"});
    writer.add_port({.interface = "eth1", .punt = ""});
    bench.watch.poll();
    EXPECT_TRUE(bench.watch.warnings().empty());
    writer.set_port_state(0, PortState::no_link);
    EXPECT_TRUE(bench.watch.poll()) << "the ports are others than before";
    EXPECT_EQ(bench.watch.warnings(),
              std::vector<std::string>{"data plane: port 0 (net_test0): no link; no traffic there"});
    EXPECT_FALSE(bench.watch.gone()) << "port 1 works";
    writer.set_port_state(1, PortState::gone);
    EXPECT_TRUE(bench.watch.gone()) << "what probes find says nothing now";
    bench.watch.poll();
    EXPECT_EQ(bench.watch.ports().size(), 2u) << "a port that is gone keeps its place";
    EXPECT_EQ(bench.watch.warnings().back(),
              "data plane: port 1 (net_test1): the interface no longer exists; no traffic there");
    writer.set_port_state(0, PortState::works);
    writer.set_port_state(1, PortState::works);
    bench.watch.poll();
    EXPECT_TRUE(bench.watch.warnings().empty());
}

TEST(Api, ShowsServicesAndBackends)
{
    ApiBench bench;
    const auto list = bench.get("/v1/services");
    ASSERT_EQ(list["services"].size(), 1u);
    const auto service = bench.get("/v1/services/web");
    EXPECT_EQ(service, list["services"][0]);
    EXPECT_EQ(service["name"], "web");
    EXPECT_EQ(service["vips"].dump(), R"(["203.0.113.10:80/tcp"])");
    EXPECT_EQ(service["generation"], 1);
    EXPECT_EQ(service["panic"], false);
    EXPECT_EQ(service["packets"], 0);

    const auto backends = bench.get("/v1/services/web/backends")["backends"];
    EXPECT_EQ(backends, service["backends"]);
    ASSERT_EQ(backends.size(), 2u);
    const auto &one = backends[0];
    EXPECT_EQ(one["service"], "web");
    EXPECT_EQ(one["name"], "one");
    EXPECT_EQ(one["address"], "10.0.1.1");
    EXPECT_EQ(one["weight"], 1);
    EXPECT_EQ(one["state"], "active");
    EXPECT_EQ(one["health"], "up");
    EXPECT_EQ(one["effective_weight"], 1);
    EXPECT_NEAR(one["share"].get<double>(), 0.5, 0.01);
    EXPECT_EQ(one["next_hop"], "10.0.1.1");
    EXPECT_EQ(one["mac"], "52:54:00:00:00:01");
    EXPECT_EQ(one["reachable"], true);
    EXPECT_EQ(one["incarnation"], bench.publisher.find_backend("web", "one")->incarnation);
    EXPECT_EQ(bench.get(kOne), one);
}

TEST(Api, CountsWhatTheDataPlaneCounted)
{
    ApiBench bench;
    DataplaneWriter writer(bench.dataplane_file(), Bench::kSmall, 1);
    bench.watch.poll();
    const u32 service = bench.publisher.find_service("web")->id;
    const u32 two = bench.publisher.find_backend("web", "two")->id;
    writer.count_service(0, service, {.packets = 5, .bytes = 500, .new_flows = 2, .turn = 0});
    writer.count_backend(0, two, {.packets = 4, .bytes = 400});
    writer.count_reason(0, AYA_REASON_PUNT_NO_VIP, 3);
    const auto json = bench.get("/v1/counters");
    EXPECT_EQ(json["workers"], 1);
    EXPECT_EQ(json["services"].dump(), R"([{"name":"web","packets":5,"bytes":500,"new_flows":2}])");
    EXPECT_EQ(json["backends"].dump(), R"([{"service":"web","name":"one","packets":0,"bytes":0},)"
                                       R"({"service":"web","name":"two","packets":4,"bytes":400}])");
    EXPECT_EQ(json["reasons"].size(), std::size_t{AYA_REASON_COUNT});
    EXPECT_EQ(json["reasons"][AYA_REASON_PUNT_NO_VIP]["name"], "punt_no_vip");
    EXPECT_EQ(json["reasons"][AYA_REASON_PUNT_NO_VIP]["value"], 3);
    EXPECT_EQ(bench.get("/v1/services/web")["packets"], 5);
    EXPECT_EQ(bench.get("/v1/services/web/backends/two")["bytes"], 400);
}

TEST(Api, WarnsOfWhatTheObserverDoubts)
{
    ApiBench bench;
    bench.observer.doubts = {"probes are late"};
    const auto warnings = bench.get("/v1/status")["warnings"].get<std::vector<std::string>>();
    EXPECT_NE(std::find(warnings.begin(), warnings.end(), "probes are late"), warnings.end());
}

TEST(Api, ShowsHealth)
{
    ApiBench bench;
    bench.monitor.set_targets({{.service = "web",
                                .backend = "one",
                                .address = IpAddress::v4(10, 0, 1, 1),
                                .port = 80,
                                .rule = {.interval = std::chrono::hours(1)}}},
                              [](const health::Target &) { return Health::unknown; });
    const auto json = bench.get("/v1/health")["backends"];
    ASSERT_EQ(json.size(), 2u);
    EXPECT_EQ(
        json[0].dump(),
        R"({"service":"web","backend":"one","target":"10.0.1.1:80","via":"direct","health":"unknown",)"
        R"("since_seconds":0,"result_age_seconds":0,"last_result":null,"last_error":null,"successes":0,"failures":0,)"
        R"("rise":2,"fall":3})");
    EXPECT_EQ(json[1]["health"], "unchecked");
    EXPECT_TRUE(json[1]["target"].is_null());
    bench.monitor.set_targets({}, {});
}

TEST(Api, ChangesABackend)
{
    ApiBench bench;
    const auto json = bench.done(verb::patch, kOne, R"({"weight": 3, "mac": "52:54:00:00:00:77"})");
    EXPECT_EQ(json["weight"], 3);
    EXPECT_EQ(json["mac"], "52:54:00:00:00:77");
    EXPECT_EQ(json["generation"], 2);
    EXPECT_NEAR(json["share"].get<double>(), 0.75, 0.01);
    EXPECT_EQ(bench.done(verb::patch, kOne, R"({"state": "draining"})")["state"], "draining");
    EXPECT_EQ(bench.live_state("web", "one"), AYA_BACKEND_DRAINING);
    EXPECT_EQ(bench.done(verb::patch, kOne, R"({"state": "disabled"})")["reason"], "disabled");
    EXPECT_EQ(bench.live_state("web", "one"), AYA_BACKEND_DOWN);
}

TEST(Api, AddsAndRemovesABackend)
{
    ApiBench bench;
    const auto json = bench.done(verb::post, "/v1/services/web/backends",
                                 R"({"name": "three", "address": "10.0.1.3"})", 201);
    EXPECT_EQ(json["name"], "three");
    EXPECT_EQ(json["generation"], 2);
    EXPECT_TRUE(bench.observer.followed.contains("web/three"));
    EXPECT_EQ(bench.done(verb::delete_, "/v1/services/web/backends/three", "")["generation"], 3);
    EXPECT_EQ(bench.live_state("web", "three"), AYA_BACKEND_FREE);
    bench.refused(verb::get, "/v1/services/web/backends/three", "", 404);
}

TEST(Api, AddsChangesAndRemovesAService)
{
    ApiBench bench;
    const auto json = bench.done(verb::post, "/v1/services",
                                 R"({"name": "dns", "vips": ["203.0.113.11:53/udp"], "lookup_size": 251,
                                     "backends": [{"name": "one", "address": "10.0.1.1"}]})",
                                 201);
    EXPECT_EQ(json["name"], "dns");
    EXPECT_EQ(json["generation"], 2);
    EXPECT_EQ(bench.get("/v1/services")["services"].size(), 2u);
    EXPECT_EQ(bench.done(verb::patch, "/v1/services/dns", R"({"affinity": "source"})")["affinity"], "source");
    EXPECT_EQ(bench.done(verb::delete_, "/v1/services/dns", "")["generation"], 4);
    EXPECT_FALSE(bench.publisher.find_service("dns"));
}

bool names_all(const std::string &text, std::initializer_list<const char *> names)
{
    return text.starts_with(": ") && std::all_of(names.begin(), names.end(), [&](const char *name) {
               return text.find(name) != std::string::npos;
           });
}

TEST(Api, RefusesWithTheReasonAndChangesNothing)
{
    ApiBench bench;
    const auto before = bench.sink.copy_of_everything();
    EXPECT_EQ(bench.refused(verb::patch, kOne, R"({"weight": 65536})", 400).substr(0, 9), "/weight: ");
    EXPECT_EQ(bench.refused(verb::patch, kOne, R"({"address": "10.0.0.9"})", 400).substr(0, 10),
              "/address: ");
    bench.refused(verb::patch, kOne, "not json", 400);
    bench.refused(verb::patch, kOne, "", 400);
    bench.refused(verb::patch, kOne, "[]", 400);
    bench.refused(verb::patch, "/v1/services/web/backends/nobody", R"({"weight": 1})", 404);
    bench.refused(verb::patch, "/v1/services/nothing/backends/one", R"({"weight": 1})", 404);
    bench.refused(verb::patch, "/v1/services/nothing", R"({"affinity": "source"})", 404);
    bench.refused(verb::delete_, "/v1/services/nothing", "", 404);
    bench.refused(verb::delete_, "/v1/services/web/backends/nobody", "", 404);
    for (const verb method : {verb::get, verb::delete_}) {
        const std::string service = bench.refused(method, "/v1/services/nothing", "", 404);
        EXPECT_TRUE(names_all(service, {R"("nothing")", R"("web")"})) << service;
        const std::string backend = bench.refused(method, "/v1/services/web/backends/nobody", "", 404);
        EXPECT_TRUE(names_all(backend, {R"("nobody")", R"("web")", R"("one", "two")"})) << backend;
    }
    bench.refused(verb::get, "/v1/services/nothing/backends", "", 404);
    bench.refused(verb::post, "/v1/services", R"({"name": "web", "vips": ["203.0.113.12:80/tcp"]})", 409);
    bench.refused(verb::post, "/v1/services/web/backends", R"({"name": "one", "address": "10.0.1.9"})", 409);
    EXPECT_EQ(bench.sink.copy_of_everything(), before);
    EXPECT_FALSE(std::filesystem::exists(bench.state_file()));
}

TEST(Api, AChangeThatCannotBeKeptIsA500)
{
    ApiBench bench;
    std::filesystem::create_directories(bench.state_file() / "in the way");
    bench.refused(verb::patch, kOne, R"({"weight": 3})", 500);
    EXPECT_EQ(bench.get(kOne)["weight"], 1);
}

TEST(Api, WaitsForReadersBeforeItPublishes)
{
    ApiBench bench;
    bench.sink.join(0);
    bench.sink.report(0, 1);
    bench.done(verb::patch, kOne, R"({"weight": 3})");
    bool answered = false;
    boost::asio::co_spawn(bench.io,
                          bench.api.handle({.method = verb::patch, .path = kOne, .body = R"({"weight": 4})"}),
                          [&](const std::exception_ptr &, const Response &response) {
                              EXPECT_EQ(response.status, 200u);
                              answered = true;
                          });
    bench.io.restart();
    bench.io.run_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(answered) << "the reader is still at the generation before";
    EXPECT_EQ(bench.get("/v1/status")["generation"], 2);
    bench.sink.report(0, 2);
    bench.io.restart();
    bench.io.run_for(std::chrono::seconds(5));
    EXPECT_TRUE(answered);
    EXPECT_EQ(bench.publisher.generation(), 3u);
}

// The patience with a worker ends after ten seconds, in a 500.
TEST(Api, RefusesAtOnceWhatAStuckWorkerWouldDelay)
{
    ApiBench bench;
    bench.sink.join(0);
    bench.sink.report(0, 1);
    bench.done(verb::patch, kOne, R"({"weight": 3})");
    ASSERT_FALSE(bench.reconciler.ready());
    const auto start = std::chrono::steady_clock::now();
    bench.refused(verb::patch, kOne, R"({"weight": 65536})", 400);
    bench.refused(verb::patch, "/v1/services/nothing", R"({"affinity": "source"})", 404);
    bench.refused(verb::post, "/v1/services", R"({"name": "web", "vips": ["203.0.113.12:80/tcp"]})", 409);
    bench.refused(verb::delete_, "/v1/services/web/backends/nobody", "", 404);
    bench.refused(verb::post, "/v1/config/apply", R"({"services": 1})", 400);
    bench.done(verb::post, "/v1/config/check", kTwoBackends);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Api, GivesTheConfigurationInForce)
{
    ApiBench bench;
    bench.done(verb::patch, kOne, R"({"weight": 3})");
    const auto config = parse_config(bench.call(verb::get, "/v1/config").body);
    ASSERT_TRUE(config);
    EXPECT_EQ(*config, bench.reconciler.config());
}

TEST(Api, ChecksAConfigurationWithoutTouchingAnything)
{
    ApiBench bench;
    const auto before = bench.sink.copy_of_everything();
    const std::string next =
        "// comments are allowed\n" +
        replaced(kTwoBackends, R"("10.0.1.2", "weight": 1)", R"("10.0.1.2", "weight": 5)");
    EXPECT_EQ(bench.done(verb::post, "/v1/config/check", next)["changes"].dump(),
              R"([{"op":"change","what":"service web backend two","field":"weight","from":1,"to":5}])");
    EXPECT_EQ(bench.done(verb::post, "/v1/config/check", kTwoBackends)["changes"].size(), 0u);
    bench.refused(verb::post, "/v1/config/check", "{", 400);
    EXPECT_EQ(bench.sink.copy_of_everything(), before);
}

TEST(Api, AppliesAConfiguration)
{
    ApiBench bench;
    const auto json =
        bench.done(verb::post, "/v1/config/apply",
                   replaced(kTwoBackends, R"("10.0.1.2", "weight": 1)", R"("10.0.1.2", "weight": 5)"));
    EXPECT_EQ(json["changes"].size(), 1u);
    EXPECT_EQ(json["generation"], 2);
    EXPECT_EQ(bench.get("/v1/services/web/backends/two")["weight"], 5);
    bench.refused(verb::post, "/v1/config/apply", R"({"services": 1})", 400);
    EXPECT_EQ(bench.publisher.generation(), 2u);
}

TEST(Api, ReadsTheFileAgain)
{
    ApiBench bench;
    EXPECT_EQ(bench.done(verb::post, "/v1/config/reload", "")["changes"].size(), 0u);
    bench.write_config(replaced(kTwoBackends, R"("10.0.1.2", "weight": 1)", R"("10.0.1.2", "weight": 5)"));
    EXPECT_EQ(bench.done(verb::post, "/v1/config/reload", "")["generation"], 2);
    bench.write_config("{");
    bench.refused(verb::post, "/v1/config/reload", "", 400);
    std::filesystem::remove(bench.config_file);
    bench.refused(verb::post, "/v1/config/reload", "", 500);
    EXPECT_EQ(bench.publisher.generation(), 2u);
}

TEST(Api, TellsPathsAndMethods)
{
    ApiBench bench;
    bench.refused(verb::get, "/", "", 404);
    bench.refused(verb::get, "/v1", "", 404);
    bench.refused(verb::get, "/v1/services/", "", 404);
    bench.refused(verb::get, "/v2/status", "", 404);
    const Response response = bench.call(verb::put, "/v1/services/web");
    EXPECT_EQ(response.status, 405u);
    EXPECT_EQ(response.allow, "GET, PATCH, DELETE");
}

} // namespace
} // namespace aya::test
