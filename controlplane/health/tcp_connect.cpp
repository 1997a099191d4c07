// SPDX-License-Identifier: BSD-2-Clause
#include "health/tcp_connect.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace aya::health
{

namespace
{

socklen_t fill(sockaddr_storage &storage, const IpAddress &address, std::uint16_t port)
{
    if (address.is_v4()) {
        sockaddr_in in = {};
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        std::memcpy(&in.sin_addr, address.v4_bytes(), 4);
        std::memcpy(&storage, &in, sizeof(in));
        return sizeof(in);
    }
    sockaddr_in6 in = {};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    std::memcpy(&in.sin6_addr, address.bytes.data(), 16);
    std::memcpy(&storage, &in, sizeof(in));
    return sizeof(in);
}

} // namespace

Outcome outcome_of(int error)
{
    switch (error) {
    case 0:
        return Outcome::ok;
    case ECONNREFUSED:
    case ECONNRESET:
        return Outcome::refused;
    case ETIMEDOUT:
        return Outcome::timeout;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENONET:
    case EPROTO: // ICMP parameter problem
    case ENOPROTOOPT:
    case EINVAL: // a `blackhole` route
    case EACCES: // a `prohibit` route, or ICMP administratively prohibited
        return Outcome::unreachable;
    default:
        return Outcome::local_error;
    }
}

Attempt start_connect(const IpAddress &address, std::uint16_t port)
{
    const int family = address.is_v4() ? AF_INET : AF_INET6;
    const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return {.error = errno};
    const linger reset = {.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));

    sockaddr_storage storage = {};
    const socklen_t length = fill(storage, address, port);
    if (::connect(fd, reinterpret_cast<const sockaddr *>(&storage), length) == 0) {
        ::close(fd);
        return {.outcome = Outcome::ok};
    }
    const int error = errno;
    if (error == EINPROGRESS)
        return {.fd = fd};
    ::close(fd);
    return {.outcome = outcome_of(error), .error = error};
}

Outcome finish_connect(int fd)
{
    int error = 0;
    socklen_t length = sizeof(error);
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return Outcome::local_error;
    return outcome_of(error);
}

} // namespace aya::health
