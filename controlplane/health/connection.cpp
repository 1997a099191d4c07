// SPDX-License-Identifier: BSD-2-Clause
#include "health/connection.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace aya::health
{

Step Connection::open(const SocketAddress &to)
{
    if (const int error = socket_.open(to.address, SOCK_STREAM))
        return Step::done(finding_of(error));
    socket_.set(SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
    const int error = socket_.connect(to);
    return error == 0 || error == EINPROGRESS ? Step::writable(fd()) : Step::done(finding_of(error));
}

} // namespace aya::health
