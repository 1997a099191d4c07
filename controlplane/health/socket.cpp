// SPDX-License-Identifier: BSD-2-Clause
#include "health/socket.hpp"

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

socklen_t fill(sockaddr_storage &storage, const SocketAddress &from)
{
    if (from.address.is_v4()) {
        sockaddr_in in = {};
        in.sin_family = AF_INET;
        in.sin_port = htons(from.port);
        std::memcpy(&in.sin_addr, from.address.v4_bytes(), 4);
        std::memcpy(&storage, &in, sizeof(in));
        return sizeof(in);
    }
    sockaddr_in6 in = {};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(from.port);
    std::memcpy(&in.sin6_addr, from.address.bytes.data(), 16);
    std::memcpy(&storage, &in, sizeof(in));
    return sizeof(in);
}

int result(int returned)
{
    return returned == 0 ? 0 : errno;
}

} // namespace

int Socket::open(const IpAddress &family, int type, int protocol)
{
    close();
    fd_ = ::socket(family.is_v4() ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    return fd_ < 0 ? errno : 0;
}

int Socket::bind(const SocketAddress &to)
{
    sockaddr_storage storage = {};
    const socklen_t length = fill(storage, to);
    return result(::bind(fd_, reinterpret_cast<const sockaddr *>(&storage), length));
}

int Socket::connect(const SocketAddress &to)
{
    sockaddr_storage storage = {};
    const socklen_t length = fill(storage, to);
    return result(::connect(fd_, reinterpret_cast<const sockaddr *>(&storage), length));
}

int Socket::go_through(const Tunnel &tunnel)
{
    const int error = set(SOL_SOCKET, SO_MARK, tunnel.mark);
    if (error != 0 || !tunnel.source)
        return error;
    set(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, int{1}); // connect() finds one that is free to this destination
    return bind({*tunnel.source, 0});
}

int Socket::error() const
{
    int error = 0;
    socklen_t length = sizeof(error);
    return ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

int Socket::set(int level, int option, const void *value, unsigned length)
{
    return result(::setsockopt(fd_, level, option, value, length));
}

SocketAddress Socket::local() const
{
    sockaddr_storage storage = {};
    socklen_t length = sizeof(storage);
    ::getsockname(fd_, reinterpret_cast<sockaddr *>(&storage), &length);
    SocketAddress address;
    if (storage.ss_family == AF_INET) {
        sockaddr_in in = {};
        std::memcpy(&in, &storage, sizeof(in));
        std::uint8_t bytes[4];
        std::memcpy(bytes, &in.sin_addr, 4);
        address = {IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]), ntohs(in.sin_port)};
    } else if (storage.ss_family == AF_INET6) {
        sockaddr_in6 in = {};
        std::memcpy(&in, &storage, sizeof(in));
        std::memcpy(address.address.bytes.data(), &in.sin6_addr, 16);
        address.port = ntohs(in.sin6_port);
    }
    return address;
}

void Socket::close()
{
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

} // namespace aya::health
