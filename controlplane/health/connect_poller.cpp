// SPDX-License-Identifier: BSD-2-Clause
#include "health/connect_poller.hpp"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <system_error>
#include <unistd.h>

namespace aya::health
{

namespace
{

int make_set()
{
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return fd;
}

} // namespace

ConnectPoller::ConnectPoller(const boost::asio::any_io_executor &executor) : set_(executor, make_set()) {}

bool ConnectPoller::watch(int fd, Waiter &waiter)
{
    epoll_event event = {};
    event.events = EPOLLOUT | EPOLLONESHOT;
    event.data.ptr = &waiter;
    if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0)
        return false;
    watched_++;
    if (!waiting_)
        wait();
    return true;
}

void ConnectPoller::close(int fd)
{
    ::close(fd); // which takes it from the set, too
    if (--watched_ > 0)
        return;
    boost::system::error_code ignored;
    set_.cancel(ignored);
}

void ConnectPoller::wait()
{
    waiting_ = true;
    const auto ready = [this, alive = std::weak_ptr(alive_)](boost::system::error_code) {
        if (alive.expired())
            return;
        waiting_ = false;
        collect();
        if (watched_ > 0)
            wait();
    };
    set_.async_wait(boost::asio::posix::stream_descriptor::wait_read, ready);
}

void ConnectPoller::collect()
{
    std::array<epoll_event, 256> events;
    int count = 0;
    do {
        count = ::epoll_wait(set_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
        for (int i = 0; i < count; i++)
            static_cast<Waiter *>(events[static_cast<std::size_t>(i)].data.ptr)->decided();
    } while (count == static_cast<int>(events.size()));
}

} // namespace aya::health
