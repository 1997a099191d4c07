// SPDX-License-Identifier: BSD-2-Clause
// The clocks of the kernel in nanoseconds, as the segments' stamps are.
#pragma once

#include <cstdint>
#include <ctime>

namespace aya
{

inline std::uint64_t clock_ns(clockid_t clock) noexcept
{
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// CLOCK_MONOTONIC: the same for all processes, and it stands still while the machine sleeps.
inline std::uint64_t monotonic_ns() noexcept
{
    return clock_ns(CLOCK_MONOTONIC);
}

} // namespace aya
