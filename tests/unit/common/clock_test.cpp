// SPDX-License-Identifier: BSD-2-Clause
#include "common/clock.hpp"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace aya
{
namespace
{

TEST(Clock, ReadsTheOffsetsOfATimeNamespace)
{
    EXPECT_EQ(read_clock_offsets("monotonic           0         0\nboottime            0         0\n"),
              ClockOffsets{});
    EXPECT_EQ(read_clock_offsets("monotonic      100000         5\nboottime          -7         0\n"),
              (ClockOffsets{.monotonic_ns = 100'000'000'000'005, .boottime_ns = -7'000'000'000}));
    EXPECT_EQ(read_clock_offsets(""), ClockOffsets{}) << "a kernel without time namespaces";
}

constexpr int kCannot = 77;

// In a process of its own: what it sees of the kernel's clock from inside a time namespace.
int look_from_inside(std::uint64_t outside)
{
    if (::unshare(CLONE_NEWUSER | CLONE_NEWTIME) != 0)
        return kCannot;
    std::ofstream offsets("/proc/self/timens_offsets");
    offsets << "monotonic 100000 0\n" << std::flush;
    if (!offsets)
        return kCannot;
    const pid_t inside = ::fork();
    if (inside == 0) {
        std::ifstream file("/proc/self/timens_offsets");
        const ClockOffsets found = read_clock_offsets({std::istreambuf_iterator<char>(file), {}});
        const std::uint64_t own = clock_ns(CLOCK_MONOTONIC);
        const std::uint64_t kernels = own - static_cast<std::uint64_t>(found.monotonic_ns);
        ::_exit(own > outside + 99'000'000'000'000 && kernels >= outside && kernels < outside + 60'000'000'000
                    ? 0
                    : 1);
    }
    int status = 0;
    ::waitpid(inside, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

TEST(Clock, IsTheKernelsInATimeNamespace)
{
    const std::uint64_t outside = monotonic_ns();
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(look_from_inside(outside));
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == kCannot)
        GTEST_SKIP() << "no time namespaces here";
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

} // namespace
} // namespace aya
