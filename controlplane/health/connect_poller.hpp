// SPDX-License-Identifier: BSD-2-Clause
// Waits for many connection attempts at once.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>

namespace aya::health
{

// An epoll set of its own within the event loop's. A descriptor of Asio's own costs four system calls an
// attempt where this takes one, and a wake-up of the loop each where this takes one for all that are decided.
class ConnectPoller
{
public:
    // Who waits for an attempt. decided() may not close descriptors: others of the same round may follow.
    class Waiter
    {
    public:
        virtual void decided() = 0;

    protected:
        ~Waiter() = default;
    };

    // Throws std::system_error.
    explicit ConnectPoller(const boost::asio::any_io_executor &executor);

    // Calls waiter.decided() once, on the event loop, when `fd` is ready for writing or has an error. False:
    // the kernel takes no more, errno says why.
    bool watch(int fd, Waiter &waiter);

    // Closes a watched descriptor. The event loop has nothing to wait for once there are no more of them.
    void close(int fd);

private:
    void wait();
    void collect();

    boost::asio::posix::stream_descriptor set_;
    unsigned watched_ = 0;
    bool waiting_ = false;
    std::shared_ptr<void> alive_ = std::make_shared<char>(); // a cancelled wait may outlive the poller
};

} // namespace aya::health
