// SPDX-License-Identifier: BSD-2-Clause
#include "common/ethtool/vlan_tags.hpp"

#include "common/ethtool/ethtool.hpp"
#include "common/netlink/socket.hpp"

#include <algorithm>
#include <array>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string_view>

namespace aya
{

namespace
{

constexpr std::array<std::string_view, 2> kReceive = {"rx-vlan-hw-parse", "rx-vlan-stag-hw-parse"};
constexpr std::array<std::string_view, 2> kSend = {"tx-vlan-hw-insert", "tx-vlan-stag-hw-insert"};

// The other end of a veth, if that is in this network namespace.
std::string peer_of(const std::string &interface)
{
    ifinfomsg body = {};
    body.ifi_index = static_cast<int>(::if_nametoindex(interface.c_str()));
    netlink::Socket socket;
    netlink::Request request(RTM_GETLINK, 0, body);
    unsigned index = 0;
    socket.exchange(request, [&](const nlmsghdr &message) {
        const auto attributes = netlink::Attributes::of<ifinfomsg>(message);
        if (attributes.find(IFLA_LINK_NETNSID).empty())
            index = attributes.number<unsigned>(IFLA_LINK).value_or(0);
    });
    std::array<char, IF_NAMESIZE> name{};
    return index != 0 && ::if_indextoname(index, name.data()) != nullptr ? name.data() : "";
}

// What a veth gets is as its peer sent it.
VlanTags of_veth(const std::string &interface)
{
    constexpr const char *kTurnOff = " txvlan off tx-vlan-stag-hw-insert off";
    VlanTags tags;
    const std::string peer = peer_of(interface);
    if (peer.empty()) {
        tags.note =
            interface + " is a veth: if tagged frames come in, run at its peer: ethtool -K PEER" + kTurnOff;
        return tags;
    }
    const auto features = ethtool::features(peer);
    if (std::any_of(features.begin(), features.end(), [](const ethtool::Feature &feature) {
            return feature.active && std::find(kSend.begin(), kSend.end(), feature.name) != kSend.end();
        }))
        tags.warning =
            interface + ": VLAN tags of received frames are lost; run: ethtool -K " + peer + kTurnOff;
    return tags;
}

} // namespace

VlanTags keep_vlan_tags(const std::string &interface)
{
    if (ethtool::driver(interface) == "veth")
        return of_veth(interface);
    VlanTags tags;
    const auto features = ethtool::features(interface);
    for (std::uint32_t i = 0; i < kReceive.size(); i++) {
        const auto feature = std::find_if(features.begin(), features.end(),
                                          [i](const auto &each) { return each.name == kReceive[i]; });
        if (feature == features.end() || !feature->active)
            continue;
        if (feature->changeable && ethtool::set_feature(interface, feature->name, false)) {
            tags.turned_off |= 1U << i;
            tags.note = interface + ": receive VLAN offload turned off, so that tags are seen";
        } else {
            tags.warning = interface + ": VLAN tags of received frames are lost: the driver does not let " +
                           feature->name + " be turned off";
        }
    }
    return tags;
}

void restore_vlan_offload(const std::string &interface, std::uint32_t turned_off)
{
    for (std::uint32_t i = 0; i < kReceive.size(); i++)
        if (turned_off & (1U << i))
            ethtool::set_feature(interface, std::string(kReceive[i]), true);
}

} // namespace aya
