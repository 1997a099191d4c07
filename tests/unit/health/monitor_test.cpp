// SPDX-License-Identifier: BSD-2-Clause
// Real probes over loopback.
#include "attempt.hpp"
#include "health/connection.hpp"

#include <cerrno>
#include <fcntl.h>
#include <list>
#include <map>
#include <thread>

namespace aya::health::test::monitor_test
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
    monitor.set_doubts([&](const IpAddress &server, TimePoint) { return broken && server == kLoopback; });
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
        filling.emplace_back().open({.address = {kLoopback, listener.port()}, .options = {}});
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

TEST(Monitor, AChangedProbeEndsNoWait)
{
    boost::asio::io_context io(1);
    const Listener listener(true);
    const Listener deaf(false);
    Monitor monitor(io.get_executor(), [](const Target &, const Tracker &, bool) {});
    const auto known = [&] { return monitor.find("web", "one")->health(); };
    Target target = target_at("one", deaf.port());
    target.rule.fall = 1000;
    monitor.set_targets({target}, [](const Target &) { return Health::waiting; });
    run_until(io, [&] { return monitor.find("web", "one")->failures() > 0; });
    EXPECT_EQ(known(), Health::waiting);
    monitor.set_targets({target_at("one", listener.port())}, nothing_recalled);
    EXPECT_EQ(known(), Health::waiting);
    run_until(io, [&] { return known() == Health::up; });
    EXPECT_EQ(monitor.find("web", "one")->successes(), 1u) << "the first good probe suffices";
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

// Accepts without a word, and counts.
unsigned connections_to(const Listener &listener)
{
    unsigned count = 0;
    for (int fd = 0; (fd = ::accept(listener.fd(), nullptr, nullptr)) >= 0; count++)
        ::close(fd);
    return count;
}

TEST(Monitor, ProbesAServerOnceForAllWhoAskTheSame)
{
    boost::asio::io_context io(1);
    const Listener listener(true, SOCK_NONBLOCK);
    std::map<std::string, unsigned> told;
    Monitor monitor(io.get_executor(),
                    [&](const Target &target, const Tracker &, bool) { told[target.service]++; });
    std::vector<Target> targets;
    for (int i = 0; i < 11; i++) {
        targets.push_back(target_at("one", listener.port()));
        targets.back().service = "web" + std::to_string(i);
        targets.back().rule.rise = static_cast<unsigned>(1 + i); // how results count is each one's own
    }
    monitor.set_targets(targets, [](const Target &) { return Health::down; });
    unsigned connections = 0;
    run_until(io, [&] {
        connections += connections_to(listener);
        return told["web0"] == 5;
    });
    connections += connections_to(listener);
    EXPECT_EQ(told.size(), 11u);
    for (const auto &[service, times] : told)
        EXPECT_EQ(times, 5u) << service;
    EXPECT_GE(connections, 5u);
    EXPECT_LE(connections, 6u);
    EXPECT_EQ(monitor.find("web4", "one")->health(), Health::up);
    EXPECT_EQ(monitor.find("web5", "one")->health(), Health::down) << "its rule asks for six";
    EXPECT_EQ(monitor.totals().by_outcome[static_cast<std::size_t>(Outcome::ok)], 5u);

    // Another interval is another question; the last asker takes the probe with it.
    targets.front().rule.interval = 10ms;
    monitor.set_targets({targets.front()}, nothing_recalled);
    run_until(io, [&] { return told["web0"] == 8; });
    EXPECT_EQ(told["web1"], 5u);
    EXPECT_EQ(monitor.find("web0", "one")->successes(), 8u) << "what was known is kept";
}

TEST(Monitor, WhatOneServiceKnowsOfAServerTheNextNeedNotFindOut)
{
    boost::asio::io_context io(1);
    const Listener deaf(false);
    Monitor monitor(io.get_executor(), [](const Target &, const Tracker &, bool) {});
    std::vector targets = {target_at("one", deaf.port())};
    monitor.set_targets(targets, nothing_recalled);
    run_until(io, [&] { return monitor.find("web", "one")->health() == Health::down; });
    targets.insert(targets.begin(), 2, targets.front());
    targets[0].service = "mail";
    targets[1].service = "news";
    targets[1].rule.init = InitState::up;
    monitor.set_targets(targets, nothing_recalled);
    EXPECT_EQ(monitor.find("mail", "one")->health(), Health::down);
    EXPECT_EQ(monitor.find("news", "one")->health(), Health::unknown) << "the operator has said what it is";
}

TEST(Monitor, ShorterWaitsEndTheWaitUnderWay)
{
    boost::asio::io_context io(1);
    const Listener deaf(false);
    unsigned probes = 0;
    Monitor monitor(io.get_executor(), [&](const Target &, const Tracker &, bool) { probes++; });
    Target target = target_at("one", deaf.port());
    target.rule.fall = 1;
    target.rule.down_interval = 1h;
    monitor.set_targets({target}, nothing_recalled);
    run_until(io, [&] { return probes == 1; });
    std::this_thread::sleep_for(2500ms); // longer than what is silence under the next rule
    target.rule.down_interval.reset();
    const auto began = Clock::now();
    monitor.set_targets({target}, nothing_recalled);
    EXPECT_FALSE(monitor.find("web", "one")->silent(Clock::now())) << "there could be no result so far";
    run_until(io, [&] { return probes == 2; });
    EXPECT_LT(Clock::now() - began, 5s);

    target.rule.down_interval = 1h;
    monitor.set_targets({target}, nothing_recalled);
    run_until(io, [&] { return probes == 3; });
    Target other = target;
    other.service = "mail";
    other.rule.down_interval.reset();
    monitor.set_targets({target, other}, nothing_recalled);
    run_until(io, [&] { return monitor.find("mail", "one")->failures() > 0; });
}

TEST(Monitor, TellsThatProbesAreLate)
{
    boost::asio::io_context io(1);
    const Listener listener(true);
    unsigned probes = 0;
    Monitor monitor(io.get_executor(), [&](const Target &, const Tracker &, bool) { probes++; });
    Target target = target_at("one", listener.port());
    target.rule.interval = 600ms;
    monitor.set_targets({target}, nothing_recalled);
    run_until(io, [&] { return probes == 1; });
    EXPECT_TRUE(monitor.warnings().empty());
    std::this_thread::sleep_for(1200ms); // the loop is busy with something else
    run_until(io, [&] { return probes == 2; });
    EXPECT_GT(monitor.lag(), 300ms);
    ASSERT_EQ(monitor.warnings().size(), 1u);
    EXPECT_NE(monitor.warnings().front().find("ms late"), std::string::npos) << monitor.warnings().front();
}

TEST(Monitor, HostileServersDelayNoOtherProbe)
{
    const std::string endless(4096, 'x');
    const Server servers[] = {
        Server(silent),
        Server(repeating("HTTP/1.1 200 OK\r\n\r\n", endless)),
        Server(repeating("HTTP/1.1 200 OK\r\n", "X: y\r\n")),
        Server(repeating("HTTP/1.1 200 OK\r\n\r\n", "x", 5ms)),
        Server(repeating("\x16\x03\x03", endless)),
        Server([](int fd) { hear(fd); }),
        Server(greet_on_and_on),
    };
    const Listener good(true);
    boost::asio::io_context io(1);
    unsigned probes = 0;
    std::map<std::string, unsigned> failures;
    Monitor monitor(io.get_executor(), [&](const Target &target, const Tracker &tracker, bool) {
        if (target.backend == "good")
            probes++;
        else if (tracker.last().outcome != Outcome::ok)
            failures[target.backend]++;
    });
    ProbeOptions options;
    options.expected_body = "ready";
    std::vector<Target> targets;
    for (const HealthType type : {HealthType::http, HealthType::https, HealthType::grpc})
        for (const Server &server : servers) {
            targets.push_back(target_at("", server.port()));
            targets.back().backend = std::string(to_string(type)) + std::to_string(server.port());
            targets.back().type = &probe_type(type);
            targets.back().rule.timeout = 200ms;
            if (type != HealthType::grpc)
                targets.back().options = std::make_shared<ProbeOptions>(options);
        }
    targets.push_back(target_at("good", good.port()));
    monitor.set_targets(targets, nothing_recalled);
    const auto began = Clock::now();
    run_until(io, [&] { return probes >= 50 && failures.size() == targets.size() - 1; });
    EXPECT_GE(monitor.find("web", "good")->successes(), 50u);
    EXPECT_LT((Clock::now() - began) / probes, 100ms) << "every 20 ms, on a machine that has more to do";
    EXPECT_LT(monitor.lag(), 1s);
}

// Has something to read at any time, and never the answer.
class Restless final : public Probe
{
public:
    Restless()
    {
        EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
        EXPECT_EQ(::write(ends_[1], "x", 1), 1);
    }
    ~Restless() override
    {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    Restless(const Restless &) = delete;
    Restless &operator=(const Restless &) = delete;
    Step start() override { return Step::readable(ends_[0]); }
    Step ready() override { return start(); }
    void stop() override {}

private:
    int ends_[2] = {-1, -1};
};

TEST(Monitor, AnAttemptEndsWithItsTimeoutHoweverMuchThereIsToRead)
{
    boost::asio::io_context io(1);
    Outcome outcome = Outcome::ok;
    Monitor monitor(
        io.get_executor(),
        [&](const Target &, const Tracker &tracker, bool) { outcome = tracker.last().outcome; },
        [](const ProbeType &, const ProbeTarget &) -> std::unique_ptr<Probe> {
            return std::make_unique<Restless>();
        });
    Target target = target_at("one", 1);
    target.rule.timeout = 50ms;
    monitor.set_targets({target}, nothing_recalled);
    const auto began = Clock::now();
    run_until(io, [&] { return outcome == Outcome::timeout; });
    EXPECT_LT(Clock::now() - began, 5s);
}

class Unsent final : public Probe
{
public:
    Step start() override { return Step::done(finding_of(EMFILE)); }
    Step ready() override { return start(); }
    void stop() override {}
};

TEST(Monitor, RaisesTheAlarmWhenProbesHaveNoResult)
{
    boost::asio::io_context io(1);
    static bool sent = false;
    Monitor monitor(
        io.get_executor(), [](const Target &, const Tracker &, bool) {},
        [](const ProbeType &type, const ProbeTarget &target) -> std::unique_ptr<Probe> {
            return sent ? make_probe(type, target) : std::make_unique<Unsent>();
        });
    const Listener listener(true);
    monitor.set_targets({target_at("one", listener.port()), target_at("two", listener.port())},
                        nothing_recalled);
    run_until(io, [&] { return !monitor.warnings().empty(); });
    const std::string line = monitor.warnings().front();
    EXPECT_TRUE(line.starts_with("no result from health probes of backend ")) << line;
    EXPECT_NE(line.find("(probe not sent: Too many open files); the same for 1 more; health is not known"),
              std::string::npos)
        << line;
    sent = true;
    monitor.set_targets({}, nothing_recalled);
    EXPECT_TRUE(monitor.warnings().empty());
    monitor.set_targets({target_at("one", listener.port())}, nothing_recalled);
    run_until(io, [&] { return monitor.find("web", "one")->successes() > 0; });
    EXPECT_TRUE(monitor.warnings().empty());
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
} // namespace aya::health::test::monitor_test
