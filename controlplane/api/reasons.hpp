// SPDX-License-Identifier: BSD-2-Clause
// The rows of aya/reasons.h for people, by number.
#pragma once

#include "aya/reasons.h"

#include <array>

namespace aya::api
{

struct ReasonRow {
    const char *name;
    const char *help;
};

inline constexpr std::array<ReasonRow, AYA_REASON_COUNT> kReasons = {{
#define AYA_X(symbol, action, name, help) {name, help},
    AYA_REASONS(AYA_X)
#undef AYA_X
}};

} // namespace aya::api
