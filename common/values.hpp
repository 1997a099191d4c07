// SPDX-License-Identifier: BSD-2-Clause
// Types of configuration values that are not addresses.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace aya
{

using Duration = std::chrono::milliseconds;

// Of flow_hash, in the order of the hex digits.
using Seed = std::array<std::uint8_t, 16>;

} // namespace aya
