// SPDX-License-Identifier: BSD-2-Clause
// The health of every backend for as long as it is a target. A server is probed once, however many services
// ask the same of it, and each of them counts the result by its own rule.
#pragma once

#include "common/address.hpp"
#include "health/lag.hpp"
#include "health/poller.hpp"
#include "health/probe.hpp"
#include "health/prober.hpp"
#include "health/tracker.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace aya::health
{

struct Target {
    std::string service;
    std::string backend;
    IpAddress address;
    std::uint16_t port = 0; // host order
    Rule rule;
    const ProbeType *type = &probe_type(HealthType::tcp);
    std::shared_ptr<const ProbeOptions> options = std::make_shared<ProbeOptions>();
    std::shared_ptr<const Tunnel> tunnel = {}; // null: the probe goes to `address` directly

    // Results of earlier probes hold for this target, too.
    bool asks_the_same(const Target &other) const
    {
        return address == other.address && port == other.port && type == other.type &&
               tunnel == other.tunnel && (options == other.options || *options == *other.options);
    }
};

class Monitor
{
public:
    // Called after each probe, on the event loop. `changed`: this result changed the health.
    using Listener = std::function<void(const Target &target, const Tracker &tracker, bool changed)>;
    // Health of a target that the monitor has not seen before.
    using Recall = std::function<Health(const Target &target)>;
    // Whether a bad probe of this server that began then says nothing of it.
    using Doubts = std::function<bool(const IpAddress &server, TimePoint began)>;

    Monitor(boost::asio::any_io_executor executor, Listener listener, MakeProbe make = make_probe);
    ~Monitor();
    Monitor(const Monitor &) = delete;
    Monitor &operator=(const Monitor &) = delete;

    // What is probed from now on. A target with the same service and backend that asks the same keeps what it
    // knows, under its new rule; one that moved starts from scratch; others stop.
    void set_targets(std::vector<Target> targets, const Recall &recall);

    // Asked after each bad probe.
    void set_doubts(Doubts doubts) { doubts_ = std::move(doubts); }

    // nullptr: not a target.
    const Tracker *find(const std::string &service, const std::string &backend) const;
    const Target *find_target(const std::string &service, const std::string &backend) const;

    struct Totals {
        std::array<std::uint64_t, kOutcomes.size()> by_outcome{}; // of probes sent, not of backends
    };
    const Totals &totals() const { return totals_; }
    std::size_t size() const { return watched_.size(); }

    // The longest time by which a probe started late, of the last ten to twenty seconds.
    Clock::duration lag() const { return lag_.longest(Clock::now()); }
    // One line each, for people.
    std::vector<std::string> warnings() const;

private:
    struct Watched {
        Target target;
        Tracker tracker;
        bool watched = true; // still
    };
    using WatchedPtr = std::shared_ptr<Watched>;
    using ByKey = std::unordered_map<std::string, WatchedPtr>; // by service, newline, backend
    // A question, who asks it and who finds out.
    struct Asked {
        std::vector<WatchedPtr> askers;
        std::shared_ptr<Prober> prober;
        Outcome last = Outcome::ok;
    };

    static bool waits_otherwise(const Target &target, const ByKey &before, const Asked &asked);
    WatchedPtr watch(Target target, const ByKey &before, const Asked &asked, const Recall &recall) const;
    Health first_health(const Target &target, const Asked &asked, const Recall &recall) const;
    void start(const Question &question, Asked &asked);
    Milliseconds ended(const Question &question, Asked &asked, const Attempt &attempt);
    void tell(const std::vector<WatchedPtr> &askers, const Finding &finding);
    void watch_over();
    void look_for_silence();
    void note_lag(const Question &question, const Attempt &attempt);
    double dice() { return std::uniform_real_distribution<double>{}(random_); }

    boost::asio::any_io_executor executor_;
    Poller poller_;
    Listener listener_;
    MakeProbe make_;
    Doubts doubts_;
    std::minstd_rand random_;
    ByKey watched_;
    std::map<Question, Asked> asked_;
    Totals totals_;
    Lag lag_;
    bool behind_ = false; // as the log has it
    boost::asio::steady_timer watchdog_;
    bool watching_ = false;
    std::string silence_;                                    // in words; empty: every probe has results
    std::shared_ptr<void> alive_ = std::make_shared<char>(); // a cancelled wait may outlive the monitor
};

} // namespace aya::health
