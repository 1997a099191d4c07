// SPDX-License-Identifier: BSD-2-Clause
// The observed half of the reconciler's input, from real probes, the real kernel and the real data plane.
#pragma once

#include "health/doubt.hpp"
#include "health/monitor.hpp"
#include "neighbours/icmp_errors.hpp"
#include "neighbours/local_addresses.hpp"
#include "neighbours/next_hops.hpp"
#include "paths/forwarding_path.hpp"
#include "publish/publisher.hpp"
#include "publish/sink.hpp"
#include "reconcile/reconciler.hpp"
#include "reconcile/slow_starts.hpp"
#include "reconcile/tunnels.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace aya
{

class LiveObserver final : public Observer
{
public:
    // `changed` is called on the event loop whenever observe() or local_in() may answer something else for a
    // service; the data plane's ports are for others to watch. `tables` are the live ones: what an earlier
    // run observed is believed until there is news.
    using Changed = std::function<void(const std::string &service)>;
    LiveObserver(const boost::asio::any_io_executor &executor, const Publisher &publisher,
                 const ForwardingPath &dataplane, const Sink &tables, Tunnels::MakeDevice make_tunnels,
                 Changed changed);

    void follow(const Config &config) override;
    void published(const TableImage &image) override;
    std::vector<Prefix> local_in(const Prefix &vip) const override { return local_.local_in(vip); }
    BackendObserved observe(const ServiceConfig &service, const BackendConfig &backend) const override;
    std::vector<std::string> warnings() const override;
    std::uint64_t route_lookups() const override { return next_hops_.lookups(); }

    const health::Monitor &monitor() const { return monitor_; }

private:
    using Services = std::unordered_map<IpAddress, std::vector<std::string>>;

    void tell(std::span<const IpAddress> addresses) const;
    void tell_at(std::span<const Prefix> vips) const;
    void heard(const neighbours::TooBig &error);
    void forget_path_mtus();
    void start_slowly(const std::string &service, const std::string &backend);
    void advance_slow_starts();
    void follow_slow_starts(const Config &config);
    void settle_slow_starts(const TableImage &image);
    void settle();
    bool is_settling(const BackendObserved &observed) const;
    void probed(const health::Target &target, const health::Tracker &tracker, bool changed);
    Health first_health(const ServiceConfig &service, const BackendConfig &backend) const;
    bool joins_live_ones(const ServiceConfig &service, const BackendConfig &newcomer) const;
    std::optional<LiveBackend> find_live(const ServiceConfig &service, const BackendConfig &backend) const;
    bool doubts(const IpAddress &server, health::TimePoint began);
    std::optional<Mac> recall_mac(const ServiceConfig &service, const BackendConfig &backend) const;

    const Publisher &publisher_;
    const ForwardingPath &dataplane_;
    const Sink &tables_;
    Changed changed_;
    Services services_;                                      // by the address of a backend
    std::map<Prefix, std::vector<std::string>> services_at_; // by the prefix of a VIP
    bool first_ = true;     // only the first configuration meets what an earlier run left
    bool followed_ = false; // a configuration, of which nothing is live yet
    SlowStarts slow_starts_;
    std::unordered_map<std::string, SlowStart> slow_rules_;        // by service, of those that have a window
    std::unordered_map<std::string, std::set<std::string>> known_; // live backends by service
    health::Doubt doubt_;
    Tunnels probe_tunnels_;
    health::Monitor monitor_;
    neighbours::NextHops next_hops_;
    neighbours::LocalAddresses local_;
    std::unordered_map<IpAddress, std::vector<neighbours::Tunnel>> tunnels_; // by the address of a backend
    neighbours::PathMtus path_mtus_;
    neighbours::IcmpErrors icmp_errors_;
    boost::asio::steady_timer forget_timer_;
    boost::asio::steady_timer settle_timer_;
    boost::asio::steady_timer slow_timer_;
    bool settling_; // no earlier run has left tables, and next hops have not had time to be found
};

} // namespace aya
