// SPDX-License-Identifier: BSD-2-Clause
//
// What the kernel lost on its way to the sockets that DPDK's drivers for kernel interfaces receive through.
// The drivers count only a part of it themselves.
#pragma once

#include <vector>

#include "aya/types.h"

namespace aya
{

class SocketLosses
{
public:
    // AF_XDP and AF_PACKET sockets that this process has opened since are watched.
    class Opening
    {
    public:
        explicit Opening(SocketLosses &losses);
        ~Opening();
        Opening(const Opening &) = delete;
        Opening &operator=(const Opening &) = delete;

    private:
        SocketLosses &losses_;
        std::vector<int> before_;
    };

    // Packets that found a socket's queue full, so far.
    u64 count();

    // The sockets are closed now; what they lost stays counted.
    void forget();

private:
    struct Watched {
        int fd;
        u64 lost;
    };
    std::vector<Watched> sockets_;
    u64 of_closed_ = 0;
};

} // namespace aya
