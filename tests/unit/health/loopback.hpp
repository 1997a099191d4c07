// SPDX-License-Identifier: BSD-2-Clause
// Servers on loopback, and a monitor that probes them.
#pragma once

#include "health/monitor.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <arpa/inet.h>
#include <chrono>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace aya::health::test
{

using namespace std::chrono_literals;

inline const IpAddress kLoopback = IpAddress::v4(127, 0, 0, 1);

// Binds a socket to a free port of 127.0.0.1; answers which.
inline std::uint16_t bind_to_loopback(int fd)
{
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    socklen_t length = sizeof(address);
    ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &length);
    return ntohs(address.sin_port);
}

// A listening TCP socket on a free port of 127.0.0.1; or only bound, so that connections are refused and
// nobody else takes the port.
class Listener
{
public:
    explicit Listener(bool listening, int flags = 0)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)), port_(bind_to_loopback(fd_))
    {
        if (listening)
            listen();
    }
    ~Listener() { ::close(fd_); }
    Listener(const Listener &) = delete;
    Listener &operator=(const Listener &) = delete;

    void listen() { EXPECT_EQ(::listen(fd_, 128), 0); }
    std::uint16_t port() const { return port_; }
    int fd() const { return fd_; }

private:
    int fd_;
    std::uint16_t port_ = 0;
};

inline Target target_at(const char *backend, std::uint16_t port)
{
    return {.service = "web",
            .backend = backend,
            .address = kLoopback,
            .port = port,
            .rule = {.interval = 20ms, .timeout = 2000ms, .rise = 2, .fall = 3}};
}

inline Health nothing_recalled(const Target &)
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

} // namespace aya::health::test
