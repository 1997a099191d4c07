// SPDX-License-Identifier: BSD-2-Clause
// Real probes over loopback.
#include "health/connection.hpp"
#include "loopback.hpp"

#include <list>

namespace aya::health::test
{
namespace
{

TEST(Monitor, FindsWhoAnswersAndWhoDoesNot)
{
    boost::asio::io_context io(1);
    const Listener good(true);
    const Listener bad(false);
    int up = 0;
    int down = 0;
    Monitor monitor(io.get_executor(), [&](const Target &target, const Tracker &tracker, bool changed) {
        if (!changed)
            return;
        (tracker.health() == Health::up ? up : down)++;
        EXPECT_EQ(target.backend, tracker.health() == Health::up ? "good" : "bad");
        if (tracker.health() == Health::down) {
            EXPECT_EQ(tracker.last().outcome, Outcome::refused);
            EXPECT_EQ(tracker.bad_streak(), 3u);
        }
    });
    monitor.set_targets({target_at("good", good.port()), target_at("bad", bad.port())}, nothing_recalled);
    run_until(io, [&] { return up == 1 && down == 1; });
    EXPECT_EQ(monitor.find("web", "good")->health(), Health::up);
    EXPECT_EQ(monitor.find("web", "bad")->health(), Health::down);
    EXPECT_EQ(monitor.find("web", "other"), nullptr);
}

TEST(Monitor, SeesABackendComeBack)
{
    boost::asio::io_context io(1);
    Listener listener(false);
    std::vector<Health> seen;
    Monitor monitor(io.get_executor(), [&](const Target &, const Tracker &tracker, bool changed) {
        if (changed)
            seen.push_back(tracker.health());
    });
    monitor.set_targets({target_at("one", listener.port())}, nothing_recalled);
    run_until(io, [&] { return seen.size() == 1; });
    listener.listen();
    run_until(io, [&] { return seen.size() == 2; });
    EXPECT_EQ(seen, (std::vector{Health::down, Health::up}));
}

TEST(Monitor, BelievesNoBadProbeWhileTheWayIsBrokenAtThisEnd)
{
    boost::asio::io_context io(1);
    const Listener nobody(false);
    bool broken = true;
    int down = 0;
    Monitor monitor(io.get_executor(), [&](const Target &, const Tracker &tracker, bool changed) {
        down += changed && tracker.health() == Health::down ? 1 : 0;
    });
    monitor.set_doubt([&] { return broken; });
    monitor.set_targets({target_at("one", nobody.port())}, nothing_recalled);
    const auto refused = [&] {
        return monitor.totals().by_outcome[static_cast<std::size_t>(Outcome::refused)];
    };
    run_until(io, [&] { return refused() >= 10; });
    EXPECT_EQ(down, 0);
    EXPECT_EQ(monitor.find("web", "one")->health(), Health::unknown);
    broken = false;
    run_until(io, [&] { return down == 1; });
}

TEST(Monitor, GivesUpOnSilenceAfterTheTimeout)
{
    boost::asio::io_context io(1);
    Outcome outcome = Outcome::ok;
    Monitor monitor(io.get_executor(),
                    [&](const Target &, const Tracker &tracker, bool) { outcome = tracker.last().outcome; });
    // A listener whose queue is full does not answer: silence without leaving the machine.
    Listener listener(false);
    listener.listen();
    std::list<Connection> filling;
    for (int i = 0; i < 300; i++)
        filling.emplace_back().open({kLoopback, listener.port()});
    Target target = target_at("silent", listener.port());
    target.rule.timeout = 50ms;
    monitor.set_targets({target}, nothing_recalled);
    run_until(io, [&] { return outcome == Outcome::timeout; });
}

TEST(Monitor, KeepsWhatItKnowsOfATargetThatStays)
{
    boost::asio::io_context io(1);
    const Listener listener(true);
    const Listener other(true);
    Monitor monitor(io.get_executor(), [](const Target &, const Tracker &, bool) {});
    const auto known = [&] { return monitor.find("web", "one")->health(); };
    monitor.set_targets({target_at("one", listener.port())}, nothing_recalled);
    run_until(io, [&] { return known() == Health::up; });

    Target same = target_at("one", listener.port());
    same.rule.fall = 7;
    monitor.set_targets({same}, nothing_recalled);
    EXPECT_EQ(known(), Health::up);
    EXPECT_EQ(monitor.find("web", "one")->rule().fall, 7u);

    Target moved = target_at("one", other.port());
    moved.address = *parse_ip_address("127.0.0.2");
    monitor.set_targets({moved}, nothing_recalled);
    EXPECT_EQ(known(), Health::unknown) << "it moved: another server for all we know";
}

TEST(Monitor, AChangedProbeKeepsWhatIsKnownOfTheServer)
{
    boost::asio::io_context io(1);
    const Listener listener(true);
    const Listener deaf(false);
    Monitor monitor(io.get_executor(), [](const Target &, const Tracker &, bool) {});
    const auto known = [&] { return monitor.find("web", "one")->health(); };
    monitor.set_targets({target_at("one", deaf.port())}, nothing_recalled);
    run_until(io, [&] { return known() == Health::down; });
    monitor.set_targets({target_at("one", listener.port())}, nothing_recalled);
    EXPECT_EQ(known(), Health::down) << "not up before a probe has said so";
    run_until(io, [&] { return known() == Health::up; });
    monitor.set_targets({target_at("one", deaf.port())}, nothing_recalled);
    EXPECT_EQ(known(), Health::up) << "nor down";
    run_until(io, [&] { return known() == Health::down; });
}

TEST(Monitor, RecallsTheHealthOfANewTarget)
{
    boost::asio::io_context io(1);
    const Listener listener(true);
    Monitor monitor(io.get_executor(), [](const Target &, const Tracker &, bool) {});
    monitor.set_targets({target_at("one", listener.port())}, [](const Target &) { return Health::down; });
    EXPECT_EQ(monitor.find("web", "one")->health(), Health::down);
    run_until(io, [&] { return monitor.find("web", "one")->health() == Health::up; });
    EXPECT_GE(monitor.find("web", "one")->successes(), 2u) << "rise";
}

TEST(Monitor, StopsProbingWhatIsNoTargetAnyMore)
{
    boost::asio::io_context io(1);
    const Listener listener(true);
    int probes = 0;
    Monitor monitor(io.get_executor(), [&](const Target &, const Tracker &, bool) { probes++; });
    monitor.set_targets({target_at("one", listener.port())}, nothing_recalled);
    run_until(io, [&] { return probes > 0; });
    monitor.set_targets({}, nothing_recalled);
    const int before = probes;
    while (io.run_one_for(100ms)) // ends when nothing is left to wait for
        ;
    EXPECT_EQ(probes, before);
    EXPECT_TRUE(io.stopped());
}

TEST(Monitor, MayBeChangedByItsOwnListener)
{
    boost::asio::io_context io(1);
    const Listener listener(true);
    Monitor *self = nullptr;
    bool called = false;
    Monitor monitor(io.get_executor(), [&](const Target &, const Tracker &, bool) {
        called = true;
        self->set_targets({}, nothing_recalled);
    });
    self = &monitor;
    monitor.set_targets({target_at("one", listener.port())}, nothing_recalled);
    run_until(io, [&] { return called && io.stopped(); });
    EXPECT_EQ(monitor.size(), 0u);
}

} // namespace
} // namespace aya::health::test
