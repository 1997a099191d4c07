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

// Edits (insert, delete, replace, swap neighbours) from one word to the other.
std::size_t edit_distance(const std::string &from, const std::string &to);
// The candidates that were most likely meant: closest first, only close ones, at most three.
std::vector<std::string> nearest(const std::string &word, const std::vector<std::string> &candidates);

// Two lines: what is wrong, with a suggestion where there is one, and the usage line of the nearest
// command. `words` is the command line without the program's name.
std::string usage_error(const CLI::App &root, const std::vector<std::string> &words,
                        const std::string &message);

} // namespace aya::ctl
