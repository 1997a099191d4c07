// SPDX-License-Identifier: BSD-2-Clause
#include "health/poller.hpp"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <system_error>
#include <utility>

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

Poller::Poller(const boost::asio::any_io_executor &executor) : set_(executor, make_set()) {}

bool Poller::watch(const Step &step, Waiter &waiter)
{
    epoll_event event = {};
    event.events = (step.kind == Step::Kind::readable ? EPOLLIN : EPOLLOUT) | EPOLLONESHOT;
    event.data.ptr = &waiter;
    const bool again = waiter.watched_ == step.fd;
    if (::epoll_ctl(set_.native_handle(), again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, step.fd, &event) != 0)
        return false;
    if (waiter.watched_ < 0)
        watched_++;
    waiter.watched_ = step.fd;
    if (!waiting_)
        wait();
    return true;
}

void Poller::forget(Waiter &waiter)
{
    if (std::exchange(waiter.watched_, -1) < 0 || --watched_ > 0)
        return;
    boost::system::error_code ignored;
    set_.cancel(ignored);
}

void Poller::wait()
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

void Poller::collect()
{
    std::array<epoll_event, 256> events;
    int count = 0;
    do {
        count = ::epoll_wait(set_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
        for (int i = 0; i < count; i++)
            static_cast<Waiter *>(events[static_cast<std::size_t>(i)].data.ptr)->descriptor_ready();
    } while (count == static_cast<int>(events.size()));
}

} // namespace aya::health
