// SPDX-License-Identifier: BSD-2-Clause
// The marks of packets of health probes that go through tunnels, which are also the numbers of the routing
// tables that a rule sends them to.
#pragma once

#include <cstdint>

namespace aya
{

constexpr std::uint32_t kProbeMarks = 0xa0000000;
constexpr std::uint32_t kProbeMarksMask = 0xf0000000;

constexpr bool is_probe_mark(std::uint32_t mark)
{
    return (mark & kProbeMarksMask) == kProbeMarks;
}

} // namespace aya
