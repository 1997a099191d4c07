// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <stdexcept>
#include <string>

namespace aya
{

// One line: what was tried, what the kernel said, what to do.
class BpfError : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

// "WHAT: the kernel's word; what to do", where the error code alone tells what that is.
std::string bpf_failure(const std::string &what, int error);

} // namespace aya
