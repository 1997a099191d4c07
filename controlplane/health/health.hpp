// SPDX-License-Identifier: BSD-2-Clause
// A backend's health, as probes found it.
#pragma once

#include "common/names.hpp"

#include <cstdint>

namespace aya
{

enum class Health : std::uint8_t {
    unchecked, // the service has no health check
    unknown,   // no result yet
    up,
    down,
};

constexpr auto names_of(Health)
{
    return std::to_array<Name<Health>>({{Health::unchecked, "unchecked"},
                                        {Health::unknown, "unknown"},
                                        {Health::up, "up"},
                                        {Health::down, "down"}});
}

} // namespace aya
