// SPDX-License-Identifier: BSD-2-Clause
// Writer and readers as real processes, killed and stopped at random moments. The reader fails itself if it
// ever sees a generation that is not whole.
#include <chrono>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "dataplane_file.hpp"
#include "process.hpp"
#include "publish/dataplane_segment.hpp"
#include "stamped.hpp"
#include "temporary_directory.hpp"

namespace aya::test
{
namespace
{

using namespace std::chrono_literals;

constexpr u64 kForever = 1'000'000'000'000;

std::string peer()
{
    const char *path = std::getenv("AYA_SHM_PEER");
    return path ? path : "./shm_peer";
}

class SharedMemory : public testing::Test
{
protected:
    std::vector<std::string> writer(u64 first, u64 count) const
    {
        return {peer(), "writer", directory_.path(), std::to_string(first), std::to_string(count)};
    }
    std::vector<std::string> reader() const { return {peer(), "reader", directory_.path(), "2"}; }

    void write(u64 first, u64 count) { ASSERT_EQ(Process(writer(first, count)).wait(), 0); }

    u64 generation() const { return TablesReader(directory_ / "tables").generation(); }

    // Bounded by a time that no machine needs.
    template <class Condition>
    void wait_until(Condition condition, const char *what)
    {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        while (!condition()) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain for " << what;
            std::this_thread::sleep_for(1ms);
        }
    }

    // All workers of the process that reads now are at `generation` or later.
    void wait_for_readers(const Process &process, u64 wanted)
    {
        DataplaneSegment segment(directory_ / "dataplane");
        wait_until(
            [&] {
                if (!segment.refresh() || segment.header().owner_pid != static_cast<u32>(process.pid()))
                    return false;
                for (u32 i = 0; i < segment.worker_count(); i++)
                    if (segment.worker(i).epoch.load() < wanted)
                        return false;
                return true;
            },
            "readers");
    }

    void stop(Process &process)
    {
        process.signal(SIGTERM);
        EXPECT_EQ(process.wait(), 0);
    }

    TemporaryDirectory directory_;
};

TEST_F(SharedMemory, ReadersSeeOnlyWholeGenerations)
{
    write(1, 1);
    Process reading(reader());
    wait_for_readers(reading, 1);
    write(1000, 4000);
    EXPECT_EQ(generation(), 4001u);
    wait_for_readers(reading, 4001);
    stop(reading);
}

TEST_F(SharedMemory, AWriterKilledWhilePublishingLeavesWholeTablesToTheNext)
{
    write(1, 1);
    Process reading(reader());
    wait_for_readers(reading, 1);
    std::mt19937 random(1);
    u64 before = generation();
    for (u64 round = 1; round <= 150; round++) {
        Process writing(writer(round * 1'000'000, kForever));
        wait_until([&] { return generation() > before + random() % 50; }, "the writer");
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
        writing.signal(SIGKILL);
        EXPECT_EQ(writing.wait(), 128 + SIGKILL) << "the writer found something wrong";
        EXPECT_GT(generation(), before);
        before = generation();
    }
    write(7, 100);
    EXPECT_EQ(generation(), before + 100);
    stop(reading);
}

TEST_F(SharedMemory, AWriterKilledBeforeItsFirstGenerationLeavesNothing)
{
    for (int delay : {0, 200, 1000, 3000}) {
        TemporaryDirectory directory;
        {
            Process writing({peer(), "writer", directory.path(), "1", std::to_string(kForever)});
            std::this_thread::sleep_for(std::chrono::microseconds(delay));
            writing.signal(SIGKILL);
            EXPECT_EQ(writing.wait(), 128 + SIGKILL);
        }
        if (std::filesystem::exists(directory / "tables")) {
            EXPECT_GT(TablesReader(directory / "tables").generation(), 0u);
        }
        EXPECT_EQ(Process({peer(), "writer", directory.path(), "5", "10"}).wait(), 0);
    }
}

TEST_F(SharedMemory, AReaderKilledWhileReadingDoesNotHoldUpTheWriter)
{
    write(1, 1);
    Process writing(writer(1000, kForever));
    for (int round = 0; round < 5; round++) {
        Process reading(reader());
        wait_for_readers(reading, generation() + 10);
        reading.signal(SIGKILL);
        // Not waited for: a zombie, as under a parent that is slow to collect it.
        reading.wait_for_change(WEXITED);
        const u64 at_death = generation();
        wait_until([&] { return generation() > at_death + 100; }, "the writer");
        EXPECT_EQ(reading.wait(), 128 + SIGKILL) << "the reader found something wrong";
    }
    stop(writing);
}

TEST_F(SharedMemory, AStoppedReaderHoldsUpTheWriterForTwoSecondsOnly)
{
    write(1, 1);
    Process reading(reader());
    wait_for_readers(reading, 1);
    Process writing(writer(1000, kForever));
    wait_for_readers(reading, 50);
    reading.signal(SIGSTOP);
    reading.wait_for_change(WSTOPPED);
    const u64 at_stop = generation();
    wait_until([&] { return generation() > at_stop + 100; }, "the writer");
    reading.signal(SIGCONT);
    // It is waited for again.
    wait_for_readers(reading, generation() + 50);
    stop(writing);
    wait_for_readers(reading, generation());
    stop(reading);
}

} // namespace
} // namespace aya::test
