// SPDX-License-Identifier: BSD-2-Clause
// Which of the VIPs' addresses the kernel has, too, kept up to date.
#pragma once

#include "common/netlink/socket.hpp"
#include "common/prefix.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <vector>

namespace aya::neighbours
{

// The kernel is asked for its route to each address, which also finds an address that it has without an
// interface having it (`ip route add local`). A prefix it has either all of, by its routes to both ends, or
// those of its addresses that interfaces have.
class LocalAddresses
{
public:
    // `changed` is called on the event loop with those that local_in() answers something else for. Throws
    // Error.
    using Changed = std::function<void(std::span<const Prefix> prefixes)>;
    LocalAddresses(const boost::asio::any_io_executor &executor, Changed changed);

    // Looks up what is new among them before it returns. Does not call `changed`.
    void follow(const std::set<Prefix> &prefixes);

    // What the kernel has of one that is followed: itself, or addresses in it.
    std::vector<Prefix> local_in(const Prefix &prefix) const;

private:
    std::vector<Prefix> ask(const Prefix &prefix, const std::set<Prefix> &own);
    void listen();
    void look_again_after(std::chrono::milliseconds delay);
    void look_again();

    Changed changed_;
    netlink::Socket events_;
    netlink::Socket requests_;
    boost::asio::posix::stream_descriptor readable_;
    boost::asio::steady_timer timer_;
    std::map<Prefix, std::vector<Prefix>> local_;
};

} // namespace aya::neighbours
