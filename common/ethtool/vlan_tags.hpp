// SPDX-License-Identifier: BSD-2-Clause
// VLAN tags that a driver takes out of received frames ("receive VLAN offload"). Native XDP and AF_XDP do not
// see such a tag, and send the packet without it: into another VLAN, of another tenant perhaps.
#pragma once

#include <cstdint>
#include <string>

namespace aya
{

struct VlanTags {
    std::uint32_t turned_off = 0; // offloads that were on, for restore_vlan_offload()
    std::string note;             // what was done, or what the operator should know; empty: nothing
    std::string warning;          // tags are lost; empty: not as far as can be seen
};

// Has the driver leave the tags in the frames. On a veth it is the other end that keeps them out.
VlanTags keep_vlan_tags(const std::string &interface);

void restore_vlan_offload(const std::string &interface, std::uint32_t turned_off);

} // namespace aya
