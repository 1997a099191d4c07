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

std::vector<Prefix> LocalAddresses::ask(const Prefix &prefix, const std::set<Prefix> &own)
{
    if (is_local(requests_, prefix.address) && (is_host(prefix) || is_local(requests_, last_of(prefix))))
        return {prefix};
    return is_host(prefix) ? std::vector<Prefix>{} : within(own, prefix);
}

void LocalAddresses::follow(const std::set<Prefix> &prefixes)
{
    const std::set<Prefix> own = own_addresses(requests_);
    std::map<Prefix, std::vector<Prefix>> next;
    for (const Prefix &prefix : prefixes) {
        const auto known = local_.find(prefix);
        next.emplace(prefix, known == local_.end() ? ask(prefix, own) : known->second);
    }
    local_ = std::move(next);
}

std::vector<Prefix> LocalAddresses::local_in(const Prefix &prefix) const
{
    const auto found = local_.find(prefix);
    return found == local_.end() ? std::vector<Prefix>{} : found->second;
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
    const std::set<Prefix> own = own_addresses(requests_);
    std::vector<Prefix> different;
    for (auto &[prefix, local] : local_) {
        std::vector<Prefix> now = ask(prefix, own);
        if (now == local)
            continue;
        local = std::move(now);
        different.push_back(prefix);
    }
    if (!different.empty())
        changed_(different);
}

} // namespace aya::neighbours
