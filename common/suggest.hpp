// SPDX-License-Identifier: BSD-2-Clause
// "did you mean": one rule for keys, names of services, commands and options.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aya
{

// Letters to add, remove or replace, or neighbours to swap, so that one word becomes the other.
std::size_t edit_distance(std::string_view from, std::string_view to);

// The candidates that a typist may have meant by `word`: those that are equally close, at most three; none if
// nothing is close. The views are those of `candidates`.
std::vector<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

// `did you mean "a" or "b"?`; empty if there is nothing to suggest.
std::string did_you_mean(std::span<const std::string_view> meant);

} // namespace aya
