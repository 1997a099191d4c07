// SPDX-License-Identifier: BSD-2-Clause
// What is wrong with a host as a backend: a pure function of what was found on it.
#pragma once

#include "facts.hpp"
#include "settings.hpp"

#include <string>
#include <vector>

namespace aya::backend
{

// Code, blocks `up`: whether up refuses, because this is not for it to put right.
#define AYA_BACKEND_DEFECTS(X)    \
    X(not_root, true)             \
    X(lo_down, true)              \
    X(interface_down, true)       \
    X(no_carrier, false)          \
    X(ipv6_off, true)             \
    X(vip_missing, false)         \
    X(vip_too_wide, true)         \
    X(vip_elsewhere, true)        \
    X(vip_has_gateway, true)      \
    X(arp_ignore, false)          \
    X(arp_announce, false)        \
    X(rp_filter, false)           \
    X(no_decap, false)            \
    X(no_clsact, false)           \
    X(decap_lacks_address, false) \
    X(decap_lacks_vip, false)     \
    X(decap_other_port, false)    \
    X(any_balancer, false)        \
    X(lacks_balancer, false)      \
    X(program_ahead, false)       \
    X(foreign_xdp, true)          \
    X(generic_xdp, false)         \
    X(lro, false)                 \
    X(udp_gro, false)             \
    X(old_kernel, false)          \
    X(mtu, false)                 \
    X(no_default_route, false)    \
    X(no_listener, false)

enum class Defect {
#define AYA_X(code, blocks) code,
    AYA_BACKEND_DEFECTS(AYA_X)
#undef AYA_X
};

struct Finding {
    Defect defect;
    std::string text; // where: what is wrong; what to do
};

const char *code_of(Defect defect);
bool blocks_up(Defect defect);

std::vector<Finding> judge(const Facts &facts, const Settings &settings);

// Rules that planning shares.

// A VIP on this interface is not announced on any network: lo, and what has no ARP (dummy and tunnel
// devices).
bool keeps_quiet(const Link &link);
// The kernel takes the larger one of `all` and the interface's own value.
int effective(const Facts &facts, const std::string &interface, int Ipv4Conf::*key);
// This host keeps its VIPs for itself: it does not answer ARP for addresses of other interfaces (1, 2, 8) ...
bool is_quiet_arp_ignore(int value);
// ... and does not ask with them as sender (2).
bool is_quiet_arp_announce(int value);
// Interfaces that take part in ARP.
std::vector<std::string> arp_interfaces(const Facts &facts);
// Strict, and the route back to clients is another interface's: their packets would be dropped.
bool drops_by_rp_filter(const Facts &facts, const std::string &interface);

} // namespace aya::backend
