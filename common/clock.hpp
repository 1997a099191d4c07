// SPDX-License-Identifier: BSD-2-Clause
// The clocks of the kernel in nanoseconds, as the segments' stamps and the XDP program's ticks are.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

namespace aya
{

// What a time namespace adds to the kernel's own clocks. The kernel's programs do not see it, nor do
// processes in other time namespaces.
struct ClockOffsets {
    std::int64_t monotonic_ns = 0;
    std::int64_t boottime_ns = 0;

    bool operator==(const ClockOffsets &) const = default;
};

// From the text of /proc/PID/timens_offsets; what it does not name is 0.
ClockOffsets read_clock_offsets(const std::string &text);

// Of this process, which stay as they are for its life. Kernels without time namespaces have none.
const ClockOffsets &clock_offsets() noexcept;

// As this process sees it.
inline std::uint64_t clock_ns(clockid_t clock) noexcept
{
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// CLOCK_MONOTONIC as the kernel has it: the same for all processes and for BPF programs, and it stands still
// while the machine sleeps.
inline std::uint64_t monotonic_ns() noexcept
{
    return clock_ns(CLOCK_MONOTONIC) - static_cast<std::uint64_t>(clock_offsets().monotonic_ns);
}

// CLOCK_BOOTTIME likewise, which goes on while the machine sleeps.
inline std::uint64_t boottime_ns() noexcept
{
    return clock_ns(CLOCK_BOOTTIME) - static_cast<std::uint64_t>(clock_offsets().boottime_ns);
}

} // namespace aya
