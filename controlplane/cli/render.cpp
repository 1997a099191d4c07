// SPDX-License-Identifier: BSD-2-Clause
#include "render.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace aya::ctl
{

namespace
{

template <std::size_t N>
std::string scaled(std::uint64_t value, double step, const std::array<const char *, N> &units)
{
    double shown = static_cast<double>(value);
    std::size_t unit = 0;
    // 0.05 below the step would print as the step itself: 999 950 is 1.0M, not 1000.0k.
    while (unit + 1 < N && shown >= (unit == 0 ? step : step - 0.05)) {
        shown /= step;
        ++unit;
    }
    std::array<char, 48> buffer{};
    std::snprintf(buffer.data(), buffer.size(), unit == 0 ? "%.0f%s" : "%.1f%s", shown, units.at(unit));
    return buffer.data();
}

const char *code(Colour colour)
{
    switch (colour) {
    case Colour::bold:
        return "\033[1m";
    case Colour::dim:
        return "\033[2m";
    case Colour::green:
        return "\033[32m";
    case Colour::yellow:
        return "\033[33m";
    case Colour::red:
        return "\033[31m";
    case Colour::none:
        break;
    }
    return "";
}

} // namespace

std::string human_count(std::uint64_t value)
{
    static constexpr std::array<const char *, 7> kUnits = {"", "k", "M", "G", "T", "P", "E"};
    return scaled(value, 1000.0, kUnits);
}

std::string human_bytes(std::uint64_t value)
{
    static constexpr std::array<const char *, 7> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    return scaled(value, 1024.0, kUnits);
}

std::string human_duration(std::uint64_t seconds)
{
    const std::uint64_t minutes = seconds / 60;
    const std::uint64_t hours = minutes / 60;
    const std::uint64_t days = hours / 24;
    if (days > 0)
        return std::to_string(days) + "d " + std::to_string(hours % 24) + "h";
    if (hours > 0)
        return std::to_string(hours) + "h " + std::to_string(minutes % 60) + "m";
    if (minutes > 0)
        return std::to_string(minutes) + "m " + std::to_string(seconds % 60) + "s";
    return std::to_string(seconds) + "s";
}

std::string human_share(double share)
{
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.1f%%", share * 100.0);
    return buffer.data();
}

std::string counted(std::uint64_t value, std::string_view noun)
{
    std::string phrase = std::to_string(value) + " ";
    phrase += noun;
    return value == 1 ? phrase : phrase + "s";
}

std::string printable(std::string_view text)
{
    std::string clean(text);
    std::replace_if(
        clean.begin(), clean.end(),
        [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte < 0x20 || byte == 0x7f;
        },
        ' ');
    return clean;
}

std::size_t display_width(std::string_view text)
{
    // Bytes 10xxxxxx continue a code point.
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string paint(std::string_view text, Colour colour, bool enabled)
{
    if (!enabled || colour == Colour::none || text.empty())
        return std::string(text);
    return code(colour) + std::string(text) + "\033[0m";
}

Cell condition(const std::string &word)
{
    if (word == "up" || word == "active")
        return {word, Colour::green};
    if (word == "down")
        return {word, Colour::red};
    if (word == "draining" || word == "unknown" || word == "waiting")
        return {word, Colour::yellow};
    if (word == "disabled" || word == "unchecked")
        return {word, Colour::dim};
    return {word, Colour::none};
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<Cell> row)
{
    row.resize(columns_.size());
    for (Cell &cell : row)
        cell.text = printable(cell.text);
    rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths() const
{
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t width = display_width(columns_[i].title);
        for (const auto &row : rows_)
            width = std::max(width, display_width(row[i].text));
        widths.push_back(width);
    }
    return widths;
}

std::string Table::render_row(const std::vector<Cell> &row, const std::vector<std::size_t> &widths,
                              bool colour) const
{
    std::string line;
    std::size_t owed = 0; // blanks that are written only if something follows
    for (std::size_t i = 0; i < row.size(); ++i) {
        const std::size_t fill = widths[i] - display_width(row[i].text);
        if (columns_[i].align == Align::right)
            owed += fill;
        if (!row[i].text.empty()) {
            line.append(owed, ' ');
            line += paint(row[i].text, row[i].colour, colour);
            owed = 0;
        }
        if (columns_[i].align == Align::left)
            owed += fill;
        owed += 2;
    }
    return line + "\n";
}

std::string Table::render(bool colour) const
{
    const std::vector<std::size_t> width = widths();
    std::string out;
    const bool titled =
        std::any_of(columns_.begin(), columns_.end(), [](const Column &c) { return !c.title.empty(); });
    if (titled) {
        std::vector<Cell> header;
        for (const Column &column : columns_)
            header.push_back({column.title, Colour::bold});
        out += render_row(header, width, colour);
    }
    for (const auto &row : rows_)
        out += render_row(row, width, colour);
    return out;
}

} // namespace aya::ctl
