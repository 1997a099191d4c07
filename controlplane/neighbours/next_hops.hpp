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
#include <set>
#include <span>
#include <string>
#include <string_view>
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

    // That the last route to this target led through; empty: there was none.
    std::string last_interface(const IpAddress &target) const;

    std::uint64_t lookups() const { return lookups_; } // routes asked of the kernel
    // One line each, for people.
    std::vector<std::string> warnings() const;

private:
    using NeighbourKey = std::pair<int, IpAddress>; // link, address
    struct Target {
        bool resolve = true;
        std::optional<Route> route = {};
        int last_link = 0; // of the last route that there was
    };
    struct Watched {
        NeighbourBelief belief;
        std::vector<IpAddress> users; // targets whose next hop it is
    };

    void listen();
    void take(const nlmsghdr &message);
    void tick();
    void look_up(const IpAddress &address, Target &target, const std::optional<Mac> &recalled);
    std::vector<IpAddress> look_again(std::span<const IpAddress> addresses);
    void suspect(const AddressRange &range);
    template <class Which>
    void suspect_if(Which which);
    void suspect_all();
    void take_link(Link link);
    void forget_link(int index);
    void take_address(const AddressChange &change);
    void schedule_look_up();
    void look_up_suspects();
    void collect_users();
    void all_changed() const;
    void log_warnings();
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
    std::uint64_t lookups_ = 0;
    struct Overflow {
        int family = 0;
        unsigned tick = 0;
    };
    std::optional<Overflow> overflow_; // the kernel had no room for a neighbour
    std::vector<std::string> logged_;
    std::map<IpAddress, Target> targets_;
    std::set<IpAddress> suspects_; // targets whose route may have changed
    std::set<int> used_links_;     // that a route led through at some time
    std::map<NeighbourKey, Watched> neighbours_;
    std::unordered_map<int, Link> links_;
};

// The data plane's port that has this interface, be it there now or not. nullopt: none has.
std::optional<u16> port_of(std::string_view interface, std::span<const PortLine> ports);

// From the kernel's way to the data plane's. A configured MAC needs no route where there is one port only.
std::optional<NextHop> next_hop_for(const BackendConfig &backend, const std::optional<Way> &way,
                                    std::span<const PortLine> ports);

} // namespace aya::neighbours
