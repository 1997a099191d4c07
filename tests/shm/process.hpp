// SPDX-License-Identifier: BSD-2-Clause
// Child processes that do not outlive their test.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace aya::test
{

class Process
{
public:
    explicit Process(const std::vector<std::string> &command)
    {
        std::vector<char *> arguments;
        for (const auto &word : command)
            arguments.push_back(const_cast<char *>(word.c_str()));
        arguments.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        if (pid_ < 0)
            throw std::runtime_error("cannot fork");
    }
    ~Process()
    {
        if (pid_ > 0) {
            signal(SIGKILL);
            wait();
        }
    }
    Process(const Process &) = delete;
    Process &operator=(const Process &) = delete;

    pid_t pid() const { return pid_; }
    void signal(int number) const { ::kill(pid_, number); }

    // Exit code, or 128 + signal.
    int wait()
    {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR)
            ;
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    // The process is dead or stopped, but still there to be waited for.
    void wait_for_change(int options) const
    {
        siginfo_t info = {};
        ::waitid(P_PID, static_cast<id_t>(pid_), &info, options | WNOWAIT);
    }

private:
    pid_t pid_ = -1;
};

} // namespace aya::test
