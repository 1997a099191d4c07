// SPDX-License-Identifier: BSD-2-Clause
// The reasons of reasons.h as people read them.
#pragma once

#include "aya/reasons.h"

#include <array>

namespace aya
{

struct ReasonText {
    const char *name;
    const char *help;
};

inline constexpr std::array<ReasonText, AYA_REASON_COUNT> kReasons = {{
#define AYA_X(symbol, action, name, help) {name, help},
    AYA_REASONS(AYA_X)
#undef AYA_X
}};

constexpr const char *reason_name(u32 reason)
{
    return reason < kReasons.size() ? kReasons[reason].name : "?";
}

} // namespace aya
