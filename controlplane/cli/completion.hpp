// SPDX-License-Identifier: BSD-2-Clause
// Shell completion. The scripts for the shells are small and only ask `ayactl __complete WORD...`,
// which follows the words down the tree of CLI11 definitions: what is offered is what is parsed.
#pragma once

#include "program.hpp"

#include <string>
#include <vector>

namespace aya::ctl
{

struct Candidate {
    std::string word;
    std::string description; // may be empty
};

struct Completion {
    enum class Ask { nothing, files, directories }; // what the shell shall add by itself

    std::vector<Candidate> candidates;
    Ask ask = Ask::nothing;
};

// What the last word may be, given those before it (without the program's name).
// Asks the daemon for names of services and backends, and does without if it does not answer.
Completion complete(const Program &program, const std::vector<std::string> &words);

// One line each: "word<TAB>description", ":files" or ":directories".
std::string render_completion(const Completion &completion);

// For "bash", "zsh" and "fish".
std::string completion_script(const std::string &shell);

} // namespace aya::ctl
