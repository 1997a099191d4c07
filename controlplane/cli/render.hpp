// SPDX-License-Identifier: BSD-2-Clause
// Text for people: aligned tables and numbers of a size that can be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aya::ctl
{

// Exact below 1000, then three significant digits or so: 999, 1.2k, 34.5M, 678G.
std::string human_count(std::uint64_t value);
// Powers of 1024: 512B, 3.4GiB.
std::string human_bytes(std::uint64_t value);
// The two largest units: 12s, 3m 4s, 2h 5m, 3d 4h.
std::string human_duration(std::uint64_t seconds);
// 0.25 -> 25.0%
std::string human_share(double share);

// "1 backend", "2 backends"
std::string counted(std::uint64_t value, std::string_view noun);

// Control characters replaced, so that what a backend answered cannot drive the terminal.
std::string printable(std::string_view text);

// Columns on a terminal; UTF-8 counted by code point.
std::size_t display_width(std::string_view text);

enum class Colour { none, bold, dim, green, yellow, red };

std::string paint(std::string_view text, Colour colour, bool enabled);

struct Cell {
    std::string text;
    Colour colour = Colour::none;
};

// up, active: green; down: red; draining, unknown: yellow; disabled, unchecked: dim.
Cell condition(const std::string &word);

enum class Align { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
};

class Table
{
public:
    explicit Table(std::vector<Column> columns);

    void add(std::vector<Cell> row);
    bool empty() const { return rows_.empty(); }
    // Header and rows, two spaces between columns, no trailing blanks. The header is left out if
    // every title is empty.
    std::string render(bool colour) const;

private:
    std::vector<std::size_t> widths() const;
    std::string render_row(const std::vector<Cell> &row, const std::vector<std::size_t> &widths,
                           bool colour) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

} // namespace aya::ctl
