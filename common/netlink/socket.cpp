// SPDX-License-Identifier: BSD-2-Clause
#include "common/netlink/socket.hpp"

#include "common/error.hpp"

#include <cerrno>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace aya::netlink
{

namespace
{

constexpr std::size_t kBufferSize = 64 * 1024;
constexpr int kEventQueue = 4 << 20; // room for a burst of route changes
constexpr int kDumpAttempts = 10;
constexpr timeval kPatience = {.tv_sec = 1, .tv_usec = 0};

// 0 or an errno value.
int listen_to(int fd, const std::vector<int> &groups)
{
    if (!groups.empty() &&
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kEventQueue, sizeof(kEventQueue)) != 0)
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kEventQueue, sizeof(kEventQueue));
    const sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
    if (::bind(fd, reinterpret_cast<const sockaddr *>(&local), sizeof(local)) != 0)
        return errno;
    for (const int group : groups)
        if (::setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
            return errno;
    return 0;
}

bool is_dump(const nlmsghdr &request)
{
    return (request.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

} // namespace

Socket::Socket(const std::vector<int> &groups)
    : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)), buffer_(kBufferSize)
{
    if (fd_ < 0)
        throw Error::system("cannot open a netlink socket", errno);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
    if (const int error = listen_to(fd_, groups)) {
        ::close(fd_);
        throw Error::system("cannot listen to netlink", error);
    }
}

Socket::~Socket()
{
    ::close(fd_);
}

bool Socket::drain(const Each &each)
{
    for (;;) {
        const ssize_t length = ::recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK;
        if (static_cast<std::size_t>(length) > buffer_.size())
            return false;
        for_each_message(buffer_.data(), static_cast<std::size_t>(length), each);
    }
}

int Socket::exchange(Request &request, const Each &each)
{
    nlmsghdr &header = *request.header();
    header.nlmsg_seq = ++sequence_;
    // Every answer has an end then. NLM_F_DUMP is two bits, one of which means something else in a request
    // that changes something.
    if (!is_dump(header))
        header.nlmsg_flags |= NLM_F_ACK;
    if (::send(fd_, &header, header.nlmsg_len, 0) < 0)
        return errno;
    bool interrupted = false;
    std::optional<int> result;
    while (!result) {
        const ssize_t length = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return errno;
        for_each_message(buffer_.data(), static_cast<std::size_t>(length), [&](const nlmsghdr &message) {
            if (message.nlmsg_seq != sequence_)
                return; // the end of an earlier exchange
            interrupted |= (message.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
            if (message.nlmsg_type == NLMSG_ERROR) {
                const auto *error = body_of<nlmsgerr>(message);
                result = error ? -error->error : EBADMSG;
            } else if (message.nlmsg_type == NLMSG_DONE) {
                result = interrupted ? EINTR : 0;
            } else {
                each(message);
            }
        });
    }
    return *result;
}

int Socket::dump(Request &request, const std::function<void()> &restart, const Each &each)
{
    int error = EINTR;
    for (int i = 0; i < kDumpAttempts && error == EINTR; i++) {
        restart();
        error = exchange(request, each);
    }
    return error;
}

} // namespace aya::netlink
