// SPDX-License-Identifier: BSD-2-Clause
#include "port_follower.hpp"

#include <algorithm>

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <rte_lcore.h>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "interface.hpp"
#include "log.hpp"

namespace aya
{

namespace
{

constexpr u64 kBetweenTriesNs = 1'000'000'000;

} // namespace

PortFollower::PortFollower(Parts parts)
    : parts_(std::move(parts)), links_({RTNLGRP_LINK}), followed_(parts_.ports.size())
{
    for (u32 i = 0; i < followed_.size(); i++)
        followed_[i].mtu = parts_.ports[i]->mtu();
}

void PortFollower::look()
{
    hear_of_deleted();
    for (u32 i = 0; i < followed_.size(); i++)
        look_at(i);
}

// An interface that is deleted, or moved to another namespace, may have a successor with its name and index
// by now.
void PortFollower::hear_of_deleted()
{
    links_.drain([this](const nlmsghdr &message) {
        const auto *link = netlink::body_of<ifinfomsg>(message);
        if (message.nlmsg_type != RTM_DELLINK || link == nullptr || link->ifi_family != AF_UNSPEC)
            return;
        for (u32 i = 0; i < followed_.size(); i++)
            if (parts_.ports[i]->ifindex() == static_cast<unsigned>(link->ifi_index))
                followed_[i].deleted = true;
    });
}

void PortFollower::look_at(u32 index)
{
    const Port &port = *parts_.ports[index];
    switch (followed_[index].stage) {
    case Stage::open:
        return watch(index);
    case Stage::leaving:
        if (std::all_of(parts_.workers.begin(), parts_.workers.end(),
                        [&](const auto &worker) { return worker->follows(port); }))
            close(index);
        return;
    case Stage::closed:
        if (monotonic_ns() >= followed_[index].next_try && is_back(index))
            try_again(index);
        return;
    }
}

void PortFollower::watch(u32 index)
{
    const Port &port = *parts_.ports[index];
    if (port.lives_on_interface() &&
        (followed_[index].deleted || ::if_nametoindex(port.interface().c_str()) != port.ifindex()))
        return leave(index);
    const PortState state = port.has_link() ? PortState::works : PortState::no_link;
    if (state != followed_[index].state) {
        if (state == PortState::works)
            log_info(port.label() + ": the link is back");
        else
            log_warning(port.label() + ": no link; no traffic there");
        show(index, state);
    }
    watch_mtu(index);
    watch_mac(index);
}

void PortFollower::watch_mtu(u32 index)
{
    Port &port = *parts_.ports[index];
    const u32 mtu = port.interface().empty() ? followed_[index].mtu
                                             : interface_mtu(port.interface()).value_or(followed_[index].mtu);
    if (mtu == followed_[index].mtu)
        return;
    followed_[index].mtu = mtu;
    if (port.take_mtu(mtu))
        log_info(port.label() + ": the MTU is " + std::to_string(mtu) + " now");
    else
        log_warning(port.label() + ": the MTU is " + std::to_string(mtu) +
                    " now, but packet buffers have room for " + std::to_string(port.mtu()) +
                    "; restart aya-dataplane to receive larger packets");
    parts_.punt.follow(port);
    parts_.segment.set_port(port, parts_.punt.ifindex(index));
}

// Its frames have another destination then, and those for the old one are another station's.
void PortFollower::watch_mac(u32 index)
{
    Port &port = *parts_.ports[index];
    const auto mac = port.lives_on_interface() ? interface_mac(port.interface()) : std::nullopt;
    if (!mac || *mac == port.mac())
        return;
    port.take_mac(*mac);
    log_info(port.label() + ": the MAC address is " + to_string(*mac) + " now");
    parts_.punt.follow(port);
    parts_.segment.set_port(port, parts_.punt.ifindex(index));
}

void PortFollower::leave(u32 index)
{
    Port &port = *parts_.ports[index];
    log_warning(port.label() + ": the interface no longer exists; no traffic there until it returns");
    show(index, PortState::gone);
    if (!parts_.shares.empty())
        parts_.shares[index]->leave(); // a socket without an interface takes no packet
    port.withdraw();
    followed_[index].stage = Stage::leaving;
}

void PortFollower::close(u32 index)
{
    parts_.ports[index]->close();
    followed_[index].stage = Stage::closed;
    followed_[index].deleted = false;
}

// With path "auto" a socket belongs under the control plane's program, which must be there first.
bool PortFollower::is_back(u32 index) const
{
    const unsigned now = ::if_nametoindex(parts_.ports[index]->interface().c_str());
    return now != 0 && (parts_.shares.empty() || parts_.shares[index]->interface_index() == now);
}

void PortFollower::try_again(u32 index)
{
    Port &port = *parts_.ports[index];
    Followed &followed = followed_[index];
    try {
        port.reopen();
        if (followed.pool == nullptr)
            followed.pool = parts_.pool_for(port);
        port.start(followed.pool, static_cast<int>(rte_socket_id()));
    } catch (const StartError &error) {
        port.close();
        if (followed.complaint != error.what())
            log_warning(error.what());
        followed.complaint = error.what();
        followed.next_try = monotonic_ns() + kBetweenTriesNs;
        return;
    }
    port.offer();
    followed = {};
    followed.mtu = port.mtu();
    parts_.punt.follow(port);
    parts_.segment.set_port(port, parts_.punt.ifindex(index));
    show(index, PortState::works);
    log_info(port.label() + ": the interface is back; opened again");
}

void PortFollower::show(u32 index, PortState state)
{
    followed_[index].state = state;
    parts_.segment.set_port_state(index, state);
}

} // namespace aya
