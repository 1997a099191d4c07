// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/icmp_errors.hpp"

#include <spdlog/spdlog.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <sys/socket.h>

namespace aya::neighbours
{

namespace
{

using namespace std::chrono_literals;

// A flood of forged errors costs no more than this; what the socket's buffer cannot hold is lost.
constexpr int kAtOnce = 32;
constexpr auto kPause = 10ms;
constexpr std::size_t kEnough = 256; // all headers

int open_socket(int family)
{
    const bool v4 = family == AF_INET;
    const int fd = ::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                            v4 ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6));
    if (fd < 0)
        return fd;
    const icmp_filter ipv4{.data = ~(1U << ICMP_DEST_UNREACH)};
    icmp6_filter ipv6;
    ICMP6_FILTER_SETBLOCKALL(&ipv6);
    ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &ipv6);
    if (v4)
        ::setsockopt(fd, SOL_RAW, ICMP_FILTER, &ipv4, sizeof(ipv4));
    else
        ::setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &ipv6, sizeof(ipv6));
    return fd;
}

} // namespace

IcmpErrors::IcmpErrors(const boost::asio::any_io_executor &executor, Heard heard) : heard_(std::move(heard))
{
    open(executor, ipv4_, AF_INET);
    open(executor, ipv6_, AF_INET6);
}

void IcmpErrors::open(const boost::asio::any_io_executor &executor, std::optional<Ear> &ear, int family)
{
    const int fd = open_socket(family);
    if (fd < 0) {
        if (errno != EAFNOSUPPORT)
            spdlog::warn("routers' ICMP{} errors about tunnels to backends are not heard: {}{}",
                         family == AF_INET ? "" : "v6", std::strerror(errno),
                         errno == EPERM ? " (requires CAP_NET_RAW)" : "");
        return;
    }
    ear.emplace(executor, fd).read = family == AF_INET ? read_too_big_ipv4 : read_too_big_ipv6;
    listen(*ear);
}

void IcmpErrors::listen(Ear &ear)
{
    ear.readable.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [this, &ear](boost::system::error_code error) {
                                if (!error)
                                    read_some(ear);
                            });
}

void IcmpErrors::read_some(Ear &ear)
{
    std::array<u8, kEnough> buffer;
    for (int i = 0; i < kAtOnce; i++) {
        const ssize_t length = ::recv(ear.readable.native_handle(), buffer.data(), buffer.size(), 0);
        if (length < 0)
            break;
        if (const auto error = ear.read(std::span(buffer).first(static_cast<std::size_t>(length))))
            heard_(*error);
    }
    ear.pause.expires_after(kPause);
    ear.pause.async_wait([this, &ear](boost::system::error_code error) {
        if (!error)
            listen(ear);
    });
}

} // namespace aya::neighbours
