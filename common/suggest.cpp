// SPDX-License-Identifier: BSD-2-Clause
#include "common/suggest.hpp"

#include <algorithm>

namespace aya
{

namespace
{

constexpr std::size_t kMostSuggested = 3;
// What is longer than this is no misspelling of a key or a name.
constexpr std::size_t kLongestWord = 40;

// The hyphens before an option's name do not count.
std::size_t letters(std::string_view word)
{
    return word.size() - std::min(word.find_first_not_of('-'), word.size());
}

// How many of them may be wrong.
std::size_t tolerance(std::string_view word)
{
    return letters(word) <= 3 ? 1 : letters(word) <= 6 ? 2 : 3;
}

std::size_t distance_of(std::string_view word, std::string_view candidate)
{
    // The beginning of a word is a good sign however much is left to type.
    if (letters(word) >= 2 && candidate.starts_with(word))
        return 1;
    return edit_distance(word, candidate);
}

} // namespace

std::size_t edit_distance(std::string_view from, std::string_view to)
{
    // Optimal string alignment: the last three rows of the usual table.
    std::vector<std::size_t> before(to.size() + 1);
    std::vector<std::size_t> previous(to.size() + 1);
    std::vector<std::size_t> row(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        before = previous;
        previous = row;
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t replace = previous[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
            row[j] = std::min({previous[j] + 1, row[j - 1] + 1, replace});
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row[to.size()];
}

std::vector<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates)
{
    std::vector<std::string_view> meant;
    if (word.size() > kLongestWord)
        return meant;
    std::size_t best = tolerance(word);
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = distance_of(word, candidate);
        // With every letter replaced it is another word.
        if (distance > best || distance >= candidate.size())
            continue;
        if (distance < best)
            meant.clear();
        best = distance;
        if (meant.size() < kMostSuggested)
            meant.push_back(candidate);
    }
    return meant;
}

std::string did_you_mean(std::span<const std::string_view> meant)
{
    std::string text;
    for (std::size_t i = 0; i < meant.size(); ++i) {
        text += i == 0 ? "did you mean " : i + 1 == meant.size() ? " or " : ", ";
        text.append("\"").append(meant[i]).append("\"");
    }
    return text.empty() ? "" : text + "?";
}

} // namespace aya
