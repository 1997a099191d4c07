// SPDX-License-Identifier: BSD-2-Clause
// Programs that succeed, fail, hang and talk without end.
#include "attempt.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>

namespace aya::health::test
{
namespace
{

Finding found(std::vector<std::string> command, Milliseconds timeout = 10s)
{
    ProbeOptions options;
    options.command = std::move(command);
    return attempt(HealthType::exec, target_of(8080, std::move(options)), timeout);
}

Finding shell(const std::string &script, Milliseconds timeout = 10s)
{
    return found({"/bin/sh", "-c", script}, timeout);
}

TEST(ExecProbe, TheExitCodeDecides)
{
    EXPECT_EQ(found({"/bin/true"}), Finding(Outcome::ok));
    EXPECT_EQ(found({"/bin/false"}), Finding(Outcome::bad_answer, "exit code 1; expected: exit code 0"));
    EXPECT_EQ(shell("echo disk full >&2; echo more; exit 3"),
              Finding(Outcome::bad_answer, "exit code 3; expected: exit code 0; it said \"disk full\""));
    EXPECT_EQ(shell("kill -SEGV $$"),
              Finding(Outcome::bad_answer, "ended by signal 11; expected: exit code 0"));
    EXPECT_EQ(shell("exec >&- 2>&-; sleep 0.05"), Finding(Outcome::ok)) << "without output it still runs";
}

TEST(ExecProbe, WhatCannotBeStartedIsNoResult)
{
    EXPECT_EQ(found({"/no/such/program"}),
              Finding(Outcome::local_error, "probe not sent: /no/such/program: No such file or directory"));
}

TEST(ExecProbe, NoShellReadsTheArguments)
{
    EXPECT_EQ(found({"/usr/bin/test", "$HOME; false", "=", "$HOME; false"}), Finding(Outcome::ok));
}

TEST(ExecProbe, TheProgramLearnsWhomToAsk)
{
    EXPECT_EQ(shell("[ \"$AYA_ADDRESS $AYA_PORT\" = '127.0.0.1 8080' ]"), Finding(Outcome::ok));
    EXPECT_EQ(shell("[ -z \"$USER$LD_PRELOAD$SSL_CERT_FILE\" ]"), Finding(Outcome::ok)) << "and nothing else";
}

TEST(ExecProbe, TheProgramHasFewRights)
{
    if (::geteuid() == 0) {
        EXPECT_EQ(shell("[ \"$(id -u) $(id -g) $(id -G)\" = '65534 65534 65534' ]"), Finding(Outcome::ok));
    }
    EXPECT_EQ(shell("grep -q '^CapEff:\t0000000000000000$' /proc/self/status"), Finding(Outcome::ok));
    EXPECT_EQ(shell("grep -q '^NoNewPrivs:\t1$' /proc/self/status"), Finding(Outcome::ok));
    EXPECT_EQ(shell("[ \"$(ls /proc/self/fd | wc -l)\" = 4 ]"), Finding(Outcome::ok))
        << "0, 1, 2 and that of ls";
    EXPECT_EQ(shell("trap '' PIPE; grep -q '^SigBlk:\t0000000000000000$' /proc/self/status"),
              Finding(Outcome::ok));
}

TEST(ExecProbe, TheWholeGroupEndsWithTheTimeout)
{
    const std::string file = ::testing::TempDir() + "aya-exec-" + std::to_string(::getpid());
    std::ofstream(file) << "";
    ::chmod(file.c_str(), 0666);
    EXPECT_EQ(shell("echo started; sleep 60 & echo $! > " + file + "; wait", 500ms),
              Finding(Outcome::timeout, "timeout: still running; it said \"started\""));
    pid_t grandchild = 0;
    std::ifstream(file) >> grandchild;
    ASSERT_GT(grandchild, 1);
    const auto deadline = Clock::now() + 5s;
    const auto runs = [&] { // not so a zombie that nobody has buried yet
        std::ifstream stat("/proc/" + std::to_string(grandchild) + "/stat");
        std::string pid;
        std::string name;
        std::string state;
        return stat >> pid >> name >> state && state != "Z";
    };
    while (runs() && Clock::now() < deadline)
        std::this_thread::sleep_for(5ms);
    EXPECT_FALSE(runs());
    ::unlink(file.c_str());
}

TEST(ExecProbe, EndlessOutputIsAFailure)
{
    EXPECT_EQ(found({"/usr/bin/yes"}), Finding(Outcome::bad_answer, "more than 64 KB of output"));
    EXPECT_EQ(shell("head -c 60000 /dev/zero"), Finding(Outcome::ok));
}

} // namespace
} // namespace aya::health::test
