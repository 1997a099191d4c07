// SPDX-License-Identifier: BSD-2-Clause
#include "api_fixture.hpp"

#include "api/metrics.hpp"
#include "kept_file.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

namespace aya::test
{
namespace
{

// Text format 0.0.4, read by its rules: HELP and TYPE before a family's samples, families not mixed, no
// sample twice, counters end in _total.
struct Samples {
    explicit Samples(const std::string &text)
    {
        static const std::regex kHelp(R"(# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))");
        static const std::regex kType(R"(# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge))");
        static const std::regex kSample(
            R"(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\\\|\\"|\\n|[^"\\])*",?)+\})? )"
            R"(([-+0-9.e]+))");
        EXPECT_TRUE(text.ends_with('\n'));
        std::istringstream lines(text);
        std::string current;
        for (std::string line; std::getline(lines, line);) {
            std::smatch match;
            if (std::regex_match(line, match, kHelp)) {
                current = match[1];
                EXPECT_TRUE(types.emplace(current, "").second) << "a family twice: " << current;
            } else if (std::regex_match(line, match, kType)) {
                EXPECT_EQ(match[1], current);
                types[current] = match[2];
                EXPECT_EQ(match[2] == "counter", current.ends_with("_total")) << current;
            } else if (std::regex_match(line, match, kSample)) {
                EXPECT_EQ(match[1], current);
                EXPECT_TRUE(samples.emplace(match[1].str() + match[2].str(), std::stod(match[5])).second)
                    << line;
            } else {
                ADD_FAILURE() << "not in the format: " << line;
            }
        }
    }

    double at(const std::string &name) const
    {
        const auto found = samples.find(name);
        EXPECT_NE(found, samples.end()) << name;
        return found == samples.end() ? -1 : found->second;
    }

    std::map<std::string, std::string> types;
    std::map<std::string, double> samples;
};

TEST(Metrics, AreInTheFormatAndSayWhatIs)
{
    ApiBench bench;
    DataplaneWriter writer(bench.dataplane_file(), Bench::kSmall, 2);
    bench.watch.poll();
    writer.count_backend(0, bench.publisher.find_backend("web", "two")->id, {.packets = 4, .bytes = 400});
    writer.count_backend(1, bench.publisher.find_backend("web", "two")->id, {.packets = 1, .bytes = 100});
    writer.count_reason(1, AYA_REASON_TRUNCATED, 9);
    bench.observer.health["web/one"] = Health::down;
    ASSERT_TRUE(bench.observe({}));

    const Response response = bench.call(verb::get, "/metrics");
    EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
    const Samples metrics(response.body);
    EXPECT_EQ(metrics.at("aya_table_generation"), 2);
    EXPECT_EQ(metrics.at("aya_dataplane_up"), 1);
    EXPECT_EQ(metrics.at(R"(aya_worker_up{worker="1"})"), 1);
    EXPECT_LT(metrics.at(R"(aya_worker_heartbeat_age_seconds{worker="0"})"), 60);
    EXPECT_EQ(metrics.at(R"(aya_backend_packets_total{service="web",backend="two"})"), 5);
    EXPECT_EQ(metrics.at(R"(aya_backend_bytes_total{service="web",backend="two"})"), 500);
    EXPECT_EQ(metrics.at(R"(aya_packets_total{reason="truncated"})"), 9);
    EXPECT_EQ(metrics.at(R"(aya_backend_up{service="web",backend="one"})"), 0);
    EXPECT_EQ(metrics.at(R"(aya_backend_up{service="web",backend="two"})"), 1);
    EXPECT_EQ(metrics.at("aya_health_probe_lag_seconds"), 0);
    EXPECT_EQ(metrics.at("aya_route_lookups_total"), 7);
    EXPECT_EQ(metrics.at(R"(aya_backend_weight{service="web",backend="one"})"), 1);
    EXPECT_EQ(metrics.at(R"(aya_backend_effective_weight{service="web",backend="one"})"), 0);
    EXPECT_EQ(metrics.at(R"(aya_backend_lookup_share_ratio{service="web",backend="two"})"), 1);
    EXPECT_EQ(metrics.at(R"(aya_health_probes_total{result="timeout"})"), 0);
}

TEST(Metrics, WithoutADataPlaneAreStillInTheFormat)
{
    ApiBench bench;
    const Samples metrics(bench.call(verb::get, "/metrics").body);
    EXPECT_EQ(metrics.at("aya_dataplane_up"), 0);
    EXPECT_EQ(metrics.at(R"(aya_service_packets_total{service="web"})"), 0);
}

// docs/metrics.md is made of the same rows.
TEST(Metrics, AreDocumented)
{
    std::string table = "| name | type | unit | labels | |\n|---|---|---|---|---|\n";
    for (const api::Metric &metric : api::metrics()) {
        const api::Family &family = metric.family;
        std::string labels;
        for (const std::string_view label : family.labels)
            if (!label.empty())
                labels.append(labels.empty() ? "`" : ", `").append(label).append("`");
        table.append("| `").append(family.name).append("` | ").append(family.type).append(" | ");
        table.append(family.unit)
            .append(" | ")
            .append(labels)
            .append(" | ")
            .append(family.help)
            .append(" |\n");
    }
    EXPECT_TRUE(is_kept(AYA_SOURCE_ROOT "/docs/metrics.md", "<!-- made of controlplane/api/metrics.cpp -->\n",
                        table));
}

// The format's own judge, where it is installed.
TEST(Metrics, PleasePromtool)
{
    if (std::system("command -v promtool >/dev/null 2>&1") != 0)
        GTEST_SKIP() << "promtool is not installed";
    ApiBench bench;
    DataplaneWriter writer(bench.dataplane_file(), Bench::kSmall, 2);
    bench.watch.poll();
    const auto file = bench.directory.path() / "metrics";
    std::ofstream(file) << bench.call(verb::get, "/metrics").body;
    EXPECT_EQ(std::system(("promtool check metrics < " + file.string()).c_str()), 0);
}

TEST(Metrics, TheOpenListenerShowsNothingElse)
{
    ApiBench bench;
    const api::Router router = api::metrics_router(bench.scene);
    EXPECT_EQ(await(bench.io, router.route({.method = verb::get, .path = "/metrics", .body = ""})).status,
              200u);
    EXPECT_EQ(await(bench.io, router.route({.method = verb::get, .path = "/v1/status", .body = ""})).status,
              404u);
    EXPECT_EQ(await(bench.io, router.route({.method = verb::delete_, .path = "/v1/services/web", .body = ""}))
                  .status,
              404u);
}

} // namespace
} // namespace aya::test
