// SPDX-License-Identifier: BSD-2-Clause
//
// Valid names of services, backends and instances. Names appear in tables, URLs, file names and on command
// lines.
#pragma once

#include <string_view>

#include "aya/tables.h"

namespace aya
{

constexpr unsigned kLongestName = AYA_NAME_SIZE - 1;
static_assert(kLongestName == 63, "the rule says so");
constexpr std::string_view kNameRule = "1 to 63 characters A-Z a-z 0-9 . _ -, the first a letter or digit";

constexpr bool is_name(std::string_view text, unsigned longest = kLongestName)
{
    const auto letter_or_digit = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    if (text.empty() || text.size() > longest || !letter_or_digit(text.front()))
        return false;
    for (const char c : text)
        if (!letter_or_digit(c) && c != '.' && c != '_' && c != '-')
            return false;
    return true;
}

} // namespace aya
