// SPDX-License-Identifier: BSD-2-Clause
// Real probes over loopback.
#include "health/monitor.hpp"
#include "health/tcp_connect.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace aya::health
{
namespace
{

using namespace std::chrono_literals;

const IpAddress kLoopback = IpAddress::v4(127, 0, 0, 1);

// A listening TCP socket on a free port of 127.0.0.1; or only bound, so that connections are refused and
// nobody else takes the port.
class Listener
{
public:
    explicit Listener(bool listening) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
        socklen_t length = sizeof(address);
        ::getsockname(fd_, reinterpret_cast<sockaddr *>(&address), &length);
        port_ = ntohs(address.sin_port);
        if (listening)
            listen();
    }
    ~Listener() { ::close(fd_); }
    Listener(const Listener &) = delete;
    Listener &operator=(const Listener &) = delete;

    void listen() { EXPECT_EQ(::listen(fd_, 128), 0); }
    std::uint16_t port() const { return port_; }

private:
    int fd_;
    std::uint16_t port_ = 0;
};

Target target_at(const char *backend, std::uint16_t port)
{
    return {.service = "web",
            .backend = backend,
            .address = kLoopback,
            .port = port,
            .rule = {.interval = 20ms, .timeout = 2000ms, .rise = 2, .fall = 3}};
}

Health nothing_recalled(const Target &)
{
    return Health::unknown;
}

// Runs the loop until `done` or, failing the test, for too long.
template <class Done>
void run_until(boost::asio::io_context &io, Done done)
{
    const auto deadline = Clock::now() + 20s;
    while (!done() && Clock::now() < deadline)
        io.run_one_for(100ms);
    EXPECT_TRUE(done()) << "gave up";
}

TEST(TcpConnect, NamesWhatWentWrong)
{
    EXPECT_EQ(outcome_of(0), Outcome::ok);
    EXPECT_EQ(outcome_of(ECONNREFUSED), Outcome::refused);
    EXPECT_EQ(outcome_of(ETIMEDOUT), Outcome::timeout);
    EXPECT_EQ(outcome_of(EHOSTUNREACH), Outcome::unreachable);
    EXPECT_EQ(outcome_of(ENETUNREACH), Outcome::unreachable);
    EXPECT_EQ(outcome_of(EINVAL), Outcome::unreachable) << "a blackhole route";
    EXPECT_EQ(outcome_of(EMFILE), Outcome::local_error);
    EXPECT_EQ(outcome_of(EADDRNOTAVAIL), Outcome::local_error);
}

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
            EXPECT_EQ(tracker.last_outcome(), Outcome::refused);
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
                    [&](const Target &, const Tracker &tracker, bool) { outcome = tracker.last_outcome(); });
    // A listener whose queue is full does not answer: silence without leaving the machine.
    Listener listener(false);
    listener.listen();
    std::vector<int> filling;
    for (int i = 0; i < 300; i++)
        if (const Attempt attempt = start_connect(kLoopback, listener.port()); attempt.fd >= 0)
            filling.push_back(attempt.fd);
    Target target = target_at("silent", listener.port());
    target.rule.timeout = 50ms;
    monitor.set_targets({target}, nothing_recalled);
    run_until(io, [&] { return outcome == Outcome::timeout; });
    for (const int fd : filling)
        ::close(fd);
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

    monitor.set_targets({target_at("one", other.port())}, nothing_recalled);
    EXPECT_EQ(known(), Health::unknown) << "it moved: another server for all we know";
    run_until(io, [&] { return known() == Health::up; });
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
} // namespace aya::health
