// SPDX-License-Identifier: BSD-2-Clause
// What kinds whose values are text have in common. Internal to those who make kinds.
#pragma once

#include "common/json/kinds.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace aya
{

// nullptr: another type.
inline const std::string *text_of(const Json &value)
{
    return value.is_string() ? &value.get_ref<const std::string &>() : nullptr;
}

inline OrderedJson text_schema(const std::string &pattern)
{
    return {{"type", "string"}, {"pattern", pattern}};
}

// Text that `accepts` takes.
Kind<std::string> text_kind(KindFacts facts, std::function<bool(std::string_view)> accepts);

} // namespace aya
