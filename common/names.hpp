// SPDX-License-Identifier: BSD-2-Clause
// Names of an enum's values, both ways, from one table. Beside the enum stands
//     names_of(Enum)
// which returns its rows, each with a `value` and a `name`: an array of Name, or whatever else is known of
// each value, with these two members.
#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <type_traits>

namespace aya
{

template <typename Enum>
struct Name {
    Enum value;
    std::string_view name;
};

template <typename Enum>
concept HasNames = std::is_enum_v<Enum> && requires(Enum value)
{
    {
        names_of(value).begin()->name
        } -> std::convertible_to<std::string_view>;
};

// The value's row. Every value has one.
template <HasNames Enum>
constexpr const auto &row_of(Enum value)
{
    for (const auto &row : names_of(value)) {
        if (row.value == value)
            return row;
    }
    throw std::logic_error("an enum's value without a row");
}

// Empty if no row has the value.
template <HasNames Enum>
constexpr std::string_view to_string(Enum value)
{
    for (const auto &row : names_of(value)) {
        if (row.value == value)
            return row.name;
    }
    return {};
}

template <HasNames Enum>
constexpr std::optional<Enum> parse_name(std::string_view text)
{
    for (const auto &row : names_of(Enum{})) {
        if (row.name == text)
            return row.value;
    }
    return std::nullopt;
}

} // namespace aya
