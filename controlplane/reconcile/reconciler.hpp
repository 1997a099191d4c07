// SPDX-License-Identifier: BSD-2-Clause
//
// The heart of the daemon: holds what is desired, asks what is observed, and sees to it that the tables say
// so. No sockets, no timers: everything else feeds it or shows what it holds.
#pragma once

#include "common/result.hpp"
#include "config/config.hpp"
#include "config/merge.hpp"
#include "config/state.hpp"
#include "model/compile.hpp"
#include "publish/publisher.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace aya
{

// What probes, routes, neighbours and the data plane tell.
class Observer
{
public:
    virtual ~Observer() = default;
    // From now on be ready to answer for the VIPs and backends of this configuration.
    virtual void follow(const Config &config) = 0;
    // What the kernel has of the addresses of a VIP, too.
    virtual std::vector<Prefix> local_in(const Prefix &vip) const = 0;
    virtual BackendObserved observe(const ServiceConfig &service, const BackendConfig &backend) const = 0;
    // This image is live: what has come of the configuration that is followed, or still is after another was
    // refused.
    virtual void published(const TableImage &) {}
    virtual std::uint64_t route_lookups() const { return 0; }
    // Of the observing itself. One line each, for people.
    virtual std::vector<std::string> warnings() const { return {}; }
};

struct Applied {
    std::vector<Change> changes; // of the configuration
    Published published;
};

// All calls that publish need ready() and do not wait: between the check and the call nothing else may run.
class Reconciler
{
public:
    using Clock = std::chrono::steady_clock;
    using Edit = std::function<Result<Config>(const Config &)>;

    Reconciler(Publisher &publisher, Observer &observer, std::filesystem::path state_file);

    // Merges the file with what was changed at run time before, which is `kept`, and publishes. An error:
    // nothing has changed.
    Result<Applied> start(const Config &file, const std::optional<State> &kept, Clock::time_point now);

    bool ready() { return publisher_.ready(); }

    // An operator's change: kept in the state file, then published.
    Result<Applied> change(const Edit &edit, Clock::time_point now);

    // A new configuration file: three-way merge with what was changed at run time.
    Result<Applied> apply(const Config &file, Clock::time_point now);
    Result<std::vector<Change>> plan(const Config &file) const;

    // The observer may answer something else for this service, or for any.
    void touch(std::string_view service);
    void touch_all() { all_touched_ = true; }

    // Compiles what was touched since the last time, and publishes what differs. After an error all of it is
    // still to be done.
    Result<Published> reconcile(Clock::time_point now);

    // True if the previous lookup table of some service has outlived the connections that could need it.
    bool retire_due(Clock::time_point now) const;
    Published retire(Clock::time_point now);

    const Config &config() const { return running_; }
    const TableImage &image() const { return image_; }
    const ServiceImage *find_image(std::string_view service) const;
    const Publisher &publisher() const { return publisher_; }
    Observer &observer() const { return observer_; }

private:
    Result<Config> merge_file(const Config &file) const;
    Result<Applied> settle(Config next, std::vector<ServiceConfig> last_applied, Clock::time_point now);
    Result<Published> publish(const Config &config, Clock::time_point now);
    TableImage compile_all(const Config &config);
    std::shared_ptr<const ServiceImage> compile_one(const ServiceConfig &service);
    TableImage compile_touched();
    void forget_removed(const Config &before);

    Publisher &publisher_;
    Observer &observer_;
    std::filesystem::path state_file_;
    Config running_;
    std::vector<ServiceConfig> last_applied_; // services of the file, see config/merge.hpp
    bool state_exists_ = false;
    std::optional<Compiler> compiler_;
    TableImage image_;                                  // services in the order of running_
    std::map<std::string, size_t, std::less<>> places_; // name -> index in image_
    std::unordered_set<std::string> touched_;
    bool all_touched_ = false;
};

} // namespace aya
