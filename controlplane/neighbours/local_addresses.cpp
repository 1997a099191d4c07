// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/local_addresses.hpp"

#include "neighbours/netlink.hpp"

#include <chrono>
#include <linux/rtnetlink.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace aya::neighbours
{

namespace
{

using namespace std::chrono_literals;

constexpr auto kAfterChange = 50ms; // addresses change in bursts
constexpr auto kAnyway = 20s;       // local routes without an address; they come with no event of their own

} // namespace

LocalAddresses::LocalAddresses(const boost::asio::any_io_executor &executor, Changed changed)
    : changed_(std::move(changed)), events_({RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR}),
      readable_(executor, ::dup(events_.fd())), timer_(executor)
{
    listen();
    look_again_after(kAnyway);
}

void LocalAddresses::follow(const std::set<IpAddress> &addresses)
{
    std::map<IpAddress, bool> next;
    for (const IpAddress &address : addresses) {
        const auto known = addresses_.find(address);
        next.emplace(address, known == addresses_.end() ? is_local(requests_, address) : known->second);
    }
    addresses_ = std::move(next);
}

bool LocalAddresses::contains(const IpAddress &address) const
{
    const auto found = addresses_.find(address);
    return found != addresses_.end() && found->second;
}

// Which address came or went does not matter, so neither do events that were lost.
void LocalAddresses::listen()
{
    readable_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](boost::system::error_code error) {
                             if (error)
                                 return;
                             events_.drain([](const nlmsghdr &) {});
                             look_again_after(kAfterChange);
                             listen();
                         });
}

void LocalAddresses::look_again_after(std::chrono::milliseconds delay)
{
    timer_.expires_after(delay);
    timer_.async_wait([this](boost::system::error_code error) {
        if (error)
            return;
        look_again();
        look_again_after(kAnyway);
    });
}

void LocalAddresses::look_again()
{
    std::vector<IpAddress> different;
    for (auto &[address, local] : addresses_)
        if (std::exchange(local, is_local(requests_, address)) != local)
            different.push_back(address);
    if (!different.empty())
        changed_(different);
}

} // namespace aya::neighbours
