// SPDX-License-Identifier: BSD-2-Clause
//
// What the kernel says of a network interface. Cold path: every call is a few system calls.
#pragma once

#include <optional>
#include <string>

#include "options.hpp"

namespace aya
{

bool interface_exists(const std::string &name);
bool interface_has_link(const std::string &name); // up, and a live wire as far as the driver can tell
bool interface_is_promiscuous(const std::string &name);
std::optional<u32> interface_mtu(const std::string &name);
std::optional<Mac> interface_mac(const std::string &name);
u32 interface_rx_queues(const std::string &name); // 0: no such interface
// Errors as errno values, 0: done.
int interface_set_up(const std::string &name);
int interface_set_mtu(const std::string &name, u32 mtu);
int interface_set_mac(const std::string &name, const Mac &mac);

} // namespace aya
