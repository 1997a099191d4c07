// SPDX-License-Identifier: BSD-2-Clause
#include "paths/port_losses.hpp"

#include "common/netlink/socket.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

namespace aya
{

LossCounts interface_losses(const PortLine &port)
{
    LossCounts counts;
    ifinfomsg body = {};
    body.ifi_index = static_cast<int>(::if_nametoindex(port.interface));
    if (body.ifi_index == 0)
        return counts;
    netlink::Socket socket;
    netlink::Request request(RTM_GETLINK, 0, body);
    socket.exchange(request, [&](const nlmsghdr &message) {
        const auto stats =
            netlink::Attributes::of<ifinfomsg>(message).number<rtnl_link_stats64>(IFLA_STATS64);
        if (!stats)
            return;
        // Each packet is in one of these (linux/Documentation/networking/statistics.rst).
        counts.interface_rx_dropped = stats->rx_dropped + stats->rx_missed_errors + stats->rx_errors;
        counts.interface_tx_dropped = stats->tx_dropped + stats->tx_errors;
    });
    return counts;
}

void add_driver_losses(LossCounts &counts, const PortLosses &driver)
{
    counts.rx_missed += driver.rx_missed;
    counts.rx_no_buffer += driver.rx_no_buffer;
    counts.rx_errors += driver.rx_errors;
    counts.tx_lost += driver.tx_lost;
}

} // namespace aya
