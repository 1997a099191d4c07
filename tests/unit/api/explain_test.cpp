// SPDX-License-Identifier: BSD-2-Clause
#include "api_fixture.hpp"

#include "api/flow_counts.hpp"
#include "common/clock.hpp"
#include "flow_file.hpp"

namespace aya::test
{
namespace
{

std::string question(const std::string &source, const std::string &destination, const char *syn = "true")
{
    return R"({"source": ")" + source + R"(", "destination": ")" + destination + R"(", "syn": )" + syn + "}";
}

OrderedJson ask(ApiBench &bench, const std::string &body)
{
    return bench.done(verb::post, "/v1/explain", body);
}

std::string text_of(const OrderedJson &answer, const std::string &step)
{
    for (const auto &item : answer["steps"])
        if (item["step"] == step)
            return item["text"];
    return "";
}

TEST(Explain, DecidesAsADataPlaneDoes)
{
    ApiBench bench;
    std::map<std::string, int> chosen;
    for (int port = 1024; port < 1324; port++) {
        const std::string source = "198.51.100.7:" + std::to_string(port);
        const auto answer = ask(bench, question(source, "203.0.113.10:80/tcp"));
        EXPECT_EQ(answer["action"], "forward");
        EXPECT_EQ(answer["reason"], "forwarded");
        EXPECT_EQ(answer["service"], "web");
        chosen[answer["backend"]]++;

        const aya_packet packet = api::read_question(question(source, "203.0.113.10:80/tcp"))->packet;
        const aya_view view = bench.sink.view(bench.sink.generation());
        u16 service = 0;
        ASSERT_EQ(aya_classify(&view, &packet, &service), AYA_REASON_NONE);
        aya_verdict verdict = {};
        aya_choose(&view, &packet, service, aya_flow_hash(view.settings, &packet), nullptr, nullptr, 0,
                   &verdict);
        const auto name = bench.sink.slot(bench.sink.generation()).backend_names[verdict.backend_id].text;
        EXPECT_EQ(answer["backend"], name);
    }
    EXPECT_GT(chosen["one"], 100);
    EXPECT_GT(chosen["two"], 100);
}

TEST(Explain, NamesTheSteps)
{
    ApiBench bench;
    const auto answer = ask(bench, question("198.51.100.7:40000", "203.0.113.10:80/tcp"));
    EXPECT_EQ(text_of(answer, "parse"), "IPv4 TCP SYN (opens a connection) from 198.51.100.7:40000");
    EXPECT_EQ(text_of(answer, "vip"), "203.0.113.10:80/tcp is a VIP of service web (id 0)");
    EXPECT_NE(text_of(answer, "lookup table").find(" of 251 is "), std::string::npos);
    EXPECT_TRUE(answer["remembered"].is_null()) << "no data plane has run";
    EXPECT_EQ(text_of(answer, "encapsulate"),
              "l2, destination MAC 52:54:00:00:00:01, source MAC 00:00:00:00:00:00, data plane port 0; "
              "packets up to 1500 bytes fit");
}

TEST(Explain, NamesThePrefixAndTheRangeThatHasThePacket)
{
    ApiBench bench;
    bench.done(
        verb::patch, "/v1/services/web",
        R"({"vips": ["203.0.113.10:80/tcp", "203.0.113.0/28:8000-8999/tcp", "203.0.113.0/28:*/udp"]})");
    const auto answer = ask(bench, question("198.51.100.7:40000", "203.0.113.7:8080/tcp"));
    EXPECT_EQ(text_of(answer, "vip"),
              "203.0.113.7:8080/tcp is in 203.0.113.0/28:8000-8999/tcp, a VIP of service web (id 0)");
    const auto outside = ask(bench, question("198.51.100.7:40000", "203.0.113.7:9000/tcp"));
    EXPECT_EQ(outside["reason"], "unserved");
}

TEST(Explain, SaysWhatProbesDoNotProve)
{
    ApiBench bench;
    const auto health_step = [&](const char *health) {
        bench.done(verb::patch, "/v1/services/web", std::string(R"({"health": )") + health + "}");
        const auto backend = bench.get("/v1/services/web/backends/one");
        const auto answer = ask(bench, question("198.51.100.7:40000", "203.0.113.10:80/tcp"));
        std::string text = text_of(answer, "health");
        EXPECT_EQ(backend.contains("health_proves"), !text.empty());
        return text;
    };
    EXPECT_EQ(health_step(R"({"type": "tcp"})"), "");
    EXPECT_EQ(
        health_step(R"({"type": "udp", "port": 53})"),
        "probes of type udp without expected_answer prove only that the port is not closed, not that the "
        "host is there");
    EXPECT_EQ(health_step(R"({"type": "udp", "port": 53, "expected_answer": "pong"})"), "");
    EXPECT_EQ(health_step(R"({"type": "icmp"})"),
              "probes of type icmp prove only that the host is there, not that it serves");
}

// A data plane with two queues.
struct FlowBench : ApiBench {
    FlowBench() : writer(dataplane_file(), kSmall, 2)
    {
        writer.add_port({.interface = "eth0", .punt = "aya0"});
        writer.set_tables(FlowFile::kIdentity);
        watch.poll();
    }

    DataplaneWriter writer;
    const std::string middle = question("198.51.100.7:40000", "203.0.113.10:80/tcp", "false");
};

TEST(Explain, GoesByWhatAQueueRemembers)
{
    FlowBench bench;
    FlowFile first(bench, 0, 2);
    FlowFile second(bench, 1, 2);
    const auto before = ask(bench, bench.middle);
    EXPECT_EQ(before["remembered"].dump(), "[]");
    const std::string other = before["backend"] == "one" ? "two" : "one";
    second.remember(bench, bench.middle, other);

    const auto answer = ask(bench, bench.middle);
    EXPECT_EQ(answer["backend"], other);
    EXPECT_EQ(text_of(answer, "lookup table"), "") << "nothing is scheduled";
    ASSERT_EQ(answer["remembered"].size(), 1u);
    const auto &flow = answer["remembered"][0];
    EXPECT_EQ(flow["port"], 0);
    EXPECT_EQ(flow["queue"], 1);
    EXPECT_EQ(flow["backend"], other);
    EXPECT_EQ(flow["state"], "established");
    EXPECT_NEAR(flow["expires_seconds"].get<double>(), 107, 2);
    EXPECT_EQ(text_of(answer, "flow table"),
              "port 0 queue 1: remembered: backend " + other + " (id " +
                  std::to_string(bench.publisher.find_backend("web", other)->id) + "), expires in " +
                  flow["expires_seconds"].dump() + " s, state established");

    const auto opening = ask(bench, question("198.51.100.7:40000", "203.0.113.10:80/tcp"));
    EXPECT_EQ(opening["backend"], other) << "a SYN on an open connection";
}

TEST(BackendFlows, AreTheLiveOnesOfThisIncarnation)
{
    FlowBench bench;
    const auto flows = [&](const std::string &backend) {
        return bench.get("/v1/services/web/backends/" + backend + "/flows")["flows"];
    };
    EXPECT_TRUE(flows("one").is_null()) << "no data plane has run";
    FlowFile first(bench, 0, 2);
    FlowFile second(bench, 1, 2);
    first.remember(bench, bench.middle, "one");
    second.remember(bench, question("198.51.100.7:40001", "203.0.113.10:80/tcp", "false"), "one");
    second.remember(bench, question("198.51.100.7:40002", "203.0.113.10:80/tcp", "false"), "one", 1);
    EXPECT_EQ(flows("one"), 2);
    EXPECT_EQ(flows("two"), 0);
}

TEST(BackendFlows, AreCountedOnceASecondAndForEachGeneration)
{
    FlowBench bench;
    FlowFile first(bench, 0, 2);
    FlowFile second(bench, 1, 2);
    const u32 one = bench.publisher.find_backend("web", "one")->id;
    const u32 two = bench.publisher.find_backend("web", "two")->id;
    const auto remember = [&](FlowFile &table, const std::string &source, const std::string &backend) {
        table.remember(bench, question("198.51.100.7:" + source, "203.0.113.10:80/tcp", "false"), backend);
    };
    const u64 now = monotonic_ns();
    api::FlowCounts counts;
    remember(first, "40000", "one");
    EXPECT_EQ(counts.find(bench.scene, one, now), 1u);
    remember(first, "40001", "one");
    remember(first, "40002", "two");
    EXPECT_EQ(counts.find(bench.scene, one, now + api::FlowCounts::kKeepNs - 1), 1u);
    EXPECT_EQ(counts.find(bench.scene, two, now + api::FlowCounts::kKeepNs - 1), 0u)
        << "counted with the other";
    EXPECT_EQ(counts.find(bench.scene, one, now + api::FlowCounts::kKeepNs), 2u);
    EXPECT_EQ(counts.find(bench.scene, two, now + api::FlowCounts::kKeepNs), 1u);
    remember(second, "40003", "one");
    bench.done(verb::patch, "/v1/services/web/backends/one", R"({"state": "draining"})");
    EXPECT_EQ(counts.find(bench.scene, one, now + api::FlowCounts::kKeepNs), 3u);
}

TEST(Explain, DoesNotWriteToTheFlowTables)
{
    FlowBench bench;
    FlowFile table(bench, 0, 2);
    table.remember(bench, bench.middle, "one");
    const std::string before(table.file().at<char>(0), table.file().size());
    ask(bench, bench.middle);
    ask(bench, question("198.51.100.7:40001", "203.0.113.10:80/tcp"));
    EXPECT_EQ(std::string(table.file().at<char>(0), table.file().size()), before);
}

TEST(Explain, SchedulesAgainWhatWasRememberedOfABackendThatWasReplaced)
{
    FlowBench bench;
    FlowFile table(bench, 0, 2);
    const auto before = ask(bench, bench.middle);
    const std::string other = before["backend"] == "one" ? "two" : "one";
    table.remember(bench, bench.middle, other, 1);
    const auto answer = ask(bench, bench.middle);
    EXPECT_EQ(answer["backend"], before["backend"]);
    EXPECT_NE(text_of(answer, "lookup table"), "");
    EXPECT_EQ(answer["remembered"].size(), 1u);
}

TEST(Explain, SaysWhichFlowTablesItCannotRead)
{
    FlowBench bench;
    EXPECT_TRUE(ask(bench, bench.middle)["remembered"].is_null());
    FlowFile of_other_tables(bench, 0, 2);
    of_other_tables.file().at<FlowFileHeader>(0)->tables_identity = FlowFile::kIdentity + 1;
    FlowFile readable(bench, 1, 2);
    const auto answer = ask(bench, bench.middle);
    EXPECT_EQ(answer["remembered"].dump(), "[]");
    std::string said;
    for (const auto &step : answer["steps"])
        said = step["step"] == "flow table" ? step["text"].get<std::string>() : said;
    EXPECT_EQ(said, "cannot be read: " + (bench.directory.path() / "flows-0-0").string() +
                        ": its flows belong to other tables");
}

TEST(Explain, PuntsWhatIsForNoVip)
{
    ApiBench bench;
    const auto answer = ask(bench, question("198.51.100.7:40000", "203.0.113.11:80/tcp"));
    EXPECT_EQ(answer["action"], "punt");
    EXPECT_EQ(answer["reason"], "punt_no_vip");
    EXPECT_TRUE(answer["service"].is_null());
    EXPECT_TRUE(answer["backend"].is_null());
}

TEST(Explain, ToAVipsAddressButNoVipItDependsOnTheKernel)
{
    ApiBench bench;
    for (const char *destination : {"203.0.113.10:81/tcp", "203.0.113.10:80/udp"}) {
        const auto dropped = ask(bench, question("198.51.100.7:40000", destination));
        EXPECT_EQ(dropped["action"], "drop");
        EXPECT_EQ(dropped["reason"], "unserved");
        EXPECT_EQ(text_of(dropped, "vip"), "to a VIP's address, but no VIP for its port or protocol");
    }
    bench.observer.local.insert(host_prefix(IpAddress::v4(203, 0, 113, 10)));
    bench.reconciler.touch("web");
    ASSERT_TRUE(bench.reconciler.reconcile(bench.now));
    EXPECT_EQ(ask(bench, question("198.51.100.7:40000", "203.0.113.10:81/tcp"))["reason"], "punt_no_vip");
}

TEST(Explain, SaysWhatAListDoes)
{
    ApiBench bench(replaced(kTwoBackends, R"("services": [ {)",
                            R"("lists": [ { "name": "bad", "prefixes": ["198.51.100.0/24"] } ],
                                        "services": [ { "deny": ["bad"],)"));
    const std::string listed = question("198.51.100.7:40000", "203.0.113.10:80/tcp");
    auto answer = ask(bench, listed);
    EXPECT_EQ(text_of(answer, "lists"), "198.51.100.0/24 of list bad: refused");
    EXPECT_EQ(answer["reason"], "denied");
    EXPECT_EQ(text_of(ask(bench, question("192.0.2.7:40000", "203.0.113.10:80/tcp")), "lists"),
              "the client is in no list of the service: let in");

    bench.done(verb::patch, "/v1/services/web", R"({"guard_mode": "count"})");
    answer = ask(bench, listed);
    EXPECT_EQ(text_of(answer, "lists"), "198.51.100.0/24 of list bad: would be refused (guard_mode count)");
    EXPECT_EQ(answer["action"], "forward");
}

TEST(Explain, DropsABadSource)
{
    ApiBench bench;
    const auto answer = ask(bench, question("224.0.0.1:40000", "203.0.113.10:80/tcp"));
    EXPECT_EQ(answer["action"], "drop");
    EXPECT_EQ(answer["reason"], "bad_address");
}

TEST(Explain, SaysWhenNobodyIsThere)
{
    ApiBench bench(
        replaced(kTwoBackends, R"("lookup_size": 251)", R"("lookup_size": 251, "panic_threshold": "100%")"));
    bench.observer.health["web/one"] = Health::down;
    bench.observer.health["web/two"] = Health::down;
    ASSERT_TRUE(bench.observe({}));
    const auto answer = ask(bench, question("198.51.100.7:40000", "203.0.113.10:80/tcp"));
    EXPECT_EQ(answer["action"], "drop");
    EXPECT_EQ(answer["reason"], "no_backend");
    EXPECT_EQ(answer["service"], "web");
    EXPECT_TRUE(answer["backend"].is_null());
    EXPECT_NE(text_of(answer, "lookup table").find("no backend for new flows"), std::string::npos);
}

// After a change the two kinds of packets may go different ways: the older connection stays where it was.
TEST(Explain, SaysWhoGetsNoNewFlowsAndWhy)
{
    ApiBench bench;
    EXPECT_EQ(text_of(ask(bench, question("198.51.100.7:40000", "203.0.113.10:80/tcp")), "backends"), "");
    bench.observer.health["web/two"] = Health::waiting;
    ASSERT_TRUE(bench.observe({}));
    EXPECT_EQ(text_of(ask(bench, question("198.51.100.7:40000", "203.0.113.10:80/tcp")), "backends"),
              "no new flows for two (" + std::string(bench.get("/v1/services/web/backends/two")["reason"]) +
                  ")");
    EXPECT_EQ(bench.get("/v1/services/web/backends/two")["health"], "waiting");
}

// Which backend a worker will draw next is not known here.
TEST(Explain, NamesNoBackendWhereOneIsDrawn)
{
    ApiBench bench(replaced(kTwoBackends, R"("lookup_size": 251)",
                            R"("lookup_size": 251, "scheduler": "weighted-round-robin")"));
    const auto opening = ask(bench, question("198.51.100.7:40000", "203.0.113.10:80/tcp"));
    EXPECT_EQ(opening["action"], "forward");
    EXPECT_TRUE(opening["backend"].is_null());
    EXPECT_NE(text_of(opening, "scheduler"), "");
    EXPECT_EQ(text_of(opening, "encapsulate"), "");
    const auto middle = ask(bench, question("198.51.100.7:40000", "203.0.113.10:80/tcp", "false"));
    EXPECT_FALSE(middle["backend"].is_null()) << "an unknown connection goes by the hash";
}

TEST(Explain, AsksThePreviousTableForAPacketFromTheMiddle)
{
    ApiBench bench;
    bench.done(verb::patch, "/v1/services/web/backends/one", R"({"weight": 0})");
    int kept = 0;
    for (int port = 1024; port < 1124; port++) {
        const std::string source = "198.51.100.7:" + std::to_string(port);
        const auto opening = ask(bench, question(source, "203.0.113.10:80/tcp"));
        EXPECT_EQ(opening["backend"], "two");
        const auto middle = ask(bench, question(source, "203.0.113.10:80/tcp", "false"));
        kept += middle["backend"] == "one";
        EXPECT_NE(text_of(middle, "previous table"), "");
    }
    EXPECT_GT(kept, 20);
}

TEST(Explain, RefusesWhatItCannotRead)
{
    ApiBench bench;
    const auto refused = [&](const std::string &body) {
        return bench.refused(verb::post, "/v1/explain", body, 400);
    };
    EXPECT_EQ(refused("nonsense").substr(0, 5), "line ");
    EXPECT_EQ(refused(question("198.51.100.7", "203.0.113.10:80/tcp")).substr(0, 9), "/source: ");
    EXPECT_EQ(refused(question("198.51.100.7:0", "203.0.113.10:80/tcp")).substr(0, 9), "/source: ");
    EXPECT_EQ(refused(question("198.51.100.7:1", "203.0.113.10:80")).substr(0, 14), "/destination: ");
    EXPECT_EQ(refused(question("198.51.100.7:1", "203.0.113.10:*/tcp")).substr(0, 14), "/destination: ");
    EXPECT_EQ(refused(question("198.51.100.7:1", "[2001:db8::1]:80/tcp")).substr(0, 9), "/source: ");
    EXPECT_EQ(refused(question("198.51.100.7:1", "203.0.113.10:80/tcp", "1")).substr(0, 6), "/syn: ");
    EXPECT_EQ(
        refused(R"({"source": "198.51.100.7:1", "destination": "203.0.113.10:80/tcp", "x": 1})").substr(0, 4),
        "/x: ");
}

} // namespace
} // namespace aya::test
