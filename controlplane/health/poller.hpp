// SPDX-License-Identifier: BSD-2-Clause
// Waits for many descriptors at once.
#pragma once

#include "health/probe.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>

namespace aya::health
{

// An epoll set of its own within the event loop's. A descriptor of Asio's own costs four system calls per
// attempt where this takes one per step, and a wake-up of the loop each where this takes one for all that are
// ready.
class Poller
{
public:
    class Waiter
    {
    public:
        virtual ~Waiter() = default;

        // May not close descriptors: others of the same round may follow.
        virtual void descriptor_ready() = 0;

    private:
        friend class Poller;
        int watched_ = -1; // in the set
    };

    // Throws std::system_error.
    explicit Poller(const boost::asio::any_io_executor &executor);

    // Calls waiter.descriptor_ready() once, on the event loop, when `step.fd` is ready for what the step
    // waits for or has an error. False: the kernel takes no more, errno says why.
    bool watch(const Step &step, Waiter &waiter);

    // To be called before the descriptor is closed. The event loop has nothing to wait for once none is
    // watched.
    void forget(Waiter &waiter);

private:
    void wait();
    void collect();

    boost::asio::posix::stream_descriptor set_;
    unsigned watched_ = 0;
    bool waiting_ = false;
    std::shared_ptr<void> alive_ = std::make_shared<char>(); // a cancelled wait may outlive the poller
};

} // namespace aya::health
