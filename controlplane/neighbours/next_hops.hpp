// SPDX-License-Identifier: BSD-2-Clause
// The way to each backend, kept up to date from the kernel's routes and neighbours.
#pragma once

#include "aya/shm.hpp"
#include "config/config.hpp"
#include "model/observed.hpp"
#include "neighbours/netlink.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace aya::neighbours
{

// What is believed of one neighbour. Pure.
//
// A MAC that was known is kept while the kernel makes sure of it (STALE, DELAY, PROBE), and while an entry
// that the kernel collected is asked for again: the packets of a data plane never refresh the kernel's
// entries, so these age although the neighbour is in use all the time. It is given up once the kernel says
// FAILED.
class NeighbourBelief
{
public:
    void see(const Neighbour &neighbour);
    void give_up() { mac_.reset(); }
    void recall(const Mac &mac) { mac_ = mac; } // from the tables of an earlier run

    const std::optional<Mac> &mac() const { return mac_; }
    bool settled() const;       // nothing to ask the kernel for
    bool needs_asking() const;  // the kernel has no answer and looks for none
    bool needs_refresh() const; // the kernel has an answer that it has not made sure of for a while

private:
    std::optional<Mac> mac_;
    std::uint16_t state_ = 0; // NUD_*
};

struct Way {
    IpAddress next_hop;
    std::string interface;
    std::optional<Mac> mac; // of the next hop, where it was asked for and is known
    std::optional<IpAddress> source;
    std::uint32_t mtu = 0; // less than the interface's; 0: not

    bool operator==(const Way &) const = default;
};

struct WayTarget {
    IpAddress address;
    bool resolve = true;         // false: the MAC is configured, leave the neighbour alone
    std::optional<Mac> recalled; // believed until the kernel has spoken
};

class NextHops
{
public:
    // `changed` is called on the event loop after the way to these targets may have become another. Throws
    // Error.
    using Changed = std::function<void(std::span<const IpAddress> targets)>;
    NextHops(const boost::asio::any_io_executor &executor, Changed changed);

    // Looks up what is new among them before it returns. Does not call `changed`.
    void set_targets(const std::vector<WayTarget> &targets);

    std::optional<Way> find(const IpAddress &target) const; // nullopt: no route

private:
    using NeighbourKey = std::pair<int, IpAddress>; // link, address
    struct Target {
        bool resolve = true;
        std::optional<Route> route;
    };
    struct Watched {
        NeighbourBelief belief;
        std::vector<IpAddress> users; // targets whose next hop it is
    };

    void listen();
    void take(const nlmsghdr &message);
    void tick();
    void look_up(const IpAddress &address, Target &target, const std::optional<Mac> &recalled);
    void look_up_all();
    std::vector<IpAddress> look_again(std::span<const IpAddress> addresses);
    void schedule_look_up();
    void collect_users();
    void all_changed() const;
    void watch(int link, const IpAddress &address, const std::optional<Mac> &recalled);
    void ask(const NeighbourKey &key, NeighbourBelief &belief);
    static IpAddress next_hop_of(const IpAddress &target, const Route &route);

    Changed changed_;
    netlink::Socket events_;
    netlink::Socket requests_;
    boost::asio::posix::stream_descriptor readable_;
    boost::asio::steady_timer look_up_timer_;
    boost::asio::steady_timer tick_timer_;
    bool look_up_pending_ = false;
    unsigned ticks_ = 0;
    int last_error_ = 0;
    std::unordered_map<IpAddress, Target> targets_;
    std::map<NeighbourKey, Watched> neighbours_;
    std::unordered_map<int, Link> links_;
};

// From the kernel's way to the data plane's. A configured MAC needs no route where there is one port only.
std::optional<NextHop> next_hop_for(const BackendConfig &backend, const std::optional<Way> &way,
                                    std::span<const PortLine> ports);

} // namespace aya::neighbours
