// SPDX-License-Identifier: BSD-2-Clause
// What is attached to an interface, and what decapsulation has counted.
#pragma once

#include "facts.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "decap.h"

namespace aya::backend
{

using DecapCounters = std::array<std::uint64_t, AYA_DECAP_OUTCOME_COUNT>;

Attached read_attached(Netlink &netlink, int link);
// nullopt: no maps are pinned there.
std::optional<DecapCounters> read_counters(const std::string &bpf_dir);

} // namespace aya::backend
