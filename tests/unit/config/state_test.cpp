// SPDX-License-Identifier: BSD-2-Clause
#include "config/state.hpp"

#include "support.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace aya::test
{

namespace fs = std::filesystem;

class StateFile : public ::testing::Test
{
protected:
    void SetUp() override
    {
        std::string pattern = (fs::temp_directory_path() / "aya-state-test-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory = pattern;
        file = directory / "state.json";
    }
    void TearDown() override { fs::remove_all(directory); }

    static State example()
    {
        State state{valid_config().services, valid_config().services};
        state.running[0].backends[0].weight = 3;
        state.running[0].backends[0].mac = parse_mac("52:54:00:00:00:11");
        state.running.pop_back();
        return state;
    }

    void write_text(const std::string &text) const { std::ofstream(file, std::ios::trunc) << text; }

    Lines names() const
    {
        Lines result;
        for (const auto &entry : fs::directory_iterator(directory))
            result.push_back(entry.path().filename());
        return result;
    }

    fs::path directory;
    fs::path file;
};

TEST_F(StateFile, WhatIsWrittenIsRead)
{
    EXPECT_EQ(write_state(file, example()), ConfigErrors{});
    const auto state = read_state(file);
    ASSERT_TRUE(state) << ::testing::PrintToString(errors_of(state));
    EXPECT_EQ(*state, example());
    EXPECT_EQ(names(), Lines{"state.json"}); // the temporary file is gone
}

TEST_F(StateFile, AMissingFileIsNoState)
{
    const auto state = read_state(file);
    ASSERT_TRUE(state);
    EXPECT_EQ(*state, std::nullopt);
}

TEST_F(StateFile, OnlyTheOwnerMayReadIt)
{
    const mode_t old = umask(0);
    write_state(file, example());
    umask(old);
    struct stat info {
    };
    ASSERT_EQ(stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(StateFile, ANewStateReplacesTheFileAndNeverChangesItInPlace)
{
    write_state(file, example());
    const fs::path kept = directory / "kept";
    fs::create_hard_link(file, kept); // whoever has the old file open keeps the old text
    EXPECT_EQ(write_state(file, State{}), ConfigErrors{});
    EXPECT_EQ(*read_state(kept), example());
    EXPECT_EQ(*read_state(file), State{});
}

TEST_F(StateFile, WhatACrashLeftBehindIsNoHindrance)
{
    std::ofstream(directory / "state.json.tmp") << "half a sta";
    fs::permissions(directory / "state.json.tmp", fs::perms::others_all);
    EXPECT_EQ(write_state(file, example()), ConfigErrors{});
    EXPECT_EQ(*read_state(file), example());
    EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(StateFile, AStateThatCannotBeWrittenLeavesTheOldOne)
{
    write_state(file, example());
    fs::create_directory(directory / "state.json.tmp"); // in the temporary file's place
    const ConfigErrors errors = write_state(file, State{});
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].kind, ErrorKind::io);
    EXPECT_EQ(errors[0].message,
              "cannot create " + (directory / "state.json.tmp").string() + ": Is a directory");
    EXPECT_EQ(*read_state(file), example());
}

TEST_F(StateFile, AWriteThatFailsHalfWayLeavesTheOldOne)
{
    write_state(file, example());
    rlimit old{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    const rlimit small{100, old.rlim_max};
    const auto handler = std::signal(SIGXFSZ, SIG_IGN); // so that write() fails instead
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const ConfigErrors errors = write_state(file, example());
    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, handler);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].message,
              "cannot write " + (directory / "state.json.tmp").string() + ": File too large");
    EXPECT_EQ(*read_state(file), example());
    EXPECT_EQ(names(), Lines{"state.json"});
}

TEST_F(StateFile, AMissingDirectoryIsAnError)
{
    const ConfigErrors errors = write_state("/nonexistent/state.json", State{});
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].message, "cannot create /nonexistent/state.json.tmp: No such file or directory");
}

TEST_F(StateFile, BadFilesAreRefusedWithTheirPlace)
{
    const auto error = [&](const std::string &text) {
        write_text(text);
        const Lines lines = errors_of(read_state(file));
        return lines.size() == 1 ? lines[0] : ::testing::PrintToString(lines);
    };
    EXPECT_TRUE(error("").starts_with("f: line 1, column 1: ")) << error("");
    const std::string cut = error("{\"version\": 1, \"runn");
    EXPECT_TRUE(cut.starts_with("f: line 1, column 21: ") && cut.find("'\"runn'") != std::string::npos)
        << cut;
    EXPECT_EQ(error("[1]"), "f: found a list of 1 that is not a state file of AYA");
    EXPECT_EQ(error("{\"seed\": \"00\"}"), "f: found an object that is not a state file of AYA");
    EXPECT_EQ(error("{\"version\": 2, \"running\": 5, \"more\": 1}"),
              "f: /version: found version 2; this program reads version 1");
    EXPECT_EQ(error("{\"version\": \"1\", \"running\": {}}"),
              "f: /version: found version \"1\"; this program reads version 1");
    EXPECT_EQ(places_of(parse_state("{\"version\": 1, \"running\": []}"), {"an empty list"}),
              Lines{"/running an empty list"});
    std::string text = format_state(example());
    text.replace(text.find("\"weight\":3"), 10, "\"weight\":-3");
    EXPECT_EQ(places_of(parse_state(text), {"-3", "65535"}),
              Lines{"/running/services/0/backends/0/weight -3 65535"});
}

TEST_F(StateFile, EveryCutOffFileIsRefused)
{
    const std::string whole = format_state(example());
    for (std::size_t size = 0; size + 1 < whole.rfind('}'); ++size)
        ASSERT_FALSE(parse_state(whole.substr(0, size))) << size;
}

} // namespace aya::test
