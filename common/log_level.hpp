// SPDX-License-Identifier: BSD-2-Clause
// How much a daemon logs.
#pragma once

#include "common/names.hpp"

#include <cstdint>

namespace aya
{

enum class LogLevel : std::uint8_t { debug, info, warning, error };

constexpr auto names_of(LogLevel)
{
    return std::to_array<Name<LogLevel>>({{LogLevel::debug, "debug"},
                                          {LogLevel::info, "info"},
                                          {LogLevel::warning, "warning"},
                                          {LogLevel::error, "error"}});
}

} // namespace aya
