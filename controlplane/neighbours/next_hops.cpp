// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/next_hops.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstring>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

namespace aya::neighbours
{

namespace
{

using namespace std::chrono_literals;

constexpr auto kTick = 1s;
constexpr unsigned kAskTicks = 2;      // a neighbour that does not answer
constexpr unsigned kRefreshTicks = 10; // one that does
constexpr unsigned kLookAgainTicks =
    20;                             // at every route, whatever event was missed; a part of them each tick
constexpr auto kLookUpDelay = 50ms; // route changes come in bursts

constexpr std::uint16_t kUsable =
    NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;

template <std::size_t N>
std::string_view text_of(const char (&field)[N])
{
    return {field, strnlen(field, N)};
}

} // namespace

void NeighbourBelief::see(const Neighbour &neighbour)
{
    state_ = neighbour.state;
    if (neighbour.mac && (neighbour.state & kUsable))
        mac_ = neighbour.mac;
    else if (neighbour.state & NUD_FAILED)
        mac_.reset();
}

bool NeighbourBelief::settled() const
{
    return (state_ & (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_DELAY | NUD_PROBE)) != 0;
}

bool NeighbourBelief::needs_asking() const
{
    return (state_ & (kUsable | NUD_INCOMPLETE)) == 0;
}

bool NeighbourBelief::needs_refresh() const
{
    return (state_ & NUD_STALE) != 0;
}

NextHops::NextHops(const boost::asio::any_io_executor &executor, Changed changed)
    : changed_(std::move(changed)),
      events_({RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
               RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP}),
      readable_(executor, ::dup(events_.fd())), look_up_timer_(executor), tick_timer_(executor)
{
    for (Link &link : links(requests_))
        links_[link.index] = std::move(link);
    listen();
    tick();
}

void NextHops::listen()
{
    readable_.async_wait(
        boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
            if (error)
                return;
            if (!events_.drain([this](const nlmsghdr &message) { take(message); })) {
                spdlog::warn("netlink events were lost; reading routes and neighbours again");
                for (auto &[key, watched] : neighbours_)
                    if (auto neighbour = find_neighbour(requests_, key.first, key.second))
                        watched.belief.see(*neighbour);
                links_.clear();
                for (Link &link : links(requests_))
                    links_[link.index] = std::move(link);
                schedule_look_up();
                all_changed();
            }
            listen();
        });
}

void NextHops::take(const nlmsghdr &message)
{
    if (const auto neighbour = read_neighbour(message)) {
        const auto found = neighbours_.find({neighbour->link, neighbour->address});
        if (found == neighbours_.end())
            return;
        NeighbourBelief &belief = found->second.belief;
        const auto before = belief.mac();
        belief.see(*neighbour);
        if (neighbour->state == 0 && belief.needs_asking())
            ask(found->first, belief);
        if (belief.mac() == before)
            return;
        const std::vector<IpAddress> users = found->second.users;
        if (!belief.mac())
            look_again(users); // the kernel may have another hop: of several, it leaves out those that failed
        changed_(users);
        return;
    }
    if (auto link = read_link(message))
        links_[link->index] = std::move(*link);
    schedule_look_up();
}

void NextHops::schedule_look_up()
{
    if (std::exchange(look_up_pending_, true))
        return;
    look_up_timer_.expires_after(kLookUpDelay);
    look_up_timer_.async_wait([this](boost::system::error_code error) {
        if (error)
            return;
        look_up_pending_ = false;
        look_up_all();
        all_changed();
    });
}

// Asks for neighbours that did not answer, and for those that the kernel has not made sure of for a while.
void NextHops::tick()
{
    tick_timer_.expires_after(kTick);
    tick_timer_.async_wait([this](boost::system::error_code error) {
        if (error)
            return;
        ticks_++;
        for (auto &[key, watched] : neighbours_) {
            NeighbourBelief &belief = watched.belief;
            const auto before = belief.mac();
            if ((belief.needs_asking() && ticks_ % kAskTicks == 0) ||
                (belief.needs_refresh() && ticks_ % kRefreshTicks == 0))
                ask(key, belief);
            if (belief.mac() != before)
                changed_(watched.users);
        }
        std::vector<IpAddress> due;
        for (const auto &[address, target] : targets_)
            if (std::hash<IpAddress>{}(address) % kLookAgainTicks == ticks_ % kLookAgainTicks)
                due.push_back(address);
        if (const auto different = look_again(due); !different.empty())
            changed_(different);
        tick();
    });
}

// Asks for the routes to these targets. Returns those that have another one now.
std::vector<IpAddress> NextHops::look_again(std::span<const IpAddress> addresses)
{
    std::vector<IpAddress> different;
    for (const IpAddress &address : addresses) {
        Target &target = targets_.at(address);
        const std::optional<Route> before = target.route;
        look_up(address, target, std::nullopt);
        if (target.route != before)
            different.push_back(address);
    }
    if (!different.empty())
        collect_users();
    return different;
}

void NextHops::set_targets(const std::vector<WayTarget> &targets)
{
    std::unordered_map<IpAddress, Target> next;
    for (const WayTarget &wanted : targets) {
        const auto [at, added] =
            next.try_emplace(wanted.address, Target{.resolve = wanted.resolve, .route = {}});
        if (!added && (at->second.resolve || !wanted.resolve))
            continue;
        at->second.resolve = wanted.resolve;
        const auto known = targets_.find(wanted.address);
        if (known != targets_.end() && known->second.resolve == wanted.resolve)
            at->second.route = known->second.route;
        else
            look_up(wanted.address, at->second, wanted.recalled);
    }
    targets_ = std::move(next);
    collect_users();
}

// And forgets the neighbours that have none.
void NextHops::collect_users()
{
    for (auto &[key, watched] : neighbours_)
        watched.users.clear();
    for (const auto &[address, target] : targets_) {
        if (!target.route || !target.resolve)
            continue;
        const auto found = neighbours_.find({target.route->link, next_hop_of(address, *target.route)});
        if (found != neighbours_.end())
            found->second.users.push_back(address);
    }
    std::erase_if(neighbours_, [](const auto &entry) { return entry.second.users.empty(); });
}

void NextHops::all_changed() const
{
    std::vector<IpAddress> all;
    all.reserve(targets_.size());
    for (const auto &[address, target] : targets_)
        all.push_back(address);
    changed_(all);
}

void NextHops::look_up_all()
{
    for (auto &[address, target] : targets_)
        look_up(address, target, std::nullopt);
    collect_users();
}

void NextHops::look_up(const IpAddress &address, Target &target, const std::optional<Mac> &recalled)
{
    target.route = route_to(requests_, address);
    if (target.route && target.resolve)
        watch(target.route->link, next_hop_of(address, *target.route), recalled);
}

void NextHops::watch(int link, const IpAddress &address, const std::optional<Mac> &recalled)
{
    const auto [at, added] = neighbours_.try_emplace({link, address});
    if (!added)
        return;
    NeighbourBelief &belief = at->second.belief;
    if (recalled)
        belief.recall(*recalled);
    if (const auto neighbour = find_neighbour(requests_, link, address))
        belief.see(*neighbour);
    if (!belief.settled())
        ask(at->first, belief);
}

void NextHops::ask(const NeighbourKey &key, NeighbourBelief &belief)
{
    const int error = resolve(requests_, key.first, key.second);
    if (!error)
        return;
    if (belief.needs_asking())
        belief.give_up(); // nothing will tell us whether it is still true
    if (error != last_error_)
        spdlog::warn("cannot ask the kernel to resolve the neighbour {}: {}{}", to_string(key.second),
                     std::strerror(error), error == EPERM ? " (requires CAP_NET_ADMIN)" : "");
    last_error_ = error;
}

std::optional<Way> NextHops::find(const IpAddress &target) const
{
    const auto found = targets_.find(target);
    if (found == targets_.end() || !found->second.route)
        return std::nullopt;
    const Route &route = *found->second.route;
    Way way{.next_hop = next_hop_of(target, route),
            .interface = {},
            .mac = {},
            .source = route.source,
            .mtu = route.mtu};
    if (const auto link = links_.find(route.link); link != links_.end())
        way.interface = link->second.name;
    if (const auto neighbour = neighbours_.find({route.link, way.next_hop}); neighbour != neighbours_.end())
        way.mac = neighbour->second.belief.mac();
    return way;
}

IpAddress NextHops::next_hop_of(const IpAddress &target, const Route &route)
{
    return route.gateway.value_or(target);
}

std::optional<NextHop> next_hop_for(const BackendConfig &backend, const std::optional<Way> &way,
                                    std::span<const PortLine> ports)
{
    if (!way && !backend.mac)
        return std::nullopt;
    NextHop hop;
    hop.address = way ? way->next_hop : backend.address;
    if (way) {
        hop.mac = way->mac;
        hop.source = way->source;
    }
    std::size_t only = ports.size();
    std::size_t present = 0;
    for (std::size_t i = 0; i < ports.size(); i++) {
        const PortLine &port = ports[i];
        if (!port.present)
            continue;
        present++;
        only = i;
        if (way && !way->interface.empty() &&
            (text_of(port.interface) == way->interface || text_of(port.punt) == way->interface))
            hop.port = static_cast<u16>(i);
    }
    if (hop.port == AYA_PORT_NONE && backend.mac && present == 1)
        hop.port = static_cast<u16>(only);
    if (hop.port != AYA_PORT_NONE) {
        const PortLine &port = ports[hop.port];
        std::memcpy(hop.port_mac.bytes.data(), port.mac, sizeof(port.mac));
        hop.mtu = port.mtu;
    }
    if (way && way->mtu != 0)
        hop.limit_mtu(way->mtu, MtuSource::route);
    return hop;
}

} // namespace aya::neighbours
