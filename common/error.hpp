// SPDX-License-Identifier: BSD-2-Clause
// What a program cannot go on after: thrown during start-up and by tools, caught in main.
#pragma once

#include <cstring>
#include <stdexcept>
#include <string>

namespace aya
{

// One line for each thing that is wrong: where, what was found, what to do.
class Error : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;

    // `error`: an errno value.
    static Error system(const std::string &what, int error)
    {
        return Error(what + ": " + std::strerror(error));
    }
};

// A start that was refused.
class StartError : public Error
{
public:
    using Error::Error;

    static StartError system(const std::string &what, int error)
    {
        return StartError(Error::system(what, error).what());
    }
};

} // namespace aya
