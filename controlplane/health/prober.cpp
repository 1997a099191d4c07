// SPDX-License-Identifier: BSD-2-Clause
#include "health/prober.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <exception>
#include <tuple>
#include <utility>

namespace aya::health
{

namespace
{

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Timers of many probes go off together, at whole ticks, so that one wake-up of the process serves all that
// are due: ten thousand probes per second would otherwise be as many timer settings and polls.
constexpr auto kTick = std::chrono::milliseconds(4);

TimePoint at_next_tick(Clock::duration from_now)
{
    const auto since_boot = (Clock::now() + from_now).time_since_epoch();
    return TimePoint((since_boot / kTick + 1) * kTick);
}

} // namespace

std::strong_ordering Question::operator<=>(const Question &other) const
{
    const auto key = [](const Question &question) {
        return std::tie(question.address, question.port, question.type, question.interval, question.timeout,
                        question.tunnel);
    };
    const std::strong_ordering order = key(*this) <=> key(other);
    return order != 0 || options == other.options ? order : *options <=> *other.options;
}

Prober::Prober(const asio::any_io_executor &executor, Poller &poller, std::unique_ptr<Probe> probe,
               Milliseconds timeout, Ended ended)
    : poller_(poller), probe_(std::move(probe)), timeout_(timeout), ended_(std::move(ended)), timer_(executor)
{
}

void Prober::start(const std::shared_ptr<Prober> &prober, Milliseconds delay)
{
    asio::co_spawn(prober->timer_.get_executor(), run(prober, delay), [](const std::exception_ptr &error) {
        if (error)
            std::rethrow_exception(error); // a bug: backends that are not probed must not look healthy
    });
}

void Prober::stop()
{
    end();
    stopped_ = true;
    timer_.cancel();
}

asio::awaitable<void> Prober::run(std::shared_ptr<Prober> self, Milliseconds delay)
{
    while (!self->stopped_) {
        const TimePoint due = at_next_tick(delay);
        self->timer_.expires_at(due);
        co_await self->timer_.async_wait(kAwait);
        if (self->stopped_)
            co_return;
        const TimePoint began = Clock::now();
        const TimePoint deadline = at_next_tick(self->timeout_);
        Step step = self->probe_->start();
        while (self->must_wait(step)) {
            self->timer_.expires_at(deadline);
            co_await self->timer_.async_wait(kAwait); // descriptor_ready() and stop() cut it short
            if (self->stopped_)
                co_return;
            // A descriptor that is always ready comes before any timer.
            const bool over = Clock::now() >= deadline;
            step = self->ready_ ? self->probe_->ready() : Step::done(self->probe_->expired());
            if (over && step.kind != Step::Kind::done)
                step = Step::done(self->probe_->expired());
        }
        self->end();
        delay = self->ended_({.due = due, .began = began, .finding = std::move(step.finding)});
    }
}

bool Prober::must_wait(Step &step)
{
    if (step.kind == Step::Kind::done)
        return false;
    ready_ = false;
    if (poller_.watch(step, *this))
        return true;
    step = Step::done(finding_of(errno));
    return false;
}

void Prober::descriptor_ready()
{
    ready_ = true;
    timer_.cancel();
}

// Of the attempt under way, if there is one.
void Prober::end()
{
    if (stopped_)
        return;
    poller_.forget(*this);
    probe_->stop();
}

} // namespace aya::health
