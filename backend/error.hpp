// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstring>
#include <stdexcept>
#include <string>

namespace aya::backend
{

// One line: where, what was found, what to do. Exit code 1.
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

// The command line makes no sense. Exit code 2.
class UsageError : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

} // namespace aya::backend
