// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace aya::ctl
{

// ayactl.8 in roff (man macros): the commands and options are those of the tree.
std::string man_page(const CLI::App &root);

} // namespace aya::ctl
