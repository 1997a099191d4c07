// SPDX-License-Identifier: BSD-2-Clause
#include "common/instance.hpp"

#include "common/error.hpp"
#include "temporary_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace aya
{
namespace
{

class InstanceTest : public testing::Test
{
protected:
    InstanceTest()
    {
        instance_.name = "edge.1";
        instance_.run_dir = (directory_.path() / "run").string();
    }

    static unsigned mode_of(const std::filesystem::path &path)
    {
        struct stat status = {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 07777;
    }

    std::string refusal() const
    {
        try {
            const InstanceLock lock(instance_, "dataplane");
        } catch (const StartError &error) {
            return error.what();
        }
        return "locked";
    }

    test::TemporaryDirectory directory_;
    Instance instance_;
};

TEST_F(InstanceTest, HasDirectoriesOfItsOwn)
{
    const Instance edge{.name = "edge.1", .run_dir = "/r", .state_dir = "/s", .bpf_dir = "/b"};
    EXPECT_EQ(edge.run(), "/r/edge.1");
    EXPECT_EQ(edge.api_socket(), "/r/edge.1/api.sock");
    EXPECT_EQ(edge.state_file(), "/s/edge.1/state.json");
    EXPECT_EQ(edge.pins(), "/b/edge:1") << "no dots in a BPF file system";
    EXPECT_EQ(pinned_port_directory("/b/edge:1", "eth0.7"), "/b/edge:1/port-eth0:7");
    EXPECT_EQ(Instance().run(), "/run/aya/default");
    EXPECT_EQ(Instance().state(), "/var/lib/aya/default");
    EXPECT_EQ(Instance().pins(), "/sys/fs/bpf/aya/default");
}

TEST_F(InstanceTest, NamesFollowOneRule)
{
    EXPECT_EQ(check_instance_name("edge.1"), "");
    EXPECT_EQ(check_instance_name("../x"),
              "an instance name has 1 to 63 characters A-Z a-z 0-9 . _ -, the first "
              "a letter or digit");
}

TEST_F(InstanceTest, DirectoryIsPassableWhateverTheUmask)
{
    for (const mode_t mask : {0000, 0022, 0077}) {
        const auto made = directory_.path() / std::to_string(mask) / "edge";
        const mode_t before = ::umask(mask);
        make_instance_directory(made, "--run-dir");
        EXPECT_EQ(::umask(before), mask) << "left as it was";
        EXPECT_EQ(mode_of(made), 0755U);
        EXPECT_EQ(mode_of(made.parent_path()), 0755U);
    }
}

TEST_F(InstanceTest, DirectoryThatIsThereKeepsItsMode)
{
    const auto made = directory_.path() / "edge";
    ASSERT_EQ(::mkdir(made.c_str(), 0700), 0);
    make_instance_directory(made, "--run-dir");
    EXPECT_EQ(mode_of(made), 0700U);
}

TEST_F(InstanceTest, DirectoryThatCannotBeMadeSaysWhatToDo)
{
    std::ofstream(directory_.path() / "file") << "";
    try {
        make_instance_directory(directory_.path() / "file" / "edge", "--state-dir");
        FAIL() << "made a directory in a file";
    } catch (const StartError &error) {
        EXPECT_EQ(std::string(error.what()),
                  (directory_.path() / "file" / "edge").string() +
                      ": cannot create: Not a directory; run as root, or choose another --state-dir");
    }
}

TEST_F(InstanceTest, LockIsForOneDaemonOfAKind)
{
    const InstanceLock lock(instance_, "dataplane");
    const std::string file = (instance_.run() / "dataplane.lock").string();
    EXPECT_EQ(mode_of(file), 0600U);
    EXPECT_EQ(refusal(), file + ": another aya-dataplane is running this instance (process " +
                             std::to_string(::getpid()) + "); stop it, or choose another --instance");
    const InstanceLock other(instance_, "controlplane");
    instance_.name = "edge.2";
    EXPECT_EQ(refusal(), "locked");
}

TEST_F(InstanceTest, LockIsFreeAfterwardsAndTheFileStays)
{
    EXPECT_EQ(refusal(), "locked");
    EXPECT_TRUE(std::filesystem::exists(instance_.run() / "dataplane.lock"));
    EXPECT_EQ(refusal(), "locked");
}

TEST_F(InstanceTest, HolderThatWroteNoProcessIdIsUnknown)
{
    const InstanceLock lock(instance_, "dataplane");
    std::filesystem::resize_file(instance_.run() / "dataplane.lock", 0);
    EXPECT_NE(refusal().find("(an unknown process)"), std::string::npos) << refusal();
}

} // namespace
} // namespace aya
