// SPDX-License-Identifier: BSD-2-Clause
#include "health/probe_options.hpp"

#include <algorithm>
#include <charconv>

namespace aya
{

namespace
{

constexpr std::size_t kMostRanges = 16;

std::optional<std::uint16_t> parse_status(std::string_view text)
{
    std::uint16_t status = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, status);
    const bool whole = text.size() == 3 && error == std::errc() && stop == end;
    return whole && status >= 100 && status <= 599 ? std::optional(status) : std::nullopt;
}

} // namespace

std::optional<StatusSet> StatusSet::parse(std::string_view text)
{
    StatusSet set;
    set.text_ = text;
    while (set.ranges_.size() < kMostRanges) {
        const std::string_view part = text.substr(0, text.find(','));
        const auto from = parse_status(part.substr(0, part.find('-')));
        const auto to =
            part.find('-') == std::string_view::npos ? from : parse_status(part.substr(part.find('-') + 1));
        if (!from || !to || *from > *to)
            return std::nullopt;
        set.ranges_.emplace_back(*from, *to);
        if (part.size() == text.size())
            return set;
        text.remove_prefix(part.size() + 1);
    }
    return std::nullopt;
}

std::optional<std::string> payload_bytes(std::string_view text)
{
    constexpr std::string_view kHex = "hex:";
    if (!text.starts_with(kHex))
        return std::string(text);
    text.remove_prefix(kHex.size());
    std::string bytes;
    for (; text.size() >= 2; text.remove_prefix(2)) {
        unsigned char byte = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + 2, byte, 16);
        if (error != std::errc() || stop != text.data() + 2)
            return std::nullopt;
        bytes += static_cast<char>(byte);
    }
    return text.empty() ? std::optional(bytes) : std::nullopt;
}

bool StatusSet::contains(unsigned status) const
{
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [&](const auto &range) { return range.first <= status && status <= range.second; });
}

} // namespace aya
