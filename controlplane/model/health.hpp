// SPDX-License-Identifier: BSD-2-Clause
// A backend's health, as probes found it.
#pragma once

#include <cstdint>
#include <string_view>

namespace aya
{

enum class Health : std::uint8_t {
    unchecked, // the service has no health check
    unknown,   // no result yet
    up,
    down,
};

constexpr std::string_view to_string(Health value)
{
    switch (value) {
    case Health::unchecked:
        return "unchecked";
    case Health::unknown:
        return "unknown";
    case Health::up:
        return "up";
    case Health::down:
        return "down";
    }
    return "?";
}

} // namespace aya
