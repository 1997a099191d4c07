// SPDX-License-Identifier: BSD-2-Clause
// Questions about the tree of commands and options. Help, usage errors, completion and the man page
// all ask here, so that none of them can say something else than what is parsed.
#pragma once

#include <CLI/CLI.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace aya::ctl
{

// Shown ones only, in the order of their definition.
std::vector<const CLI::App *> commands(const CLI::App &app);
std::vector<const CLI::Option *> options(const CLI::App &app); // those with a dash
std::vector<const CLI::Option *> positionals(const CLI::App &app);

bool takes_value(const CLI::Option &option);
// "--weight", "-o": how the option is best named; the long name where there is one.
std::string name_of(const CLI::Option &option);
// "-o, --output table|json", "--weight N"
std::string spelled(const CLI::Option &option);
// "ayactl service add"
std::string path_of(const CLI::App &app);
// "service add": without the program's name; empty for the program itself
std::string verb_of(const CLI::App &app);
// "ayactl service add NAME [OPTIONS]"
std::string usage_line(const CLI::App &app);

// A named option of the command or of those above it, by "--name" or "-n"; null if there is none.
const CLI::Option *find_option(const CLI::App &app, const std::string &dashed);

// How far words of a command line can be followed down the tree.
struct Walk {
    enum class Unknown { command, option, argument };

    const CLI::App *app = nullptr;        // the deepest command reached
    std::vector<std::string> positionals; // of that command
    const CLI::Option *pending = nullptr; // the last word is an option that still needs its value
    std::map<const CLI::Option *, std::string> values; // named options seen; the last value of each
    bool only_positionals = false;                     // "--" was seen

    struct Stray {
        Unknown kind;
        std::string word;
        const CLI::App *at;
    };
    std::optional<Stray> stray; // the first word that leads nowhere
};

Walk walk(const CLI::App &root, const std::vector<std::string> &words);

} // namespace aya::ctl
