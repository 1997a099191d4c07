// SPDX-License-Identifier: BSD-2-Clause
// A socket to rtnetlink (rtnetlink(7)): requests that the kernel answers at once, and events.
#pragma once

#include "common/netlink/message.hpp"

#include <cstdint>
#include <vector>

namespace aya::netlink
{

class Socket
{
public:
    // `groups`: RTNLGRP_* to listen to. Throws Error.
    explicit Socket(const std::vector<int> &groups = {});
    ~Socket();
    Socket(const Socket &) = delete;
    Socket &operator=(const Socket &) = delete;

    int fd() const { return fd_; }

    // Reads whatever has come in, without blocking. False: messages were lost (the queue overran), so that
    // everything known must be read again.
    bool drain(const Each &each);

    // Calls `each` for what is answered. 0 or an errno value.
    int exchange(Request &request, const Each &each);

    // The same for a request with NLM_F_DUMP, which is repeated, after `restart`, if the kernel says that its
    // objects changed meanwhile.
    int dump(Request &request, const std::function<void()> &restart, const Each &each);

private:
    int fd_ = -1;
    std::uint32_t sequence_ = 0;
    std::vector<char> buffer_;
};

} // namespace aya::netlink
