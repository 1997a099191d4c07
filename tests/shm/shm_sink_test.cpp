// SPDX-License-Identifier: BSD-2-Clause
// The tables file: making it, taking it up, refusing what is not it; and whom its writer waits for.
#include "publish/shm_sink.hpp"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sched.h>
#include <sys/mount.h>
#include <thread>

#include <gtest/gtest.h>

#include "dataplane_file.hpp"
#include "process.hpp"
#include "publish/publisher.hpp"
#include "stamped.hpp"
#include "temporary_directory.hpp"

namespace aya::test
{
namespace
{

namespace fs = std::filesystem;

class ShmSinkTest : public testing::Test
{
protected:
    std::string path() const { return directory_ / "tables"; }

    void publish(u64 stamp)
    {
        ShmSink sink(directory_.path(), kStampedCapacities);
        Publisher publisher(sink);
        ASSERT_TRUE(publisher.ready());
        ASSERT_TRUE(publisher.publish(Stamped{stamp}.image(), Publisher::Clock::now()));
    }

    template <class T>
    void overwrite(size_t offset, T value)
    {
        std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(offset));
        file.write(reinterpret_cast<const char *>(&value), sizeof(value));
    }

    void expect_refused(const std::string &text, const Capacities &capacities = kStampedCapacities)
    {
        try {
            ShmSink sink(directory_.path(), capacities);
            FAIL() << "taken up";
        } catch (const SegmentError &error) {
            const std::string what = error.what();
            EXPECT_NE(what.find(path()), std::string::npos) << what;
            EXPECT_NE(what.find(text), std::string::npos) << what;
        }
    }

    TemporaryDirectory directory_;
};

TEST_F(ShmSinkTest, TheFileGetsItsNameWithItsFirstGeneration)
{
    ShmSink sink(directory_.path(), kStampedCapacities);
    EXPECT_FALSE(sink.in_place());
    EXPECT_FALSE(fs::exists(path()));
    Publisher publisher(sink);
    ASSERT_TRUE(publisher.publish(Stamped{1}.image(), Publisher::Clock::now()));
    EXPECT_TRUE(sink.in_place());
    const TablesReader reader(path());
    EXPECT_EQ(reader.generation(), 1u);
    EXPECT_EQ(reader.header().owner_pid, static_cast<u32>(::getpid()));
    EXPECT_EQ(check_generation(reader.view(1)), "");
    EXPECT_EQ(fs::status(path()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ShmSinkTest, LeavesNothingIfNothingWasPublished)
{
    {
        ShmSink sink(directory_.path(), kStampedCapacities);
    }
    EXPECT_TRUE(fs::is_empty(directory_.path()));
}

TEST_F(ShmSinkTest, TakesUpWhatIsThere)
{
    publish(1);
    const u64 identity = TablesReader(path()).header().identity;
    ShmSink sink(directory_.path(), kStampedCapacities);
    EXPECT_TRUE(sink.in_place());
    EXPECT_EQ(sink.generation(), 1u);
    EXPECT_EQ(sink.identity(), identity);
    Publisher publisher(sink);
    EXPECT_FALSE(publisher.publish(Stamped{1}.image(), Publisher::Clock::now())->changed);
    EXPECT_TRUE(publisher.publish(Stamped{2}.image(), Publisher::Clock::now())->changed);
    EXPECT_EQ(check_generation(TablesReader(path()).view(2)), "");
}

TEST_F(ShmSinkTest, RefusesForeignTruncatedAndOtherFiles)
{
    publish(1);
    const auto whole = fs::file_size(path());
    fs::resize_file(path(), 100);
    expect_refused("truncated");
    fs::resize_file(path(), 0);
    expect_refused("cannot map");
    fs::remove(path());
    publish(1);
    fs::resize_file(path(), whole - 4096);
    expect_refused("truncated");
    fs::remove(path());
    publish(1);
    overwrite(0, u64{0x1122334455667788});
    expect_refused("not a segment of aya-controlplane");
    fs::remove(path());
    fs::create_directory(path());
    expect_refused("cannot open");
}

TEST_F(ShmSinkTest, RefusesOtherVersionsAndLayouts)
{
    publish(1);
    overwrite(offsetof(SegmentHeader, layout_hash), u64{1});
    expect_refused("another struct layout");
    overwrite(offsetof(SegmentHeader, abi_version), u32{AYA_ABI_VERSION + 7});
    expect_refused("version " + std::to_string(AYA_ABI_VERSION + 7));
    expect_refused("this program has version " + std::to_string(AYA_ABI_VERSION));
}

TEST_F(ShmSinkTest, RefusesOtherCapacities)
{
    publish(1);
    Capacities more = kStampedCapacities;
    more.backends = 300;
    expect_refused("300 backends", more);
    overwrite(offsetof(SegmentHeader, capacities), u32{1u << 30});
    expect_refused("1073741824 services");
}

// Runs `body` in a process that has a small tmpfs on `directory`. nullopt: not allowed to mount here.
template <class Body>
std::optional<int> with_tmpfs(const std::string &directory, const char *size, Body body)
{
    constexpr int kNotAllowed = 77;
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int user = ::geteuid() == 0 ? 0 : CLONE_NEWUSER;
        if (::unshare(CLONE_NEWNS | user) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", directory.c_str(), "tmpfs", 0, size) != 0)
            ::_exit(kNotAllowed);
        ::_exit(body());
    }
    int status = 0;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid)
        throw std::runtime_error("cannot fork");
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNotAllowed)
        return std::nullopt;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Without it, the publish that meets the end of the file system ends the control plane with SIGBUS.
TEST_F(ShmSinkTest, RefusesAFileSystemWithoutRoomForTheWholeFile)
{
    const auto result = with_tmpfs(directory_.path(), "size=1m", [&] {
        Capacities many = kStampedCapacities;
        many.lookup_slots = 1 << 20; // 4 MiB
        try {
            ShmSink sink(directory_.path(), many);
            return 1;
        } catch (const SegmentError &error) {
            const std::string what = error.what();
            std::fprintf(stderr, "%s\n", what.c_str());
            const bool clear =
                what.starts_with(path() + ".new: no room for 5 MiB: No space left on device; ") &&
                what.find("lower /controlplane/limits") != std::string::npos;
            return clear && fs::is_empty(directory_.path()) ? 0 : 2;
        }
    });
    if (!result)
        GTEST_SKIP() << "may not mount a file system here";
    EXPECT_EQ(*result, 0);
}

// What was left sparse by another program is no better.
TEST_F(ShmSinkTest, RefusesHolesThatTheFileSystemCannotFill)
{
    const auto result = with_tmpfs(directory_.path(), "size=1m", [&] {
        std::ofstream(path()) << "x";
        fs::resize_file(path(), 8 << 20);
        try {
            MappedFile::open(path(), MappedFile::Access::read_write);
            return 1;
        } catch (const SegmentError &error) {
            std::fprintf(stderr, "%s\n", error.what());
            return std::string(error.what()).find("no room for 8 MiB") == std::string::npos ? 2 : 0;
        }
    });
    if (!result)
        GTEST_SKIP() << "may not mount a file system here";
    EXPECT_EQ(*result, 0);
}

TEST(Capacities, HaveRoomForWhatTheLimitsAllow)
{
    for (u32 services : {1u, 1024u, 65534u})
        for (u32 vips : {1u, 1000u, 1u << 20})
            for (u32 slots : {251u, 1u << 24, 1u << 28}) {
                const Limits limits{
                    .services = services, .vips = vips, .backends = 10, .lookup_slots = slots};
                const Capacities c = capacities_for(limits);
                EXPECT_EQ(c.services, services);
                EXPECT_EQ(c.vips & (c.vips - 1), 0u);
                EXPECT_GE(c.vips / 2, 2 * vips);
                EXPECT_EQ(c.lookup_slots % 16, 0u);
                EXPECT_GE(c.lookup_slots, u64{slots} * 3 + 16 * services * u64{3});
            }
}

class Quiescence : public ShmSinkTest
{
protected:
    Quiescence()
    {
        sink_ = std::make_unique<ShmSink>(directory_.path(), kStampedCapacities);
        publisher_ = std::make_unique<Publisher>(*sink_);
        publish_next();
    }

    void publish_next()
    {
        ASSERT_TRUE(publisher_->ready());
        ASSERT_TRUE(publisher_->publish(Stamped{++stamp_}.image(), Publisher::Clock::now()));
    }

    std::unique_ptr<DataplaneFile> make_dataplane(u32 workers = 2)
    {
        auto file = std::make_unique<DataplaneFile>(directory_.path(), workers, sink_->identity());
        for (u32 i = 0; i < workers; i++)
            file->join(i);
        return file;
    }

    std::unique_ptr<ShmSink> sink_;
    std::unique_ptr<Publisher> publisher_;
    u64 stamp_ = 0;
};

TEST_F(Quiescence, WithoutADataplaneNobodyIsWaitedFor)
{
    EXPECT_TRUE(sink_->quiescent());
    std::ofstream(directory_ / "dataplane") << "not a segment";
    EXPECT_TRUE(sink_->quiescent());
    EXPECT_NE(sink_->dataplane().error(), "");
}

TEST_F(Quiescence, WaitsForEveryWorker)
{
    auto dataplane = make_dataplane();
    EXPECT_FALSE(sink_->quiescent());
    dataplane->worker(0).epoch = 1;
    EXPECT_FALSE(sink_->quiescent());
    dataplane->worker(1).epoch = 1;
    EXPECT_TRUE(sink_->quiescent());
    publish_next();
    EXPECT_FALSE(sink_->quiescent());
    dataplane->worker(0).epoch = 2;
    dataplane->worker(1).state = WorkerState::stopped;
    EXPECT_TRUE(sink_->quiescent());
}

TEST_F(Quiescence, DoesNotWaitForASilentWorker)
{
    auto dataplane = make_dataplane(1);
    EXPECT_FALSE(sink_->quiescent());
    dataplane->worker(0).heartbeat_ns = monotonic_ns() - DataplaneSegment::kSilentAfterNs - 1;
    EXPECT_TRUE(sink_->quiescent());
    dataplane->beat(0);
    EXPECT_FALSE(sink_->quiescent());
}

TEST_F(Quiescence, DoesNotWaitForReadersOfOtherTables)
{
    auto dataplane = make_dataplane(1);
    dataplane->header().tables_identity++;
    EXPECT_TRUE(sink_->quiescent());
    dataplane->header().tables_identity = 0;
    EXPECT_TRUE(sink_->quiescent());
}

TEST_F(Quiescence, DoesNotWaitForAProcessThatIsGone)
{
    auto dataplane = make_dataplane(1);
    Process other({"/bin/sleep", "100"});
    dataplane->header().owner_pid = static_cast<u32>(other.pid());
    dataplane->header().started_ns = monotonic_ns();
    EXPECT_FALSE(sink_->quiescent());
    other.signal(SIGKILL);
    other.wait_for_change(WEXITED);
    EXPECT_TRUE(sink_->quiescent()) << "a zombie";
    other.wait();
    EXPECT_TRUE(sink_->quiescent()) << "no such process";
}

TEST_F(Quiescence, DoesNotTakeALaterProcessForTheOneThatWrote)
{
    auto dataplane = make_dataplane(1);
    EXPECT_FALSE(sink_->quiescent());
    dataplane->header().started_ns = 1; // long before this process
    EXPECT_TRUE(sink_->quiescent());
}

TEST_F(Quiescence, FollowsTheNameToANewFile)
{
    auto first = make_dataplane(1);
    EXPECT_FALSE(sink_->quiescent());
    auto second = make_dataplane(1);
    second->worker(0).epoch = 1;
    EXPECT_TRUE(sink_->quiescent());
    second->worker(0).epoch = 0;
    EXPECT_FALSE(sink_->quiescent());
    fs::remove(directory_ / "dataplane");
    EXPECT_FALSE(sink_->quiescent()) << "the process still reads";
    second->header().started_ns = 1;
    EXPECT_TRUE(sink_->quiescent());
}

} // namespace
} // namespace aya::test
