// SPDX-License-Identifier: BSD-2-Clause
//
// Weighted Maglev lookup tables (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
// Balancer", NSDI 2016, section 3.4). Pure: vector in, vector out.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "common/address.hpp"
#include "common/values.hpp"
#include "kinds/scheduler.hpp"

namespace aya
{

// The same on every box of a fleet, whatever order a configuration lists its backends in.
u64 maglev_key(const Seed &seed, std::string_view name, const IpAddress &address);

// Slots that each candidate is due of `size`: in proportion to weight by largest remainder, and at least one
// for every positive weight as long as there are slots for all. Adds up to `size`, or to 0 if no weight is
// positive.
std::vector<u32> maglev_quotas(std::span<const Candidate> candidates, u32 size);

} // namespace aya
