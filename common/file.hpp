// SPDX-License-Identifier: BSD-2-Clause
// Whole files in and out.
#pragma once

#include "common/result.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace aya
{

// nullopt: there is no such file. Files over 1 GiB are refused. `where` in errors is empty.
Result<std::optional<std::string>> read_file(const std::filesystem::path &file);

// The same for a file that must be there.
Result<std::string> read_config_file(const std::filesystem::path &file);

// Replaces `file` atomically and durably: a reader sees the old text or the new one, and after a
// power failure too. Mode 0600. One process may write a file at a time.
std::optional<ConfigError> write_file_atomically(const std::filesystem::path &file, std::string_view text);

} // namespace aya
