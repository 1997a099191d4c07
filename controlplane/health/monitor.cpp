// SPDX-License-Identifier: BSD-2-Clause
#include "health/monitor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace aya::health
{

namespace
{

constexpr auto kWatchdogInterval = std::chrono::seconds(1);

std::string key_of(const std::string &service, const std::string &backend)
{
    return service + '\n' + backend; // names have no control characters
}

Question question_of(const Target &target)
{
    return {.address = target.address,
            .port = target.port,
            .type = target.type,
            .interval = target.rule.interval,
            .timeout = target.rule.timeout,
            .options = target.options,
            .tunnel = target.tunnel};
}

bool waits_alike(const Rule &one, const Rule &other)
{
    return one.fast_interval == other.fast_interval && one.down_interval == other.down_interval &&
           one.jitter == other.jitter;
}

std::string behind_text(Clock::duration lag)
{
    return "health probes start up to " +
           std::to_string(std::chrono::duration_cast<Milliseconds>(lag).count()) +
           " ms late: this process cannot keep up; use longer intervals";
}

std::string silence_text(const Target &target, const Tracker &tracker, std::size_t count, TimePoint now)
{
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - tracker.heard()).count();
    std::string text = "no result from health probes of backend " + target.backend + " of " + target.service +
                       " for " + std::to_string(age) + " s";
    if (tracker.last().outcome == Outcome::local_error)
        text += " (" + std::string(tracker.last().words()) + ")";
    if (count > 1)
        text += "; the same for " + std::to_string(count - 1) + " more";
    return text + "; health is not known";
}

} // namespace

Monitor::Monitor(boost::asio::any_io_executor executor, Listener listener, MakeProbe make)
    : executor_(std::move(executor)), poller_(executor_), listener_(std::move(listener)), make_(make),
      random_(std::random_device{}()), watchdog_(executor_)
{
}

Monitor::~Monitor()
{
    for (auto &[question, asked] : asked_)
        asked.prober->stop();
}

void Monitor::set_targets(std::vector<Target> targets, const Recall &recall)
{
    const ByKey before = std::exchange(watched_, {});
    watched_.reserve(targets.size());
    for (auto &[question, asked] : asked_)
        asked.askers.clear();
    for (const auto &[key, watched] : before)
        watched->watched = false;
    // What is known of a server first, then who may learn from it.
    std::partition(targets.begin(), targets.end(), [&](const Target &target) {
        return before.contains(key_of(target.service, target.backend));
    });
    for (Target &target : targets) {
        std::string key = key_of(target.service, target.backend);
        Asked &asked = asked_[question_of(target)];
        if (asked.prober && waits_otherwise(target, before, asked)) {
            asked.prober->stop();
            asked.prober.reset();
        }
        WatchedPtr watched = watch(std::move(target), before, asked, recall);
        asked.askers.push_back(watched);
        watched_.emplace(std::move(key), std::move(watched));
    }
    std::erase_if(asked_, [](const auto &entry) {
        const Asked &asked = entry.second;
        if (asked.askers.empty())
            asked.prober->stop();
        return asked.askers.empty();
    });
    for (auto &[question, asked] : asked_)
        if (!asked.prober)
            start(question, asked);
    if (asked_.empty()) {
        watchdog_.cancel();
        silence_.clear();
    } else if (!watching_) {
        watch_over();
    }
}

// The wait under way is by another rule: the target's own before, or that of whom it joins.
bool Monitor::waits_otherwise(const Target &target, const ByKey &before, const Asked &asked)
{
    const auto found = before.find(key_of(target.service, target.backend));
    if (found != before.end())
        return !waits_alike(found->second->tracker.rule(), target.rule);
    return !asked.askers.empty() && !waits_alike(asked.askers.front()->tracker.rule(), target.rule);
}

Monitor::WatchedPtr Monitor::watch(Target target, const ByKey &before, const Asked &asked,
                                   const Recall &recall) const
{
    const auto found = before.find(key_of(target.service, target.backend));
    WatchedPtr known = found == before.end() ? nullptr : found->second;
    if (known && known->target.asks_the_same(target)) {
        known->tracker.set_rule(target.rule);
        known->target = std::move(target);
        known->watched = true;
        return known;
    }
    // Another question to the same server: the answer known so far holds until there is a new one.
    const bool same_server = known && known->target.address == target.address;
    const Health initial = same_server ? known->tracker.health() : first_health(target, asked, recall);
    const Rule rule = target.rule;
    return std::make_shared<Watched>(
        Watched{.target = std::move(target), .tracker = Tracker(rule, initial, Clock::now())});
}

// What another service knows of the server is known. An init_state is about this service alone.
Health Monitor::first_health(const Target &target, const Asked &asked, const Recall &recall) const
{
    const Health recalled = recall(target);
    if (target.rule.init || recalled == Health::down)
        return recalled;
    for (const WatchedPtr &other : asked.askers)
        if (const Health health = other->tracker.health(); health == Health::up || health == Health::down)
            return health;
    return recalled;
}

void Monitor::start(const Question &question, Asked &asked)
{
    asked.prober =
        std::make_shared<Prober>(executor_, poller_,
                                 make_(*question.type, {.address = {question.address, question.port},
                                                        .options = question.options,
                                                        .tunnel = question.tunnel}),
                                 question.timeout, [this, &question, &asked](const Attempt &attempt) {
                                     return ended(question, asked, attempt);
                                 });
    const double luck = dice();
    Milliseconds delay = Milliseconds::max();
    for (const WatchedPtr &asker : asked.askers) {
        asker->tracker.probing(Clock::now());
        delay = std::min(delay, asker->tracker.first_delay(luck));
    }
    Prober::start(asked.prober, delay);
}

const Tracker *Monitor::find(const std::string &service, const std::string &backend) const
{
    const auto found = watched_.find(key_of(service, backend));
    return found == watched_.end() ? nullptr : &found->second->tracker;
}

const Target *Monitor::find_target(const std::string &service, const std::string &backend) const
{
    const auto found = watched_.find(key_of(service, backend));
    return found == watched_.end() ? nullptr : &found->second->target;
}

// `question` and `asked` are gone if a listener sets other targets.
Milliseconds Monitor::ended(const Question &question, Asked &asked, const Attempt &attempt)
{
    const std::vector<WatchedPtr> askers = asked.askers;
    const Outcome before = std::exchange(asked.last, attempt.finding.outcome);
    const bool good = attempt.finding.outcome == Outcome::ok;
    totals_.by_outcome[static_cast<std::size_t>(attempt.finding.outcome)]++;
    note_lag(question, attempt);
    if (attempt.finding.outcome == Outcome::local_error && before != Outcome::local_error)
        spdlog::warn("{}: {}", to_string(SocketAddress{question.address, question.port}),
                     attempt.finding.words());
    if (good || !doubts_ || !doubts_(question.address, attempt.began))
        tell(askers, attempt.finding);
    else
        for (const WatchedPtr &asker : askers)
            asker->tracker.doubted(Clock::now());
    const double luck = dice();
    Milliseconds delay = Milliseconds::max();
    for (const WatchedPtr &asker : askers)
        delay = std::min(delay, asker->tracker.next_delay(luck));
    return delay;
}

void Monitor::tell(const std::vector<WatchedPtr> &askers, const Finding &finding)
{
    for (const WatchedPtr &asker : askers)
        if (asker->watched) {
            const bool changed = asker->tracker.record(finding, Clock::now());
            listener_(asker->target, asker->tracker, changed);
        }
}

// Ends once there is nothing to watch.
void Monitor::watch_over()
{
    watching_ = true;
    watchdog_.expires_after(kWatchdogInterval);
    watchdog_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code) {
        if (alive.expired())
            return;
        watching_ = false;
        if (asked_.empty())
            return;
        look_for_silence();
        watch_over();
    });
}

void Monitor::look_for_silence()
{
    const auto now = Clock::now();
    std::size_t silent = 0;
    const Watched *longest = nullptr;
    for (const auto &[key, watched] : watched_) {
        if (!watched->tracker.silent(now))
            continue;
        silent++;
        if (!longest || watched->tracker.heard() < longest->tracker.heard())
            longest = watched.get();
    }
    const bool before = !silence_.empty();
    silence_ = longest ? silence_text(longest->target, longest->tracker, silent, now) : "";
    if (longest && !before)
        spdlog::warn("{}", silence_);
    if (!longest && before)
        spdlog::info("health probes have results again");
}

void Monitor::note_lag(const Question &question, const Attempt &attempt)
{
    lag_.started(attempt.began - attempt.due, question.interval, attempt.began);
    const bool behind = lag_.behind(attempt.began);
    if (behind && !behind_)
        spdlog::warn("{}", behind_text(lag_.longest(attempt.began)));
    if (!behind && behind_)
        spdlog::info("health probes start on time again");
    behind_ = behind;
}

std::vector<std::string> Monitor::warnings() const
{
    const auto now = Clock::now();
    std::vector<std::string> lines;
    if (lag_.behind(now))
        lines.push_back(behind_text(lag_.longest(now)));
    if (!silence_.empty())
        lines.push_back(silence_);
    return lines;
}

} // namespace aya::health
