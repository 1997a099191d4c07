// SPDX-License-Identifier: BSD-2-Clause
// A network interface as far as XDP is concerned: what it is, what is attached to it, attaching to it.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "aya/types.h"
#include "bpf_array.hpp"

namespace aya
{

struct InterfaceFacts {
    u32 index = 0;
    bool up = false;
    bool link = false; // a live wire, as far as the driver can tell
    bool ethernet = false;
    u32 mtu = 0;
    u32 rx_queues = 0;
    bool stacked = false; // on other interfaces, whose queues its packets come from: bond, bridge, macvlan
    std::array<u8, 6> mac{};
};

// nullopt: there is no interface of this name.
std::optional<InterfaceFacts> interface_facts(const std::string &name);

// It is there, up, and has a link: interface_facts() in short.
bool interface_works(const std::string &name);

enum class XdpMode { none, native, generic };
const char *to_string(XdpMode mode);

struct AttachedProgram {
    XdpMode mode = XdpMode::none;
    u32 id = 0;
    std::string name;
};

// Whatever program the interface has, ours or not.
AttachedProgram attached_program(u32 interface_index);

struct Attachment {
    BpfHandle link;
    XdpMode mode = XdpMode::none;
};

// Throws BpfError if the interface has a program.
void refuse_other_program(const std::string &name, const InterfaceFacts &interface);

// Native mode, or generic if the driver has no XDP. `replace`: a foreign program that was attached through
// netlink (as `ip link` does) makes room; it is put back if ours cannot be attached. Throws BpfError, and has
// changed nothing then.
Attachment attach_xdp(const std::string &name, const InterfaceFacts &interface, int program_fd, bool replace);

} // namespace aya
