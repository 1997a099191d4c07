// SPDX-License-Identifier: BSD-2-Clause
//
// The VIPs of one prefix that are not exact, as data planes search them: `port_ranges` of tables.h.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aya/tables.h"
#include "common/vip.hpp"

namespace aya
{

using VipOfService = std::pair<VipKey, u32>; // and its id

// nullopt: they are more, or more of them one within the other, than a look-up is bounded to.
std::optional<std::vector<aya_port_range>> make_port_ranges(std::vector<VipOfService> vips);

// The port that stands for the length in a prefix's entry of `vips`, and back. nullopt: none does.
u16 port_of_length(const Prefix &prefix);
std::optional<Prefix> prefix_of_entry(const IpAddress &address, u16 port);

VipKey vip_of(const Prefix &prefix, const aya_port_range &range);

} // namespace aya
