// SPDX-License-Identifier: BSD-2-Clause
// Which of the VIPs' addresses the kernel has, too, kept up to date.
#pragma once

#include "common/address.hpp"
#include "common/netlink/socket.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <span>

namespace aya::neighbours
{

// The kernel is asked for its route to each address, which also finds an address that it has without an
// interface having it (`ip route add local`).
class LocalAddresses
{
public:
    // `changed` is called on the event loop with those that contains() answers something else for. Throws
    // Error.
    using Changed = std::function<void(std::span<const IpAddress> addresses)>;
    LocalAddresses(const boost::asio::any_io_executor &executor, Changed changed);

    // Looks up what is new among them before it returns. Does not call `changed`.
    void follow(const std::set<IpAddress> &addresses);

    bool contains(const IpAddress &address) const;

private:
    void listen();
    void look_again_after(std::chrono::milliseconds delay);
    void look_again();

    Changed changed_;
    netlink::Socket events_;
    netlink::Socket requests_;
    boost::asio::posix::stream_descriptor readable_;
    boost::asio::steady_timer timer_;
    std::map<IpAddress, bool> addresses_;
};

} // namespace aya::neighbours
