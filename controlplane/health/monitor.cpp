// SPDX-License-Identifier: BSD-2-Clause
#include "health/monitor.hpp"

#include "health/tcp_connect.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <unistd.h>
#include <utility>

namespace aya::health
{

namespace
{

namespace asio = boost::asio;
constexpr auto kGrace = std::chrono::seconds(3); // from the end of a broken way until bad probes count
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Timers of many probes go off together, at whole ticks, so that one wake-up of the process serves all that
// are due: ten thousand probes a second would otherwise be as many timer settings and polls.
constexpr auto kTick = std::chrono::milliseconds(4);

Clock::time_point at_next_tick(Clock::duration from_now)
{
    const auto since_boot = (Clock::now() + from_now).time_since_epoch();
    return Clock::time_point((since_boot / kTick + 1) * kTick);
}

std::string key_of(const std::string &service, const std::string &backend)
{
    return service + '\n' + backend; // names have no control characters
}

} // namespace

class Monitor::Probe final : private ConnectPoller::Waiter
{
public:
    Probe(Monitor &monitor, Target wanted, Health initial)
        : target(std::move(wanted)), tracker(target.rule, initial, Clock::now()), monitor_(&monitor),
          timer_(monitor.executor_)
    {
    }

    static void start(const std::shared_ptr<Probe> &probe)
    {
        asio::co_spawn(probe->timer_.get_executor(), run(probe), [](const std::exception_ptr &error) {
            if (error)
                std::rethrow_exception(error); // a bug: backends that nobody probes must not look healthy
        });
    }

    void stop()
    {
        close();
        monitor_ = nullptr;
        timer_.cancel();
    }

    Target target;
    Tracker tracker;

private:
    static asio::awaitable<void> run(std::shared_ptr<Probe> self)
    {
        Milliseconds delay = Tracker::first_delay(self->target.rule, self->monitor_->dice());
        while (self->monitor_) {
            self->timer_.expires_at(at_next_tick(delay));
            co_await self->timer_.async_wait(kAwait);
            if (!self->monitor_)
                co_return;
            const auto began = Clock::now();
            Attempt attempt = start_connect(self->target.address, self->target.port);
            if (self->begin(attempt)) {
                self->timer_.expires_at(at_next_tick(self->target.rule.timeout));
                co_await self->timer_.async_wait(kAwait); // decided() and stop() cut it short
                self->end(attempt);
            }
            if (!self->monitor_)
                co_return;
            self->monitor_->finished(*self, began, attempt.outcome, attempt.error);
            if (self->monitor_) // the listener may have taken this target away
                delay = self->tracker.next_delay(self->monitor_->dice());
        }
    }

    // True: the attempt is under way, and has to be waited for.
    bool begin(Attempt &attempt)
    {
        fd_ = attempt.fd;
        decided_ = false;
        if (fd_ < 0 || monitor_->connects_.watch(fd_, *this))
            return fd_ >= 0;
        attempt = {.fd = -1, .outcome = Outcome::local_error, .error = errno};
        ::close(std::exchange(fd_, -1));
        return false;
    }

    void end(Attempt &attempt)
    {
        if (fd_ < 0)
            return; // stopped meanwhile
        attempt.outcome = decided_ ? finish_connect(fd_) : Outcome::timeout;
        close();
    }

    void decided() override
    {
        decided_ = true;
        timer_.cancel();
    }

    void close()
    {
        if (fd_ >= 0)
            monitor_->connects_.close(std::exchange(fd_, -1));
    }

    Monitor *monitor_; // nullptr: stopped
    asio::steady_timer timer_;
    int fd_ = -1;          // of the attempt under way
    bool decided_ = false; // and whether there is something to be learnt from it
};

Monitor::Monitor(asio::any_io_executor executor, Listener listener)
    : executor_(std::move(executor)), connects_(executor_), listener_(std::move(listener)),
      random_(std::random_device{}())
{
}

Monitor::~Monitor()
{
    for (auto &[key, probe] : probes_)
        probe->stop();
}

void Monitor::set_targets(std::vector<Target> targets, const Recall &recall)
{
    std::unordered_map<std::string, std::shared_ptr<Probe>> kept;
    kept.reserve(targets.size());
    for (Target &target : targets) {
        std::string key = key_of(target.service, target.backend);
        const auto known = probes_.find(key);
        if (known != probes_.end() && known->second->target.address == target.address &&
            known->second->target.port == target.port) {
            known->second->target.rule = target.rule;
            known->second->tracker.set_rule(target.rule);
            kept.emplace(std::move(key), std::move(known->second));
            probes_.erase(known);
            continue;
        }
        const Health initial = known == probes_.end() ? recall(target) : Health::unknown;
        auto probe = std::make_shared<Probe>(*this, std::move(target), initial);
        Probe::start(probe);
        kept.emplace(std::move(key), std::move(probe));
    }
    for (auto &[key, probe] : probes_)
        probe->stop();
    probes_ = std::move(kept);
}

const Tracker *Monitor::find(const std::string &service, const std::string &backend) const
{
    const auto found = probes_.find(key_of(service, backend));
    return found == probes_.end() ? nullptr : &found->second->tracker;
}

bool Monitor::in_doubt(Clock::time_point began)
{
    if (broken_ && broken_())
        believed_from_ = Clock::now() + kGrace;
    return began < believed_from_;
}

void Monitor::finished(Probe &probe, Clock::time_point began, Outcome outcome, int error)
{
    totals_.by_outcome[static_cast<std::size_t>(outcome)]++;
    if (outcome != Outcome::ok && in_doubt(began))
        return;
    if (outcome == Outcome::local_error && probe.tracker.last_outcome() != Outcome::local_error)
        spdlog::warn("backend {} of {}: probe not sent: {}", probe.target.backend, probe.target.service,
                     std::strerror(error));
    const bool changed = probe.tracker.record(outcome, Clock::now());
    listener_(probe.target, probe.tracker, changed);
}

} // namespace aya::health
