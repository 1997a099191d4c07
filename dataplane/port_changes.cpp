// SPDX-License-Identifier: BSD-2-Clause
//
// A port whose kernel interface changes under it: followed, closed, opened again, and left as it was found.
#include "port.hpp"

#include <algorithm>
#include <utility>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "common/error.hpp"
#include "common/ethtool/vlan_tags.hpp"
#include "interface.hpp"

namespace aya
{

namespace
{

void add_losses(PortLosses &losses, u16 port_id)
{
    rte_eth_stats stats{};
    if (rte_eth_stats_get(port_id, &stats) != 0)
        return;
    losses.rx_missed += stats.imissed;
    losses.rx_no_buffer += stats.rx_nombuf;
    losses.rx_errors += stats.ierrors;
    losses.tx_lost += stats.oerrors;
}

} // namespace

void Port::close()
{
    sockets_.forget();
    if (taken_)
        return;
    restore_interface();
    stop();
    for (const Device &device : devices_) {
        add_losses(closed_, device.port_id);
        rte_eth_dev_info info{};
        rte_eth_dev_info_get(device.port_id, &info);
        rte_eth_dev_close(device.port_id);
        if (lives_on_interface())
            rte_dev_remove(info.device); // its name can be attached again
    }
    devices_.clear();
    take_driver_complaint();
}

void Port::reopen()
{
    const u32 queues = queues_;
    try {
        open();
        if (queues_ != queues)
            refuse("had " + std::to_string(queues) + " queues, and has " + std::to_string(queues_) +
                   " now; restart aya-dataplane");
    } catch (const StartError &) {
        close();
        queues_ = queues;
        throw;
    }
}

void Port::take_mac(const Mac &mac)
{
    mac_ = mac;
    shift_.fetch_add(2, std::memory_order_release); // still open
}

bool Port::take_mtu(u32 mtu)
{
    mtu_ = std::min(mtu, room_);
    return mtu <= room_;
}

bool Port::has_link() const
{
    if (!interface_.empty())
        return interface_has_link(interface_);
    rte_eth_link link{};
    return rte_eth_link_get_nowait(devices_.front().port_id, &link) != 0 ||
           link.link_status == RTE_ETH_LINK_UP;
}

PortLosses Port::losses()
{
    PortLosses losses = closed_;
    for (const Device &device : devices_)
        add_losses(losses, device.port_id);
    losses.rx_missed += sockets_.count();
    return losses;
}

void Port::keep_tags()
{
    if (!is_af_xdp())
        return;
    const VlanTags tags = keep_vlan_tags(interface_);
    vlan_offload_ |= tags.turned_off;
    if (!tags.note.empty())
        log_info(label() + ": " + tags.note);
    if (!tags.warning.empty())
        log_warning(label() + ": " + tags.warning);
}

// What was changed of an interface that stays when we go.
void Port::restore_interface()
{
    for (Device &device : devices_) {
        if (std::exchange(device.made_promiscuous, false))
            rte_eth_promiscuous_disable(device.port_id);
        if (std::exchange(device.made_all_multicast, false))
            rte_eth_allmulticast_disable(device.port_id);
    }
    restore_vlan_offload(interface_, std::exchange(vlan_offload_, 0));
    const auto mtu = std::exchange(mtu_before_, std::nullopt);
    if (mtu && interface_mtu(interface_) == mtu_)
        interface_set_mtu(interface_, *mtu);
}

} // namespace aya
