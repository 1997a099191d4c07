// SPDX-License-Identifier: BSD-2-Clause
// What the API answers, written down for the tests of ayactl: tests/unit/cli/answers.json.
#include "../health/loopback.hpp"
#include "api_fixture.hpp"
#include "config/fields.hpp"
#include "flow_file.hpp"
#include "kept_file.hpp"

namespace aya::test
{
namespace
{

constexpr const char *kScene = R"({
  "seed": "000102030405060708090a0b0c0d0e0f",
  "services": [
    { "name": "web", "vips": ["203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"], "scheduler": "maglev",
      "affinity": "none", "encap": "ipip",
      "health": { "type": "tcp", "interval": "1s", "timeout": "500ms", "rise": 2, "fall": 3 }, "lookup_size": 251,
      "idle_timeouts": { "tcp_established": "15m", "tcp_closing": "1m", "tcp_embryonic": "30s", "udp": "2m" },
      "panic_threshold": "50%", "stateless": false,
      "backends": [ { "name": "gpu-01", "address": "10.0.1.11", "weight": 8 },
                    { "name": "gpu-02", "address": "10.0.1.12", "weight": 8 } ] },
    { "name": "api", "vips": ["203.0.113.11:80/tcp"], "lookup_size": 251, "health": { "type": "tcp" },
      "backends": [ { "name": "cpu-01", "address": "10.0.1.21" } ] } ] })";

// What differs from run to run, or with the version, has the same value each time.
void settle(OrderedJson &json)
{
    static const std::map<std::string, OrderedJson> kSettled = {
        {"version", "9.9.9"},        {"abi", 4},
        {"instance", "default"},     {"pid", 1234},
        {"uptime_seconds", 3725},    {"heartbeat_ms", 3},
        {"since_seconds", 62},       {"age_seconds", 2},
        {"result_age_seconds", 1},   {"generation", 17},
        {"incarnation", 1},          {"config_file", "/etc/aya/aya.json"},
        {"interface_rx_dropped", 0}, {"interface_tx_dropped", 0}};
    for (auto &[key, value] : json.items()) {
        const auto settled = kSettled.find(key);
        if (settled != kSettled.end())
            value = settled->second;
        else if ((key == "successes" || key == "failures") && value != 0)
            value = 40;
        else if (value.is_structured())
            settle(value);
    }
}

// Leaves out of an object of the configuration what kScene does not name, so that a new key is no news here.
void keep_named(const Section &section, const OrderedJson &named, OrderedJson &json)
{
    for (const Key &key : section.keys) {
        if (!named.contains(key.name))
            json.erase(std::string(key.name));
        else if (key.inside != nullptr && key.shape != Shape::objects)
            keep_named(*key.inside, named.at(key.name), json[std::string(key.name)]);
    }
}

void keep_named(OrderedJson &services)
{
    const OrderedJson named = OrderedJson::parse(kScene).at("services");
    for (std::size_t i = 0; i < services.size(); i++)
        keep_named(fields<ServiceConfig>().section(), named.at(i), services[i]);
}

struct Scene : ApiBench {
    Scene() : ApiBench(kScene), writer(dataplane_file(), kSmall, 1)
    {
        writer.add_port({.interface = "eth0", .punt = "aya0"});
        writer.set_epoch(0, 1);
        writer.count_received(0, 1'234'567, 12);
        writer.count_reason(0, AYA_REASON_NONE, 1'234'567'890'123);
        writer.count_service(0, id_of_web(),
                             {.packets = 1'234'567, .bytes = 3'650'722'202, .new_flows = 999, .turn = 0});
        writer.count_backend(0, publisher.find_backend("web", "gpu-01")->id,
                             {.packets = 1'234'567, .bytes = 3'650'722'202});
        refuse(7, 40000, AYA_REASON_DENIED, 0);
        refuse(8, 40001, AYA_REASON_FLOW_LIMIT, 1);
        writer.set_tables(FlowFile::kIdentity);
        watch.poll();
        observer.health["api/cpu-01"] = Health::down;
        EXPECT_TRUE(observe({}));
    }
    ~Scene() { monitor.set_targets({}, {}); }
    Scene(const Scene &) = delete;
    Scene &operator=(const Scene &) = delete;

    void refuse(u8 client, u16 port, aya_reason reason, u8 is_let_in)
    {
        aya_flow flow{};
        std::memcpy(flow.src, IpAddress::v4(198, 51, 100, client).bytes.data(), sizeof(flow.src));
        std::memcpy(flow.dst, IpAddress::v4(203, 0, 113, 10).bytes.data(), sizeof(flow.dst));
        flow.src_port = aya_cpu_to_be16(port);
        flow.dst_port = aya_cpu_to_be16(443);
        flow.protocol = AYA_PROTO_TCP;
        flow.family = AYA_IPV4;
        const u64 when = (refused_++ + 1) * AYA_REFUSAL_INTERVAL_NS;
        aya_note_refusal(&writer.refusals(0), when, &flow, static_cast<u16>(id_of_web()),
                         static_cast<u8>(reason), is_let_in);
    }

    u32 id_of_web() const { return publisher.find_service("web")->id; }

    // The backends are not there; what stands in for them is on loopback.
    void probe()
    {
        const auto target = [](const char *service, const char *backend, u16 port) {
            health::Target at = health::test::target_at(backend, port);
            at.service = service;
            return at;
        };
        monitor.set_targets({target("web", "gpu-01", good.port()), target("web", "gpu-02", good.port()),
                             target("api", "cpu-01", bad.port())},
                            health::test::nothing_recalled);
        const auto is = [&](const char *service, const char *backend, Health wanted) {
            return monitor.find(service, backend)->health() == wanted;
        };
        io.restart();
        health::test::run_until(io, [&] {
            return is("web", "gpu-01", Health::up) && is("web", "gpu-02", Health::up) &&
                   is("api", "cpu-01", Health::down);
        });
    }

    void note(const std::string &name, verb method, const std::string &path, const std::string &body = "")
    {
        const Response response = call(method, path, body);
        OrderedJson json = OrderedJson::parse(response.body);
        settle(json);
        answers[name] = {{"status", response.status}, {"body", std::move(json)}};
    }

    const health::test::Listener good{true};
    const health::test::Listener bad{false};
    DataplaneWriter writer;
    FlowFile flows{*this, 0, 1};
    OrderedJson answers = OrderedJson::object();
    u64 refused_ = 0;
};

// With a service more, and another weight.
std::string another_config()
{
    std::string text = replaced(kScene, R"("10.0.1.11", "weight": 8)", R"("10.0.1.11", "weight": 4)");
    return replaced(text, R"("services": [)",
                    R"("services": [ { "name": "dns", "vips": ["203.0.113.12:53/udp"] },)");
}

TEST(Answers, AreThoseThatTheTestsOfAyactlUse)
{
    Scene scene;
    scene.probe();
    scene.note("version", verb::get, "/v1/version");
    scene.note("status", verb::get, "/v1/status");
    scene.note("services", verb::get, "/v1/services");
    keep_named(scene.answers["services"]["body"]["services"]);
    scene.note("refusals", verb::get, "/v1/refusals");
    scene.note("counters", verb::get, "/v1/counters");
    auto &reasons = scene.answers["counters"]["body"]["reasons"];
    reasons.erase(reasons.begin() + 4, reasons.end()); // enough, and no news with each reason
    scene.note("health", verb::get, "/v1/health");
    scene.note("config", verb::get, "/v1/config");
    auto &config = scene.answers["config"]["body"];
    keep_named(config["services"]);
    keep_named(fields<Config>().section(), OrderedJson::parse(kScene), config);
    scene.note("explain", verb::post, "/v1/explain",
               R"({"source": "198.51.100.7:40000", "destination": "203.0.113.10:443/tcp"})");
    scene.note("explain punt", verb::post, "/v1/explain",
               R"({"source": "198.51.100.7:40000", "destination": "203.0.113.10:444/tcp"})");
    ApiBench quic(
        replaced(kScene, R"("203.0.113.11:80/tcp"],)", R"("203.0.113.11:80/tcp", "203.0.113.11:443/udp"],
        "quic_lb": [ { "config_id": 0, "server_id_length": 3, "nonce_length": 4 } ],)"));
    scene.answers["quic ids"] = {{"status", 200},
                                 {"body", quic.done(verb::post, "/v1/services/api/backends/cpu-01/quic_ids",
                                                    R"({"nonce": "ee080dbf"})")}};
    scene.note("check", verb::post, "/v1/config/check", another_config());
    scene.note(
        "broken config", verb::post, "/v1/config/check",
        replaced(replaced(kScene, "203.0.113.11:80/tcp", "203.0.113.11"), "\"weight\": 8", "\"weight\": -1"));
    scene.note("no path", verb::get, "/v1/nope");
    scene.note("no service", verb::get, "/v1/services/nope");
    scene.note("no backend", verb::get, "/v1/services/web/backends/nope");
    scene.note("a service already", verb::post, "/v1/services",
               R"({"name": "web", "vips": ["203.0.113.12:80/tcp"]})");
    scene.note("bad weight", verb::patch, "/v1/services/web/backends/gpu-01", R"({"weight": 65536})");
    scene.note("apply", verb::post, "/v1/config/apply", another_config());
    EXPECT_TRUE(is_kept(AYA_SOURCE_ROOT "/tests/unit/cli/answers.json", "", scene.answers.dump(2) + "\n"));
}

} // namespace
} // namespace aya::test
