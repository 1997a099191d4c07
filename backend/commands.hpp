// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "options.hpp"

namespace aya::backend
{

// Each gives the exit code: 0 done, 1 check found something. Throws Error.
int up(const Options &options);
int check(const Options &options);
int status(const Options &options);
int down(const Options &options);

} // namespace aya::backend
