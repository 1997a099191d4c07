// SPDX-License-Identifier: BSD-2-Clause
// The files that lists of clients name.
#pragma once

#include "common/json/error_sink.hpp"
#include "config.hpp"

#include <string_view>
#include <vector>

namespace aya
{

// Whether errors quote what is in the file.
enum class LinesOfFile { shown, hidden };

// One prefix per line, of which reading ends after more than a list may have; '#' and ';' begin a comment.
// What is wrong goes to `errors` at `where`, with the line.
std::vector<Prefix> parse_list(std::string_view text, const std::string &file, const std::string &where,
                               LinesOfFile lines, ErrorSink &errors);

// Fills in SourceList::of_file.
void read_list_files(Config &config, ErrorSink &errors);

} // namespace aya
