// SPDX-License-Identifier: BSD-2-Clause
#include "health/connection.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace aya::health
{

Step Connection::open(const ProbeTarget &to)
{
    int error = socket_.open(to.address.address, SOCK_STREAM);
    if (error == 0 && to.tunnel)
        error = socket_.go_through(*to.tunnel);
    if (error != 0)
        return Step::done(finding_of(error));
    socket_.set(SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
    error = socket_.connect(to.address);
    return error == 0 || error == EINPROGRESS ? Step::writable(fd()) : Step::done(finding_of(error));
}

} // namespace aya::health
