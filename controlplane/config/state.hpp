// SPDX-License-Identifier: BSD-2-Clause
// The state file: what the operator changed at run time, kept over restarts.
#pragma once

#include "common/result.hpp"
#include "config.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aya
{

struct State {
    std::vector<ServiceConfig> last_applied; // services of the configuration file as last applied
    std::vector<ServiceConfig> running;      // services in force: the file and what was changed since

    bool operator==(const State &) const = default;
};

// nullopt: there is no such file. An error: there is one, and it is unreadable, malformed, somebody
// else's, or of another version; it is then left as it is.
Result<std::optional<State>> read_state(const std::filesystem::path &file);

// Temporary file in the same directory, fsync, rename, fsync of the directory; mode 0600. When this
// returns no errors the state is on disk; otherwise the old file is whole and in place.
ConfigErrors write_state(const std::filesystem::path &file, const State &state);

// The text of the file and back: pure.
std::string format_state(const State &state);
Result<State> parse_state(std::string_view text);

} // namespace aya
