// SPDX-License-Identifier: BSD-2-Clause
// One attempt of a probe, and the servers that it meets: threads on loopback that do as they were told.
#pragma once

#include "health/probe.hpp"
#include "loopback.hpp"

#include <functional>
#include <poll.h>
#include <string>
#include <thread>
#include <utility>

namespace aya::health::test
{

inline ProbeTarget target_of(std::uint16_t port, ProbeOptions options = {})
{
    return {.address = {kLoopback, port},
            .options = std::make_shared<const ProbeOptions>(std::move(options))};
}

inline Finding attempt(HealthType type, const ProbeTarget &target, Milliseconds timeout = 5s)
{
    const auto probe = make_probe(probe_type(type), target);
    const auto deadline = Clock::now() + timeout;
    Step step = probe->start();
    while (step.kind != Step::Kind::done) {
        pollfd waiting = {.fd = step.fd,
                          .events = step.kind == Step::Kind::readable ? short{POLLIN} : short{POLLOUT},
                          .revents = 0};
        const auto left = std::chrono::duration_cast<Milliseconds>(deadline - Clock::now());
        const bool ready = left > 0ms && ::poll(&waiting, 1, static_cast<int>(left.count())) == 1;
        step = ready ? probe->ready() : Step::done(probe->expired());
    }
    probe->stop();
    return step.finding;
}

// Does the same with every connection, one after the other.
class Server
{
public:
    explicit Server(std::function<void(int fd)> serve)
        : thread_([this, serve = std::move(serve)] {
              for (int fd = 0; (fd = ::accept(listener_.fd(), nullptr, nullptr)) >= 0; ::close(fd))
                  serve(fd);
          })
    {
    }
    ~Server()
    {
        ::shutdown(listener_.fd(), SHUT_RDWR);
        thread_.join();
    }

    std::uint16_t port() const { return listener_.port(); }

private:
    Listener listener_{true};
    std::thread thread_;
};

// False once the client has gone.
inline bool say(int fd, std::string_view text)
{
    return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

inline std::string hear(int fd)
{
    char buffer[4096];
    const ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
    return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
}

inline void wait_for_end(int fd)
{
    while (!hear(fd).empty()) {
    }
}

// Answers, and stays until the client goes.
inline std::function<void(int)> saying(std::string answer)
{
    return [answer = std::move(answer)](int fd) {
        hear(fd);
        say(fd, answer);
        wait_for_end(fd);
    };
}

// Never stops.
inline std::function<void(int)> repeating(std::string start, std::string piece, Milliseconds pause = 0ms)
{
    return [=](int fd) {
        hear(fd);
        say(fd, start);
        while (say(fd, piece))
            std::this_thread::sleep_for(pause);
    };
}

// Messages that a TLS client skips during its handshake, for two seconds at most.
inline void greet_on_and_on(int fd)
{
    std::string requests;
    for (int i = 0; i < 1000; i++)
        requests.append("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 9); // one HelloRequest
    const auto end = Clock::now() + 2s;
    hear(fd);
    while (Clock::now() < end && say(fd, requests)) {
    }
}

inline void silent(int fd)
{
    wait_for_end(fd);
}

} // namespace aya::health::test
