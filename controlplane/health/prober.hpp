// SPDX-License-Identifier: BSD-2-Clause
// Asks one server one thing, again and again: a coroutine on the caller's event loop.
#pragma once

#include "health/poller.hpp"
#include "health/probe.hpp"
#include "health/tracker.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>

namespace aya::health
{

// All that a server notices of its probes. Equal ones are asked once.
struct Question {
    IpAddress address;
    std::uint16_t port = 0; // host order
    const ProbeType *type = nullptr;
    Milliseconds interval{};
    Milliseconds timeout{};
    std::shared_ptr<const ProbeOptions> options;
    std::shared_ptr<const Tunnel> tunnel; // its VIP is not that of other backends

    std::strong_ordering operator<=>(const Question &other) const;
};

// How a question becomes a probe; tests have their own.
using MakeProbe = std::unique_ptr<Probe> (*)(const ProbeType &type, const ProbeTarget &target);

struct Attempt {
    TimePoint due;
    TimePoint began;
    Finding finding;
};

class Prober final : private Poller::Waiter
{
public:
    // Called after each attempt; answers the wait until the next. It may stop the prober.
    using Ended = std::function<Milliseconds(const Attempt &)>;

    Prober(const boost::asio::any_io_executor &executor, Poller &poller, std::unique_ptr<Probe> probe,
           Milliseconds timeout, Ended ended);

    static void start(const std::shared_ptr<Prober> &prober, Milliseconds delay);

    // From now on neither `ended` nor the poller is used.
    void stop();

private:
    static boost::asio::awaitable<void> run(std::shared_ptr<Prober> self, Milliseconds delay);
    bool must_wait(Step &step);
    void descriptor_ready() override;
    void end();

    Poller &poller_;
    std::unique_ptr<Probe> probe_;
    Milliseconds timeout_;
    Ended ended_;
    boost::asio::steady_timer timer_;
    bool stopped_ = false;
    bool ready_ = false; // what the step under way waits for
};

} // namespace aya::health
