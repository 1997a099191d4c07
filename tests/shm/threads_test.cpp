// SPDX-License-Identifier: BSD-2-Clause
// The same in one process, so that the thread sanitizer sees every access of both sides: readers' loads of a
// slot and of the lookup arena must be ordered with the publisher's writes by generation and epoch alone.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "memory_sink.hpp"
#include "publish/publisher.hpp"
#include "stamped.hpp"

namespace aya::test
{
namespace
{

constexpr u32 kReaders = 2;
constexpr u64 kGenerations = 3000;

TEST(Threads, ReadersSeeOnlyWholeGenerations)
{
    MemorySink sink(kStampedCapacities, kReaders);
    Publisher publisher(sink);
    ASSERT_TRUE(publisher.publish(Stamped{1}.image(), Publisher::Clock::now()));
    std::atomic<bool> stop{false};
    std::vector<std::string> wrong(kReaders);
    std::vector<u64> seen(kReaders);
    std::vector<std::thread> readers;
    for (u32 i = 0; i < kReaders; i++)
        readers.emplace_back([&, i] {
            sink.join(i);
            u64 last = 0;
            while (!stop) {
                const u64 generation = sink.generation();
                seen[i] += generation != last ? 1 : 0;
                last = generation;
                if (auto found = check_generation(sink.view(generation)); !found.empty() && wrong[i].empty())
                    wrong[i] = "generation " + std::to_string(generation) + ": " + found;
                sink.report(i, generation);
                std::this_thread::yield();
            }
            sink.leave(i);
        });
    for (u64 stamp = 2; stamp <= kGenerations; stamp++) {
        while (!publisher.ready())
            std::this_thread::yield();
        const auto published = publisher.publish(Stamped{stamp * 1'000'003}.image(), Publisher::Clock::now());
        EXPECT_TRUE(published && published->changed);
        if (stamp % 7 == 0) {
            while (!publisher.ready())
                std::this_thread::yield();
            publisher.retire_previous(publisher.services_with_previous());
        }
    }
    while (!publisher.ready())
        std::this_thread::yield();
    stop = true;
    for (auto &reader : readers)
        reader.join();
    for (u32 i = 0; i < kReaders; i++) {
        EXPECT_EQ(wrong[i], "");
        EXPECT_GT(seen[i], 50u);
    }
}

} // namespace
} // namespace aya::test
