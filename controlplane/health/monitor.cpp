// SPDX-License-Identifier: BSD-2-Clause
#include "health/monitor.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <exception>
#include <utility>

namespace aya::health
{

namespace
{

namespace asio = boost::asio;
constexpr auto kGrace = std::chrono::seconds(3); // from the end of a broken way until bad probes count
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Timers of many probes go off together, at whole ticks, so that one wake-up of the process serves all that
// are due: ten thousand probes per second would otherwise be as many timer settings and polls.
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

class Monitor::Watched final : private Poller::Waiter
{
public:
    Watched(Monitor &monitor, Target wanted, Health initial)
        : target(std::move(wanted)), tracker(target.rule, initial, Clock::now()), monitor_(&monitor),
          probe_(target.type->make({target.address, target.port})), timer_(monitor.executor_)
    {
    }

    static void start(const std::shared_ptr<Watched> &watched)
    {
        asio::co_spawn(watched->timer_.get_executor(), run(watched), [](const std::exception_ptr &error) {
            if (error)
                std::rethrow_exception(error); // a bug: backends that are not probed must not look healthy
        });
    }

    void stop()
    {
        end();
        monitor_ = nullptr;
        timer_.cancel();
    }

    Target target;
    Tracker tracker;

private:
    static asio::awaitable<void> run(std::shared_ptr<Watched> self)
    {
        Milliseconds delay = Tracker::first_delay(self->target.rule, self->monitor_->dice());
        while (self->monitor_) {
            self->timer_.expires_at(at_next_tick(delay));
            co_await self->timer_.async_wait(kAwait);
            if (!self->monitor_)
                co_return;
            const auto began = Clock::now();
            const auto deadline = at_next_tick(self->target.rule.timeout);
            Step step = self->probe_->start();
            while (self->must_wait(step)) {
                self->timer_.expires_at(deadline);
                co_await self->timer_.async_wait(kAwait); // descriptor_ready() and stop() cut it short
                if (!self->monitor_)
                    co_return;
                step = self->ready_ ? self->probe_->ready() : Step::done(self->probe_->expired());
            }
            self->end();
            self->monitor_->finished(*self, began, step.finding);
            if (self->monitor_) // the listener may have taken this target away
                delay = self->tracker.next_delay(self->monitor_->dice());
        }
    }

    bool must_wait(Step &step)
    {
        if (step.kind == Step::Kind::done)
            return false;
        ready_ = false;
        if (monitor_->poller_.watch(step, *this))
            return true;
        step = Step::done(finding_of(errno));
        return false;
    }

    void descriptor_ready() override
    {
        ready_ = true;
        timer_.cancel();
    }

    // Of the attempt under way, if there is one.
    void end()
    {
        if (!monitor_)
            return;
        monitor_->poller_.forget(*this);
        probe_->stop();
    }

    Monitor *monitor_; // nullptr: stopped
    std::unique_ptr<Probe> probe_;
    asio::steady_timer timer_;
    bool ready_ = false; // what the step under way waits for
};

Monitor::Monitor(asio::any_io_executor executor, Listener listener)
    : executor_(std::move(executor)), poller_(executor_), listener_(std::move(listener)),
      random_(std::random_device{}())
{
}

Monitor::~Monitor()
{
    for (auto &[key, watched] : watched_)
        watched->stop();
}

void Monitor::set_targets(std::vector<Target> targets, const Recall &recall)
{
    std::unordered_map<std::string, std::shared_ptr<Watched>> kept;
    kept.reserve(targets.size());
    for (Target &target : targets) {
        std::string key = key_of(target.service, target.backend);
        const auto known = watched_.find(key);
        if (known != watched_.end() && known->second->target.asks_the_same(target)) {
            known->second->target.rule = target.rule;
            known->second->tracker.set_rule(target.rule);
            kept.emplace(std::move(key), std::move(known->second));
            watched_.erase(known);
            continue;
        }
        // Another question to the same server: the answer known so far holds until there is a new one.
        Health initial = Health::unknown;
        if (known == watched_.end())
            initial = recall(target);
        else if (known->second->target.address == target.address)
            initial = known->second->tracker.health();
        auto watched = std::make_shared<Watched>(*this, std::move(target), initial);
        Watched::start(watched);
        kept.emplace(std::move(key), std::move(watched));
    }
    for (auto &[key, watched] : watched_)
        watched->stop();
    watched_ = std::move(kept);
}

const Tracker *Monitor::find(const std::string &service, const std::string &backend) const
{
    const auto found = watched_.find(key_of(service, backend));
    return found == watched_.end() ? nullptr : &found->second->tracker;
}

bool Monitor::in_doubt(Clock::time_point began)
{
    if (broken_ && broken_())
        believed_from_ = Clock::now() + kGrace;
    return began < believed_from_;
}

void Monitor::finished(Watched &watched, Clock::time_point began, const Finding &finding)
{
    totals_.by_outcome[static_cast<std::size_t>(finding.outcome)]++;
    if (finding.outcome != Outcome::ok && in_doubt(began))
        return;
    if (finding.outcome == Outcome::local_error && watched.tracker.last().outcome != Outcome::local_error)
        spdlog::warn("backend {} of {}: {}", watched.target.backend, watched.target.service, finding.words());
    const bool changed = watched.tracker.record(finding, Clock::now());
    listener_(watched.target, watched.tracker, changed);
}

} // namespace aya::health
