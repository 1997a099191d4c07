// SPDX-License-Identifier: BSD-2-Clause
#include "health/connection.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace aya::health
{

namespace
{

socklen_t fill(sockaddr_storage &storage, const SocketAddress &to)
{
    if (to.address.is_v4()) {
        sockaddr_in in = {};
        in.sin_family = AF_INET;
        in.sin_port = htons(to.port);
        std::memcpy(&in.sin_addr, to.address.v4_bytes(), 4);
        std::memcpy(&storage, &in, sizeof(in));
        return sizeof(in);
    }
    sockaddr_in6 in = {};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(to.port);
    std::memcpy(&in.sin6_addr, to.address.bytes.data(), 16);
    std::memcpy(&storage, &in, sizeof(in));
    return sizeof(in);
}

} // namespace

Step Connection::open(const SocketAddress &to)
{
    close();
    const int family = to.address.is_v4() ? AF_INET : AF_INET6;
    fd_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0)
        return Step::done(finding_of(errno));
    const linger reset = {.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));

    sockaddr_storage storage = {};
    const socklen_t length = fill(storage, to);
    const bool decided = ::connect(fd_, reinterpret_cast<const sockaddr *>(&storage), length) == 0;
    return decided || errno == EINPROGRESS ? Step::writable(fd_) : Step::done(finding_of(errno));
}

Finding Connection::opened() const
{
    int error = 0;
    socklen_t length = sizeof(error);
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    return finding_of(error);
}

void Connection::close()
{
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

} // namespace aya::health
