// SPDX-License-Identifier: BSD-2-Clause
// A backend's health, as probes found it, and what is assumed before they have.
#pragma once

#include "common/names.hpp"

#include <cstdint>

namespace aya
{

enum class Health : std::uint8_t {
    unchecked, // the service has no health check
    unknown,   // no result yet; gets traffic
    waiting,   // no good result yet; gets no new flows before there is one
    up,
    down,
};

constexpr auto names_of(Health)
{
    return std::to_array<Name<Health>>({{Health::unchecked, "unchecked"},
                                        {Health::unknown, "unknown"},
                                        {Health::waiting, "waiting"},
                                        {Health::up, "up"},
                                        {Health::down, "down"}});
}

// Believed to serve, rightly or not.
constexpr bool is_live(Health health)
{
    return health != Health::down && health != Health::waiting;
}

// What a backend is before its first result, in the words and with the meaning of HAProxy's `init-state`.
enum class InitState : std::uint8_t {
    fully_up,   // gets traffic; `fall` failures take it down
    up,         // gets traffic; a first probe that fails takes it down
    down,       // gets none; a first probe that succeeds takes it up, after a failure `rise` of them
    fully_down, // gets none; `rise` successes take it up
};

constexpr auto names_of(InitState)
{
    return std::to_array<Name<InitState>>({{InitState::fully_up, "fully-up"},
                                           {InitState::up, "up"},
                                           {InitState::down, "down"},
                                           {InitState::fully_down, "fully-down"}});
}

} // namespace aya
