// SPDX-License-Identifier: BSD-2-Clause
// Probes every backend for as long as it is a target: one coroutine each, on the caller's event loop.
#pragma once

#include "common/address.hpp"
#include "health/poller.hpp"
#include "health/probe.hpp"
#include "health/tracker.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <array>
#include <cstdint>
#include <functional>
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

    // Results of earlier probes hold for this target, too.
    bool asks_the_same(const Target &other) const
    {
        return address == other.address && port == other.port && type == other.type;
    }
};

class Monitor
{
public:
    // Called after each probe, on the event loop. `changed`: this result changed the health.
    using Listener = std::function<void(const Target &target, const Tracker &tracker, bool changed)>;
    // Health of a target that the monitor has not seen before.
    using Recall = std::function<Health(const Target &target)>;

    Monitor(boost::asio::any_io_executor executor, Listener listener);
    ~Monitor();
    Monitor(const Monitor &) = delete;
    Monitor &operator=(const Monitor &) = delete;

    // What is probed from now on. A target with the same service and backend that asks the same keeps what it
    // knows, under its new rule; one that moved starts from scratch; others stop.
    void set_targets(std::vector<Target> targets, const Recall &recall);

    // `broken` is asked after each bad probe: true when the way to all backends is broken at this end. Then,
    // and until addresses and neighbours had a moment to come back, bad probes say nothing of backends.
    void set_doubt(std::function<bool()> broken) { broken_ = std::move(broken); }

    // nullptr: not a target.
    const Tracker *find(const std::string &service, const std::string &backend) const;

    struct Totals {
        std::array<std::uint64_t, kOutcomes.size()> by_outcome{};
    };
    const Totals &totals() const { return totals_; }
    std::size_t size() const { return watched_.size(); }

private:
    class Watched;
    bool in_doubt(Clock::time_point began);
    void finished(Watched &watched, Clock::time_point began, const Finding &finding);
    double dice() { return std::uniform_real_distribution<double>{}(random_); }

    boost::asio::any_io_executor executor_;
    Poller poller_;
    Listener listener_;
    std::minstd_rand random_;
    std::unordered_map<std::string, std::shared_ptr<Watched>> watched_; // by service, newline, backend
    Totals totals_;
    std::function<bool()> broken_;
    Clock::time_point believed_from_{};
};

} // namespace aya::health
