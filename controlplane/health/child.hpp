// SPDX-License-Identifier: BSD-2-Clause
// A program that runs beside the event loop, with few rights, in a process group that ends with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace aya::health
{

class Child
{
public:
    Child();
    ~Child() { stop(); }
    Child(const Child &) = delete;
    Child &operator=(const Child &) = delete;

    // Empty, or why there is none. `command` begins with an absolute path. The program runs without
    // capabilities, as user nobody; where this process may not change the user, it is not started.
    std::string start(const std::vector<std::string> &command, const std::vector<std::string> &environment);

    // Readable when there is something for look() to see.
    int fd() const { return events_; }

    // Reads what the program wrote. Once it has ended: its exit code, or the number of the signal that ended
    // it, below zero.
    std::optional<int> look();

    const std::string &output() const { return output_; } // the start of it
    bool wrote_too_much() const;

    // Kills the group, and does not wait for its end.
    void stop();

    // What stop() killed is still there: a program that waits for a disk or a file server dies when that
    // answers.
    bool is_dying() const;

private:
    void read_output();

    std::uint64_t id_; // of all there ever were
    pid_t pid_ = 0;
    int process_ = -1; // a pidfd
    int pipe_ = -1;    // what it writes
    int events_ = -1;  // an epoll set of the two
    std::string output_;
    std::size_t written_ = 0;
};

} // namespace aya::health
