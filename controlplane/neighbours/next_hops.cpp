// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/next_hops.hpp"

#include "neighbours/table_limit.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace aya::neighbours
{

namespace
{

using namespace std::chrono_literals;

constexpr auto kTick = 1s;
constexpr unsigned kAskTicks = 2;      // a neighbour that does not answer
constexpr unsigned kRefreshTicks = 10; // one that does
constexpr unsigned kLookAgainTicks =
    20;                                 // at every route, whatever event was missed; a part of them each tick
constexpr unsigned kOverflowTicks = 60; // the kernel's table counts as full after it refused an entry
constexpr auto kLookUpDelay = 50ms;     // route changes come in bursts

constexpr std::uint16_t kUsable =
    NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;

// One for packets with a mark does not, because the data plane's have none.
bool may_match_packets(const nlmsghdr &rule)
{
    const auto *body = netlink::body_of<fib_rule_hdr>(rule);
    const bool inverted = body && (body->flags & FIB_RULE_INVERT) != 0;
    return inverted ||
           netlink::Attributes::of<fib_rule_hdr>(rule).number<std::uint32_t>(FRA_FWMARK).value_or(0) == 0;
}

// Of nexthop objects no answer of the kernel says which route uses them; one that is only added is used by
// none.
bool may_move_any_route(const nlmsghdr &message)
{
    switch (message.nlmsg_type) {
    case RTM_NEWRULE:
    case RTM_DELRULE:
        return may_match_packets(message);
    case RTM_DELNEXTHOP:
        return true;
    case RTM_NEWNEXTHOP:
        return (message.nlmsg_flags & NLM_F_REPLACE) != 0;
    default:
        return false;
    }
}

template <std::size_t N>
std::string_view text_of(const char (&field)[N])
{
    return {field, strnlen(field, N)};
}

std::optional<u16> only_port(std::span<const PortLine> ports)
{
    std::optional<u16> only;
    for (std::size_t i = 0; i < ports.size(); i++) {
        if (ports[i].present && only)
            return std::nullopt;
        if (ports[i].present)
            only = static_cast<u16>(i);
    }
    return only;
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
                suspect_all();
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
        take_link(std::move(*link));
    else if (const auto range = read_route_change(message))
        suspect(*range);
    else if (const auto address = read_address_change(message))
        take_address(*address);
    else if (const auto index = read_link_removal(message))
        forget_link(*index);
    else if (may_move_any_route(message))
        suspect_all();
}

// A host has many links that come and go with its containers. Of those only the route messages matter.
void NextHops::take_link(Link link)
{
    Link &known = links_[link.index];
    if (known == link)
        return;
    const bool renamed = known.name != link.name;
    const int index = link.index;
    known = std::move(link);
    if (!used_links_.contains(index))
        return;
    suspect_all();
    if (!renamed)
        return;
    std::vector<IpAddress> users;
    for (const auto &[address, target] : targets_)
        if (target.route && target.route->link == index)
            users.push_back(address);
    changed_(users);
}

void NextHops::forget_link(int index)
{
    if (used_links_.contains(index))
        suspect_all();
    else
        links_.erase(index);
}

// With an address of this machine the kernel removes routes without a message.
void NextHops::take_address(const AddressChange &change)
{
    suspect(change.network);
    suspect_if([&](const Target &target) {
        return target.route && (target.route->link == change.link || target.route->source == change.address);
    });
}

void NextHops::suspect(const AddressRange &range)
{
    const auto end = targets_.upper_bound(range.last);
    for (auto at = targets_.lower_bound(range.first); at != end; ++at)
        if (at->first.is_v4() == range.first.is_v4())
            suspects_.insert(at->first);
    schedule_look_up();
}

template <class Which>
void NextHops::suspect_if(Which which)
{
    for (const auto &[address, target] : targets_)
        if (which(target))
            suspects_.insert(address);
    schedule_look_up();
}

void NextHops::suspect_all()
{
    suspect_if([](const Target &) { return true; });
}

void NextHops::schedule_look_up()
{
    if (suspects_.empty() || std::exchange(look_up_pending_, true))
        return;
    look_up_timer_.expires_after(kLookUpDelay);
    look_up_timer_.async_wait([this](boost::system::error_code error) {
        if (error)
            return;
        look_up_pending_ = false;
        look_up_suspects();
    });
}

void NextHops::look_up_suspects()
{
    std::vector<IpAddress> due;
    for (const IpAddress &address : std::exchange(suspects_, {}))
        if (targets_.contains(address))
            due.push_back(address);
    if (const auto different = look_again(due); !different.empty())
        changed_(different);
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
        if (ticks_ % kRefreshTicks == 0)
            log_warnings();
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
    std::map<IpAddress, Target> next;
    for (const WayTarget &wanted : targets) {
        const auto [at, added] = next.try_emplace(wanted.address, Target{.resolve = wanted.resolve});
        if (!added && (at->second.resolve || !wanted.resolve))
            continue;
        at->second.resolve = wanted.resolve;
        const auto known = targets_.find(wanted.address);
        if (known != targets_.end() && known->second.resolve == wanted.resolve)
            at->second = known->second;
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

void NextHops::log_warnings()
{
    std::vector<std::string> now = warnings();
    for (const std::string &line : now)
        if (std::find(logged_.begin(), logged_.end(), line) == logged_.end())
            spdlog::warn("{}", line);
    logged_ = std::move(now);
}

void NextHops::all_changed() const
{
    std::vector<IpAddress> all;
    all.reserve(targets_.size());
    for (const auto &[address, target] : targets_)
        all.push_back(address);
    changed_(all);
}

void NextHops::look_up(const IpAddress &address, Target &target, const std::optional<Mac> &recalled)
{
    lookups_++;
    target.route = route_to(requests_, address);
    if (target.route)
        used_links_.insert(target.last_link = target.route->link);
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
    if (error == ENOBUFS)
        overflow_ = {.family = key.second.family(), .tick = ticks_};
}

// Of one family: all that share the kernel's table of it.
std::vector<std::string> NextHops::warnings() const
{
    std::vector<std::string> lines;
    for (const int family : {AF_INET, AF_INET6}) {
        const auto needed = std::count_if(neighbours_.begin(), neighbours_.end(), [&](const auto &entry) {
            return entry.first.second.family() == family;
        });
        const bool refused =
            overflow_ && overflow_->family == family && ticks_ - overflow_->tick < kOverflowTicks;
        if (auto line = neighbour_table_warning(family, static_cast<std::size_t>(needed),
                                                neighbour_table_limit(family), refused))
            lines.push_back(std::move(*line));
    }
    return lines;
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

std::string NextHops::last_interface(const IpAddress &target) const
{
    const auto found = targets_.find(target);
    const auto link = found == targets_.end() ? links_.end() : links_.find(found->second.last_link);
    return link == links_.end() ? std::string() : link->second.name;
}

std::optional<u16> port_of(std::string_view interface, std::span<const PortLine> ports)
{
    for (std::size_t i = 0; i < ports.size() && !interface.empty(); i++)
        if (text_of(ports[i].interface) == interface || text_of(ports[i].punt) == interface)
            return static_cast<u16>(i);
    return std::nullopt;
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
    if (const auto port = port_of(way ? way->interface : "", ports); port && ports[*port].present)
        hop.port = *port;
    if (hop.port == AYA_PORT_NONE && backend.mac)
        hop.port = only_port(ports).value_or(AYA_PORT_NONE);
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
