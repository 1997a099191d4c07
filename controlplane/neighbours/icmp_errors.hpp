// SPDX-License-Identifier: BSD-2-Clause
// Routers' errors about packets of ours that were too big. Both data planes leave ICMP for the box's own
// addresses to the kernel, which knows no socket that could have sent the quoted packet, so raw sockets look
// on.
#pragma once

#include "neighbours/path_mtu.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>

namespace aya::neighbours
{

class IcmpErrors
{
public:
    // `heard` is called on the event loop, with no check of what the message claims. Without the privilege
    // there are a warning and no calls.
    using Heard = std::function<void(const TooBig &error)>;
    IcmpErrors(const boost::asio::any_io_executor &executor, Heard heard);

private:
    struct Ear {
        Ear(const boost::asio::any_io_executor &executor, int fd) : readable(executor, fd), pause(executor) {}
        boost::asio::posix::stream_descriptor readable;
        boost::asio::steady_timer pause;
        std::optional<TooBig> (*read)(std::span<const u8> message) = nullptr;
    };

    void open(const boost::asio::any_io_executor &executor, std::optional<Ear> &ear, int family);
    void listen(Ear &ear);
    void read_some(Ear &ear);

    Heard heard_;
    std::optional<Ear> ipv4_;
    std::optional<Ear> ipv6_;
};

} // namespace aya::neighbours
