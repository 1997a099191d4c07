// SPDX-License-Identifier: BSD-2-Clause
// Counters and the data plane's watch, on a segment that the test writes as a data plane would.
#include "dataplane_writer.hpp"
#include "paths/counters.hpp"
#include "paths/dataplane_watch.hpp"
#include "paths/refusals.hpp"
#include "reconciler_fixture.hpp"

#include <sys/wait.h>

namespace aya::test
{
namespace
{

std::string in(const TemporaryDirectory &directory)
{
    return (directory.path() / "dataplane").string();
}

TEST(DataplaneWatch, SeesADataPlaneComeAndGo)
{
    TemporaryDirectory directory;
    DataplaneWatch watch(in(directory));
    EXPECT_FALSE(watch.poll());
    EXPECT_EQ(watch.running(), nullptr);
    EXPECT_EQ(watch.segment(), nullptr);
    EXPECT_EQ(watch.warnings(), std::vector<std::string>{"data plane: not running"});

    DataplaneWriter writer(in(directory), Bench::kSmall, 2);
    writer.add_port({.interface = "eth0", .punt = "aya0"});
    writer.beat();
    EXPECT_TRUE(watch.poll());
    EXPECT_NE(watch.running(), nullptr);
    ASSERT_EQ(watch.ports().size(), 1u);
    EXPECT_STREQ(watch.ports()[0].interface, "eth0");
    EXPECT_TRUE(watch.warnings().empty());
    EXPECT_FALSE(watch.poll()) << "the ports are the same";
}

TEST(DataplaneWatch, RemembersThePortsOfADataPlaneThatDied)
{
    TemporaryDirectory directory;
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(0);
    ::waitpid(child, nullptr, 0);
    DataplaneWriter writer(in(directory), Bench::kSmall, 1);
    writer.add_port({.interface = "eth0", .punt = ""});
    writer.set_pid(static_cast<u32>(child));
    DataplaneWatch watch(in(directory));
    EXPECT_TRUE(watch.poll());
    EXPECT_EQ(watch.running(), nullptr);
    EXPECT_NE(watch.segment(), nullptr) << "its last counters";
    EXPECT_EQ(watch.ports().size(), 1u);
    writer.remove();
    EXPECT_FALSE(watch.poll());
    EXPECT_EQ(watch.ports().size(), 1u);
}

TEST(DataplaneWatch, TakesTheNewSegmentOfANewDataPlane)
{
    TemporaryDirectory directory;
    DataplaneWriter first(in(directory), Bench::kSmall, 1);
    first.add_port({.interface = "eth0", .punt = ""});
    DataplaneWatch watch(in(directory));
    EXPECT_TRUE(watch.poll());
    DataplaneWriter second(in(directory), Bench::kSmall, 1);
    second.add_port({.interface = "eth1", .punt = ""});
    EXPECT_TRUE(watch.poll());
    EXPECT_STREQ(watch.ports()[0].interface, "eth1");
}

TEST(DataplaneWatch, WarnsOfAWorkerThatHangs)
{
    TemporaryDirectory directory;
    DataplaneWriter writer(in(directory), Bench::kSmall, 2);
    writer.beat();
    DataplaneWatch watch(in(directory));
    watch.poll();
    writer.set_heartbeat_age(1, 60'000'000'000);
    watch.poll();
    ASSERT_EQ(watch.warnings().size(), 1u);
    EXPECT_NE(watch.warnings()[0].find("worker 1"), std::string::npos) << watch.warnings()[0];
    writer.beat();
    watch.poll();
    EXPECT_TRUE(watch.warnings().empty());
}

TEST(DataplaneWatch, SaysWhatIsWrongWithAForeignFile)
{
    TemporaryDirectory directory;
    std::filesystem::copy_file("/proc/self/exe", in(directory));
    DataplaneWatch watch(in(directory));
    EXPECT_FALSE(watch.poll());
    ASSERT_EQ(watch.warnings().size(), 1u);
    EXPECT_NE(watch.warnings()[0].find("wrong magic number"), std::string::npos) << watch.warnings()[0];
}

struct Counted {
    Counted() : writer(in(directory), Bench::kSmall, 2), watch(in(directory)) { watch.poll(); }

    PacketCount backend(u32 id) const { return counters.backend(watch.segment(), id); }
    PacketCount service(u32 id) const { return counters.service(watch.segment(), id); }

    TemporaryDirectory directory;
    DataplaneWriter writer;
    DataplaneWatch watch;
    Counters counters;
};

TEST(Counters, AddUpTheWorkers)
{
    Counted counted;
    counted.counters.follow(counted.watch.segment(), {{1, "web"}}, {{3, "web\none"}});
    counted.writer.count_service(0, 1, {.packets = 5, .bytes = 500, .new_flows = 2, .turn = 0});
    counted.writer.count_service(1, 1, {.packets = 7, .bytes = 700, .new_flows = 1, .turn = 0});
    counted.writer.count_backend(1, 3, {.packets = 7, .bytes = 700});
    counted.writer.count_reason(0, AYA_REASON_NO_BACKEND, 4);
    counted.writer.count_reason(1, AYA_REASON_NO_BACKEND, 5);
    EXPECT_EQ(counted.service(1).packets, 12u);
    EXPECT_EQ(counted.service(1).bytes, 1200u);
    EXPECT_EQ(counted.service(1).new_flows, 3u);
    EXPECT_EQ(counted.backend(3).packets, 7u);
    EXPECT_EQ(counted.backend(4).packets, 0u);
    EXPECT_EQ(counted.counters.reason(counted.watch.segment(), AYA_REASON_NO_BACKEND), 9u);
}

TEST(Counters, WhatWasCountedBeforeTheControlPlaneCameBelongsToWhoIsThere)
{
    Counted counted;
    counted.writer.count_backend(0, 3, {.packets = 7, .bytes = 700});
    counted.counters.follow(counted.watch.segment(), {}, {{3, "web\none"}});
    EXPECT_EQ(counted.backend(3).packets, 7u);
}

TEST(Counters, ABackendDoesNotInheritFromThePreviousOwnerOfItsId)
{
    Counted counted;
    counted.counters.follow(counted.watch.segment(), {}, {{3, "web\none"}});
    counted.writer.count_backend(0, 3, {.packets = 7, .bytes = 700});
    counted.counters.follow(counted.watch.segment(), {}, {{3, "web\ntwo"}});
    EXPECT_EQ(counted.backend(3).packets, 0u);
    counted.writer.count_backend(0, 3, {.packets = 10, .bytes = 1000});
    EXPECT_EQ(counted.backend(3).packets, 3u);
    EXPECT_EQ(counted.backend(3).bytes, 300u);
}

TEST(Counters, StartAgainWithTheDataPlane)
{
    Counted counted;
    counted.counters.follow(counted.watch.segment(), {}, {{3, "web\none"}});
    counted.writer.count_backend(0, 3, {.packets = 7, .bytes = 700});
    counted.counters.follow(counted.watch.segment(), {}, {{3, "web\ntwo"}});
    DataplaneWriter next(in(counted.directory), Bench::kSmall, 1);
    next.count_backend(0, 3, {.packets = 2, .bytes = 200});
    counted.watch.poll();
    EXPECT_EQ(counted.backend(3).packets, 2u) << "the old base is of another count";
}

TEST(Counters, AddUpAProcessAndTheProgramUnderItEachFromItsOwnStart)
{
    Counted program;
    Counted process;
    const CounterSources both(program.watch.segment(), process.watch.segment());
    Counters counters;
    counters.follow(both, {}, {{3, "web\none"}});
    program.writer.count_backend(0, 3, {.packets = 7, .bytes = 700});
    process.writer.count_backend(1, 3, {.packets = 2, .bytes = 200});
    program.writer.count_reason(0, AYA_REASON_TRUNCATED, 1);
    process.writer.count_reason(0, AYA_REASON_TRUNCATED, 2);
    EXPECT_EQ(counters.backend(both, 3).packets, 9u);
    EXPECT_EQ(counters.reason(both, AYA_REASON_TRUNCATED), 3u);

    counters.follow(both, {}, {{3, "web\ntwo"}});
    EXPECT_EQ(counters.backend(both, 3).packets, 0u);
    // The process is started anew; the program counts on.
    Counted next;
    next.writer.count_backend(0, 3, {.packets = 5, .bytes = 500});
    program.writer.count_backend(0, 3, {.packets = 8, .bytes = 800});
    EXPECT_EQ(counters.backend({program.watch.segment(), next.watch.segment()}, 3).packets, 6u);
}

TEST(Counters, WhatAPortLostAfterwardsWasNotForwarded)
{
    Counted counted;
    const auto reason = [&](u32 number) { return counted.counters.reason(counted.watch.segment(), number); };
    counted.writer.count_reason(0, AYA_REASON_NONE, 100);
    counted.writer.count_reason(0, AYA_REASON_TX_LOST, 1);
    counted.writer.set_losses(
        1, {.rx_missed = 5, .rx_no_buffer = 0, .rx_errors = 0, .tx_lost = 30, .unused = {}});
    EXPECT_EQ(reason(AYA_REASON_NONE), 70u);
    EXPECT_EQ(reason(AYA_REASON_TX_LOST), 31u);
    counted.writer.set_losses(
        1, {.rx_missed = 5, .rx_no_buffer = 0, .rx_errors = 0, .tx_lost = 50, .unused = {}});
    EXPECT_EQ(reason(AYA_REASON_NONE), 70u) << "a counter never goes back";
    counted.writer.count_reason(0, AYA_REASON_NONE, 200);
    EXPECT_EQ(reason(AYA_REASON_NONE), 150u);
}

TEST(Counters, AreZeroWithoutADataPlane)
{
    Counters counters;
    counters.follow(nullptr, {{0, "web"}}, {{0, "web\none"}});
    EXPECT_EQ(counters.service(nullptr, 0).packets, 0u);
    EXPECT_EQ(counters.backend(nullptr, 0).packets, 0u);
    EXPECT_EQ(counters.reason(nullptr, 0), 0u);
}

TEST(Counters, AnIdBeyondTheDataPlanesTablesIsZero)
{
    Counted counted;
    EXPECT_EQ(counted.backend(Bench::kSmall.backends).packets, 0u);
    EXPECT_EQ(counted.service(Bench::kSmall.services).packets, 0u);
}

// Samples of two workers, as they would leave them.
class RefusalsTest : public testing::Test
{
protected:
    RefusalsTest()
    {
        writer.beat();
        watch.poll();
    }

    void refuse(u32 worker, u8 client, u64 when_ns, aya_reason reason = AYA_REASON_DENIED, u8 is_let_in = 0)
    {
        aya_flow flow{};
        std::memcpy(flow.src, IpAddress::v4(198, 51, 100, client).bytes.data(), sizeof(flow.src));
        flow.src_port = aya_cpu_to_be16(40000);
        aya_note_refusal(&writer.refusals(worker), when_ns, &flow, 3, static_cast<u8>(reason), is_let_in);
    }

    std::vector<std::string> news(u64 now_ns)
    {
        return log.news(watch.counters(), now_ns,
                        [](u32 id) { return id == 3 ? std::string("web") : std::string(); });
    }

    static constexpr u64 kStep = AYA_REFUSAL_INTERVAL_NS;
    TemporaryDirectory directory;
    DataplaneWriter writer{in(directory), Bench::kSmall, 2};
    DataplaneWatch watch{in(directory)};
    RefusalLog log{kStep / 2};
};

TEST_F(RefusalsTest, OfAllWorkersAreReadInTheirOrder)
{
    refuse(0, 1, 1 * kStep);
    refuse(1, 2, 2 * kStep);
    refuse(0, 3, 3 * kStep);
    std::vector<std::string> clients;
    for (const aya_refusal &refusal : read_refusals(watch.counters()))
        clients.push_back(client_of(refusal));
    EXPECT_EQ(clients,
              (std::vector<std::string>{"198.51.100.1:40000", "198.51.100.2:40000", "198.51.100.3:40000"}));
}

TEST_F(RefusalsTest, OneThatIsBeingWrittenIsLeftOut)
{
    refuse(0, 1, kStep);
    writer.refusals(0).sample[1].number = 0;
    EXPECT_TRUE(read_refusals(watch.counters()).empty());
}

TEST_F(RefusalsTest, AreLoggedByServiceAndReasonAndNotTooOften)
{
    for (u8 client = 1; client <= 5; client++)
        refuse(0, client, client * kStep);
    refuse(1, 9, kStep, AYA_REASON_FLOW_LIMIT);
    const u64 now = 10 * kStep;
    EXPECT_EQ(news(now),
              (std::vector<std::string>{"service web: denied: 198.51.100.1:40000, 198.51.100.2:40000, "
                                        "198.51.100.3:40000 and others",
                                        "service web: flow_limit: 198.51.100.9:40000"}));
    EXPECT_TRUE(news(now + 1).empty()) << "said already";
    refuse(0, 7, 11 * kStep);
    EXPECT_TRUE(news(now + 2).empty()) << "too soon";
    refuse(0, 8, 12 * kStep);
    EXPECT_EQ(news(now + RefusalLog::kLogEvery),
              std::vector<std::string>{"service web: denied: 198.51.100.8:40000"});
}

TEST_F(RefusalsTest, TheLogSaysWhoWasLetIn)
{
    refuse(0, 1, kStep);
    refuse(0, 2, 2 * kStep, AYA_REASON_DENIED, 1);
    EXPECT_EQ(news(3 * kStep),
              (std::vector<std::string>{"service web: denied: 198.51.100.1:40000",
                                        "service web: denied: 198.51.100.2:40000 (let in)"}));
}

TEST_F(RefusalsTest, TheLogLeavesOutWhatAnEarlierRunHasSaid)
{
    refuse(0, 1, kStep);
    RefusalLog restarted(2 * kStep);
    const auto name_of = [](u32) { return std::string("web"); };
    EXPECT_TRUE(restarted.news(watch.counters(), 2 * kStep, name_of).empty());
    refuse(0, 2, 3 * kStep);
    EXPECT_EQ(restarted.news(watch.counters(), 4 * kStep, name_of),
              std::vector<std::string>{"service web: denied: 198.51.100.2:40000"});
}

} // namespace
} // namespace aya::test
