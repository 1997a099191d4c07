// SPDX-License-Identifier: BSD-2-Clause
// The socket of one attempt: it never blocks, and is closed with the attempt.
#pragma once

#include "common/address.hpp"
#include "health/tunnel.hpp"

namespace aya::health
{

class Socket
{
public:
    Socket() = default;
    ~Socket() { close(); }
    Socket(const Socket &) = delete;
    Socket &operator=(const Socket &) = delete;

    // Each: 0, or an errno value.
    int open(const IpAddress &family, int type, int protocol = 0);
    int bind(const SocketAddress &to);
    int connect(const SocketAddress &to);
    int go_through(const Tunnel &tunnel); // what is sent from now on
    int error() const;                    // pending; takes it away
    template <class Value>
    int set(int level, int option, const Value &value)
    {
        return set(level, option, &value, sizeof(value));
    }

    SocketAddress local() const;
    int fd() const { return fd_; }
    void close();

private:
    int set(int level, int option, const void *value, unsigned length);

    int fd_ = -1;
};

} // namespace aya::health
