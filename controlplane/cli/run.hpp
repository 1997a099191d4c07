// SPDX-License-Identifier: BSD-2-Clause
#pragma once

namespace aya::ctl
{

// One run of ayactl: parses the command line, runs the command, and returns the exit code.
int run(int argc, char **argv);

} // namespace aya::ctl
