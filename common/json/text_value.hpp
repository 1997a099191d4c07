// SPDX-License-Identifier: BSD-2-Clause
// What kinds whose values are text have in common. Internal to kinds.
#pragma once

#include "common/json/json_text.hpp"

#include <string>

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

} // namespace aya
