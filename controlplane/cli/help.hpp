// SPDX-License-Identifier: BSD-2-Clause
// What --help prints, and what is said about a command line that does not parse.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace aya::ctl
{

class Help : public CLI::FormatterBase
{
public:
    std::string make_help(const CLI::App *app, std::string name, CLI::AppFormatMode mode) const override;
};

// Two lines: what is wrong, with a suggestion where there is one, and the usage line of the nearest
// command. `words` is the command line without the program's name.
std::string usage_error(const CLI::App &root, const std::vector<std::string> &words,
                        const std::string &message);

} // namespace aya::ctl
