// SPDX-License-Identifier: BSD-2-Clause
// What can go wrong, one type for each exit code.
#pragma once

#include "json.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace aya::ctl
{

enum ExitCode : int { kDone = 0, kRefused = 1, kUsage = 2, kUnreachable = 3 };

struct Problem {
    std::string where; // JSON pointer, file, or empty
    std::string message;
};

// Asked for something that cannot be had: by the daemon's judgement, or because a file is not readable.
class Refused : public std::runtime_error
{
public:
    explicit Refused(std::vector<Problem> problems);

    std::vector<Problem> problems;
    std::string prefix = "ayactl"; // what each line starts with; empty where `where` says it all
};

// The command line does not make sense, in a way that only the command itself can see.
class BadUsage : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

class Unreachable : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

// The body of a refusal (docs/api.md) as problems; never empty.
std::vector<Problem> problems_of(const Json &body, unsigned status);

// One line a problem: "PREFIX: WHERE: MESSAGE", without the parts that are empty.
std::string render_problems(const Refused &refused);

} // namespace aya::ctl
