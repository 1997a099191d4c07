// SPDX-License-Identifier: BSD-2-Clause
#include "reference/tables.hpp"

#include <algorithm>
#include <stdexcept>

namespace aya
{

namespace
{

constexpr std::string_view kStart = "<!-- keys of ";
constexpr std::string_view kEnd = "<!-- end of keys -->\n";
constexpr std::string_view kWhole = "the configuration";

std::string code(const OrderedJson &value)
{
    return "`" + value.dump() + "`";
}

// "a, b" of the parts that there are.
std::string join(std::initializer_list<std::string> parts)
{
    std::string text;
    for (const std::string &part : parts) {
        if (!part.empty())
            text += (text.empty() ? "" : ", ") + part;
    }
    return text;
}

std::string plural_of(const std::string &noun)
{
    if (noun == "text")
        return noun;
    return noun + (noun.ends_with('s') || noun.ends_with('x') ? "es" : "s");
}

std::string type_of(const Key &key)
{
    switch (key.shape) {
    case Shape::value:
        return key.kind.noun;
    case Shape::list:
        return "list of " + plural_of(key.kind.noun);
    case Shape::object:
        return "object";
    case Shape::objects:
        return "list of objects";
    }
    return {};
}

std::string default_of(const Key &key)
{
    if (key.is_required)
        return key.not_required.empty() ? "required" : "required, except " + key.not_required;
    if (!key.absent.empty())
        return key.absent;
    if (key.shape == Shape::object && !key.is_optional)
        return "all defaults";
    return key.initial.is_null() ? "absent" : code(key.initial);
}

std::string count_of(const Key &key)
{
    const auto [least, most] = key.count;
    if (key.shape == Shape::value || key.shape == Shape::object || (least == 0 && most == SIZE_MAX))
        return {};
    const std::string items = most == SIZE_MAX ? " or more" : " to " + std::to_string(most) + " items";
    return std::to_string(least) + items;
}

std::string range_of(const KindFacts &kind)
{
    if (kind.least.is_null())
        return {};
    const auto show = [](const OrderedJson &limit) { return limit.is_number() ? limit.dump() : code(limit); };
    return show(kind.least) + " to " + show(kind.most);
}

std::string words_of(const KindFacts &kind)
{
    std::string text;
    if (kind.schema.contains("enum")) {
        for (const std::string &word : kind.words)
            text = join({text, code(word)});
    }
    return text;
}

std::string allowed_of(const Key &key)
{
    const std::string each = join({words_of(key.kind), range_of(key.kind), key.kind.note});
    const bool is_list = key.shape == Shape::list && !each.empty();
    return join({count_of(key), (is_list ? "each " : "") + each, key.rule});
}

std::string row_of(const Key &key)
{
    const std::string more = key.more.empty() ? "" : " " + key.more;
    std::string row;
    for (const std::string &cell :
         {"`" + key.name + "`", type_of(key), default_of(key), allowed_of(key), key.help + "." + more})
        row += (row.empty() ? "| " : " | ") + cell;
    return row + " |\n";
}

const Section &find_section(const Section &whole, std::string_view path)
{
    const Section *section = &whole;
    while (path != kWhole && !path.empty()) {
        const std::string_view name = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(name.size() + 1, path.size()));
        const Section *inside = nullptr;
        for (const Key &key : section->keys) {
            if (key.name == name)
                inside = key.inside;
        }
        if (inside == nullptr)
            throw std::runtime_error("no object \"" + std::string(name) + "\" in the configuration");
        section = inside;
    }
    return *section;
}

} // namespace

std::string table_of(const Section &section)
{
    std::string table = "| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n";
    for (const Key &key : section.keys)
        table += row_of(key);
    return table;
}

std::string with_tables(std::string_view document, const Section &whole)
{
    std::string renewed;
    for (;;) {
        const std::size_t start = document.find(kStart);
        if (start == std::string_view::npos)
            return renewed.append(document);
        const std::size_t line_end = document.find('\n', start);
        const std::size_t end = document.find(kEnd, start);
        if (line_end == std::string_view::npos || end == std::string_view::npos)
            throw std::runtime_error("\"" + std::string(kStart) + "\" without \"<!-- end of keys -->\"");
        std::string_view path = document.substr(start + kStart.size(), line_end - start - kStart.size());
        path = path.substr(0, path.find(':'));
        renewed.append(document.substr(0, line_end + 1)).append(table_of(find_section(whole, path)));
        renewed.append(kEnd);
        document.remove_prefix(end + kEnd.size());
    }
}

} // namespace aya
