// SPDX-License-Identifier: BSD-2-Clause
#include "common/clock.hpp"

#include <fstream>
#include <iterator>
#include <sstream>

namespace aya
{

ClockOffsets read_clock_offsets(const std::string &text)
{
    ClockOffsets offsets;
    std::istringstream lines(text);
    std::string clock;
    std::int64_t seconds = 0, nanoseconds = 0;
    while (lines >> clock >> seconds >> nanoseconds) {
        const std::int64_t sum = seconds * 1'000'000'000 + nanoseconds;
        if (clock == "monotonic")
            offsets.monotonic_ns = sum;
        else if (clock == "boottime")
            offsets.boottime_ns = sum;
    }
    return offsets;
}

const ClockOffsets &clock_offsets() noexcept
{
    static const ClockOffsets offsets = [] {
        std::ifstream file("/proc/self/timens_offsets");
        return read_clock_offsets({std::istreambuf_iterator<char>(file), {}});
    }();
    return offsets;
}

} // namespace aya
