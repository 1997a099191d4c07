// SPDX-License-Identifier: BSD-2-Clause
// Programs that succeed, fail, hang and talk without end.
#include "attempt.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

namespace aya::health::test::exec_probe_test
{
namespace
{

class ExecProbe : public ::testing::Test
{
protected:
    void SetUp() override
    {
        if (::geteuid() != 0)
            GTEST_SKIP() << "programs run as nobody, which only root can arrange";
    }
};

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

TEST_F(ExecProbe, TheExitCodeDecides)
{
    EXPECT_EQ(found({"/bin/true"}), Finding(Outcome::ok));
    EXPECT_EQ(found({"/bin/false"}), Finding(Outcome::bad_answer, "exit code 1; expected: exit code 0"));
    EXPECT_EQ(shell("echo disk full >&2; echo more; exit 3"),
              Finding(Outcome::bad_answer, "exit code 3; expected: exit code 0; it said \"disk full\""));
    EXPECT_EQ(shell("kill -SEGV $$"),
              Finding(Outcome::bad_answer, "ended by signal 11; expected: exit code 0"));
    EXPECT_EQ(shell("exec >&- 2>&-; sleep 0.05"), Finding(Outcome::ok)) << "without output it still runs";
}

TEST_F(ExecProbe, WhatCannotBeStartedIsNoResult)
{
    EXPECT_EQ(found({"/no/such/program"}),
              Finding(Outcome::local_error, "probe not sent: /no/such/program: No such file or directory"));
}

TEST_F(ExecProbe, NoShellReadsTheArguments)
{
    EXPECT_EQ(found({"/usr/bin/test", "$HOME; false", "=", "$HOME; false"}), Finding(Outcome::ok));
}

TEST_F(ExecProbe, TheProgramLearnsWhomToAsk)
{
    EXPECT_EQ(shell("[ \"$AYA_ADDRESS $AYA_PORT\" = '127.0.0.1 8080' ]"), Finding(Outcome::ok));
    EXPECT_EQ(shell("[ -z \"$USER$LD_PRELOAD$SSL_CERT_FILE\" ]"), Finding(Outcome::ok)) << "and nothing else";
}

TEST_F(ExecProbe, TheProgramHasFewRights)
{
    EXPECT_EQ(shell("[ \"$(id -u) $(id -g) $(id -G)\" = '65534 65534 65534' ]"), Finding(Outcome::ok));
    for (const std::string set : {"Inh", "Prm", "Eff", "Bnd", "Amb"})
        if (set != "Bnd" || ::prctl(PR_CAPBSET_READ, CAP_SETPCAP, 0, 0, 0) == 1) {
            EXPECT_EQ(shell("grep -q '^Cap" + set + ":\t0000000000000000$' /proc/self/status"),
                      Finding(Outcome::ok))
                << set;
        }
    EXPECT_EQ(shell("grep -q '^NoNewPrivs:\t1$' /proc/self/status"), Finding(Outcome::ok));
    EXPECT_EQ(shell("[ \"$(ls /proc/self/fd | wc -l)\" = 4 ]"), Finding(Outcome::ok))
        << "0, 1, 2 and that of ls";
    EXPECT_EQ(shell("trap '' PIPE; grep -q '^SigBlk:\t0000000000000000$' /proc/self/status"),
              Finding(Outcome::ok));
}

TEST_F(ExecProbe, WhoCannotDropPrivilegesStartsNothing)
{
    const auto as_another_user = [] {
        if (::setresuid(1, 1, 1) == 0)
            std::fprintf(stderr, "%s\n", std::string(found({"/bin/true"}).words()).c_str());
        std::exit(0);
    };
    EXPECT_EXIT(as_another_user(), ::testing::ExitedWithCode(0),
                "probe not sent: dropping privileges: Operation not permitted");
}

TEST_F(ExecProbe, TheWholeGroupEndsWithTheTimeout)
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

// A program that is traced by somebody else stays, though killed, until that lets it go: as one does that
// waits for a disk.
TEST_F(ExecProbe, WhatDoesNotEndIsNotStartedAgain)
{
    const std::string file = ::testing::TempDir() + "aya-traced-" + std::to_string(::getpid());
    std::ofstream(file) << "";
    ::chmod(file.c_str(), 0666);
    ProbeOptions options;
    options.command = {"/bin/sh", "-c", "echo $$ > " + file + "; exec sleep 60"};
    const auto probe = make_probe(probe_type(HealthType::exec), target_of(8080, options));
    ASSERT_EQ(probe->start().kind, Step::Kind::readable);
    pid_t program = 0;
    for (const auto deadline = Clock::now() + 5s; program == 0 && Clock::now() < deadline;) {
        std::this_thread::sleep_for(5ms);
        std::ifstream(file) >> program;
    }
    ::unlink(file.c_str());
    ASSERT_GT(program, 1);
    const pid_t tracer = ::fork();
    if (tracer == 0) {
        if (::ptrace(PTRACE_SEIZE, program, nullptr, nullptr) != 0)
            ::_exit(1);
        ::raise(SIGSTOP);
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(tracer, &status, WUNTRACED), tracer);
    if (!WIFSTOPPED(status)) {
        probe->stop();
        GTEST_SKIP() << "not allowed to trace processes";
    }
    probe->stop();
    EXPECT_EQ(probe->start().finding, Finding(Outcome::timeout, "timeout: the last run has not ended"));
    probe->stop();
    EXPECT_EQ(found({"/bin/true"}), Finding(Outcome::ok)) << "the programs of other probes run";
    ::kill(tracer, SIGKILL);
    ::waitpid(tracer, &status, 0);
    Step step = probe->start();
    for (const auto deadline = Clock::now() + 5s; step.kind == Step::Kind::done && Clock::now() < deadline;) {
        std::this_thread::sleep_for(5ms);
        step = probe->start();
    }
    EXPECT_EQ(step.kind, Step::Kind::readable) << "it has ended";
    probe->stop();
}

TEST_F(ExecProbe, EndlessOutputIsAFailure)
{
    EXPECT_EQ(found({"/usr/bin/yes"}), Finding(Outcome::bad_answer, "more than 64 KB of output"));
    EXPECT_EQ(shell("head -c 60000 /dev/zero"), Finding(Outcome::ok));
}

} // namespace
} // namespace aya::health::test::exec_probe_test
