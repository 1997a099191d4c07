// SPDX-License-Identifier: BSD-2-Clause
//
// What health probes cost: CPU time a probe of the monitor, beside the bare system calls of the same
// connections one by one (the floor: both ends of a loopback connection are in it). By default 10 000 targets
// at 1 s, as the budget has it.
//
//   probe_bench [targets [interval_ms [seconds]]]
#include "aya/types.h"
#include "health/connection.hpp"
#include "health/monitor.hpp"

#include <boost/asio/io_context.hpp>

#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

using namespace aya;
using health::Milliseconds;

double cpu_seconds()
{
    rusage usage = {};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval &t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A process that takes and closes connections to any loopback address; it ends with this one.
class Server
{
public:
    Server()
    {
        const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in any = {};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_ANY);
        socklen_t size = sizeof(any);
        if (listener < 0 || ::bind(listener, reinterpret_cast<sockaddr *>(&any), size) != 0 ||
            ::listen(listener, 4096) != 0 ||
            ::getsockname(listener, reinterpret_cast<sockaddr *>(&any), &size) != 0)
            throw std::runtime_error("cannot listen");
        port_ = ntohs(any.sin_port);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                ::close(::accept(listener, nullptr, nullptr));
        }
        ::close(listener);
    }
    ~Server()
    {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    std::uint16_t port() const { return port_; }

private:
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

IpAddress address_of(unsigned i)
{
    return IpAddress::v4(127, 1, static_cast<u8>(i >> 8), static_cast<u8>(i));
}

// us a connection.
double measure_floor(unsigned count, std::uint16_t port)
{
    const double before = cpu_seconds();
    for (unsigned i = 0; i < count; i++) {
        health::Connection connection;
        connection.open({.address = {address_of(i), port}, .options = {}});
        pollfd ready = {.fd = connection.fd(), .events = POLLOUT, .revents = 0};
        ::poll(&ready, 1, 1000);
        if (connection.opened() != health::Finding(health::Outcome::ok))
            throw std::runtime_error("a connection failed");
    }
    return (cpu_seconds() - before) * 1e6 / count;
}

struct Probed {
    double us = 0;    // a probe
    double share = 0; // of a core
    u64 bad = 0;
};

Probed measure_monitor(unsigned count, Milliseconds interval, int seconds, std::uint16_t port)
{
    boost::asio::io_context io{1};
    u64 probes = 0;
    health::Monitor monitor(io.get_executor(), [&](const auto &, const auto &, bool) { probes++; });
    std::vector<health::Target> targets;
    targets.reserve(count);
    for (unsigned i = 0; i < count; i++)
        targets.push_back({.service = "service-" + std::to_string(i / 100),
                           .backend = "backend-" + std::to_string(i % 100),
                           .address = address_of(i),
                           .port = port,
                           .rule = {.interval = interval, .timeout = interval / 2}});
    monitor.set_targets(std::move(targets), [](const auto &) { return Health::unknown; });
    io.run_for(interval); // the first round, spread over one interval
    const u64 probes_before = probes;
    const double before = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    io.run_for(std::chrono::seconds(seconds));
    const double used = cpu_seconds() - before;
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    u64 bad = 0;
    for (std::size_t outcome = 1; outcome < std::size(monitor.totals().by_outcome); outcome++)
        bad += monitor.totals().by_outcome[outcome];
    return {.us = used * 1e6 / static_cast<double>(probes - probes_before), .share = used / wall, .bad = bad};
}

} // namespace

int main(int argc, char **argv)
{
    const auto argument = [&](int i, unsigned otherwise) {
        return argc > i ? static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10)) : otherwise;
    };
    const unsigned targets = argument(1, 10000);
    const Milliseconds interval(argument(2, 1000));
    const int seconds = static_cast<int>(argument(3, 5));
    rlimit files = {};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    try {
        const Server server;
        const double floor = measure_floor(20000, server.port());
        const Probed probed = measure_monitor(targets, interval, seconds, server.port());
        std::printf("bare connections        %6.2f us each\n", floor);
        std::printf("%u targets, %lld ms  %6.2f us a probe, %.2f of bare; %.1f %% of a core; %llu bad\n",
                    targets, static_cast<long long>(interval.count()), probed.us, probed.us / floor,
                    probed.share * 100, static_cast<unsigned long long>(probed.bad));
    } catch (const std::exception &error) {
        std::fprintf(stderr, "probe_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
