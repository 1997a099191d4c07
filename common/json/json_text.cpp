// SPDX-License-Identifier: BSD-2-Clause
#include "common/json/json_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <unordered_set>

namespace aya
{

namespace
{

// Deeper than any configuration; bounds what a hostile text can make us hold.
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxShown = 60;

// What comes after "syntax error while parsing ..." in the library's text is the useful part.
std::string syntax_message(std::string_view what)
{
    const std::size_t column = what.find(", column ");
    const std::size_t start = column == std::string_view::npos ? what.rfind("] ") : what.find(": ", column);
    if (start != std::string_view::npos)
        what.remove_prefix(start + 2);
    std::string line(what);
    for (char &c : line) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7f)
            c = '?'; // the text quotes the input, which need not be UTF-8
    }
    return line;
}

// Builds the value from the parser's events, as the library's own builder does, and sees each key.
class Builder : public nlohmann::json_sax<Json>
{
public:
    Builder(std::string_view text, ErrorSink &errors) : text_(text), errors_(errors) {}

    Json root;

    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(number_integer_t value) override { return put(value); }
    bool number_unsigned(number_unsigned_t value) override { return put(value); }
    bool number_float(number_float_t value, const string_t &) override { return put(value); }
    bool string(string_t &value) override { return put(std::move(value)); }
    bool binary(binary_t &) override { return false; } // not in JSON text
    bool start_object(std::size_t) override { return open(Json::object()); }
    bool start_array(std::size_t) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t &name) override
    {
        Level &level = levels_.back();
        level.key = name;
        level.skip = !level.seen.insert(name).second;
        if (level.skip) {
            errors_.add(where() + pointer_token(name),
                        "found the key " + quote(name) + " twice; allowed: each key once");
        }
        return true;
    }

    bool parse_error(std::size_t position, const std::string &, const Json::exception &error) override
    {
        // `position` counts the bytes read, the offending one included.
        const std::string_view before =
            text_.substr(0, std::min(position > 0 ? position - 1 : 0, text_.size()));
        const auto line = std::count(before.begin(), before.end(), '\n') + 1;
        const std::size_t newline = before.rfind('\n');
        const std::size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
        errors_.add("line " + std::to_string(line) + ", column " + std::to_string(column),
                    syntax_message(error.what()));
        return false;
    }

private:
    struct Level {
        Json value;
        std::string key;                      // of an object: where the next value goes
        std::unordered_set<std::string> seen; // keys so far
        bool skip = false;                    // the next value belongs to a duplicate key
    };

    std::string where() const
    {
        std::string pointer;
        for (std::size_t i = 0; i + 1 < levels_.size(); ++i) {
            const Level &level = levels_[i];
            pointer += level.value.is_object() ? pointer_token(level.key) : pointer_token(level.value.size());
        }
        return pointer;
    }

    bool open(Json empty)
    {
        if (levels_.size() == kMaxDepth) {
            const std::string limit = std::to_string(kMaxDepth);
            errors_.add(where(), "found more than " + limit + " levels; allowed: at most " + limit);
            return false;
        }
        levels_.push_back({std::move(empty), {}, {}, false});
        return true;
    }

    bool close()
    {
        Json value = std::move(levels_.back().value);
        levels_.pop_back();
        return put(std::move(value));
    }

    bool put(Json value)
    {
        if (levels_.empty()) {
            root = std::move(value);
            return true;
        }
        Level &level = levels_.back();
        if (level.value.is_array())
            level.value.push_back(std::move(value));
        else if (!level.skip)
            level.value[level.key] = std::move(value);
        return true;
    }

    std::string_view text_;
    ErrorSink &errors_;
    std::vector<Level> levels_;
};

// Length of the UTF-8 sequence at the start of `text`, 0 if there is none or it is a control character.
// Overlong forms and surrogates cannot come from the JSON parser, which refuses them.
std::size_t shown_length(std::string_view text)
{
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80)
        return lead >= 0x20 && lead != 0x7f ? 1 : 0;
    const std::size_t length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    if (lead >= 0xf5 || length == 0 || text.size() < length)
        return 0;
    const auto is_tail = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
    return std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length), is_tail) ? length
                                                                                                      : 0;
}

} // namespace

JsonText read_json_text(std::string_view text, ErrorSink &errors)
{
    Builder builder(text, errors);
    const bool ok = Json::sax_parse(text.begin(), text.end(), &builder, Json::input_format_t::json,
                                    true /* the whole text */, true /* comments */);
    return {std::move(builder.root), !ok};
}

std::string pointer_token(std::string_view key)
{
    std::string token = "/";
    for (const char c : key) {
        if (c == '~')
            token += "~0";
        else if (c == '/')
            token += "~1";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            token += '?'; // an error is one line; such a key is an unknown key anyway
        else
            token += c;
    }
    return token;
}

std::string pointer_token(std::size_t index)
{
    return "/" + std::to_string(index);
}

std::string quote(std::string_view text)
{
    std::string shown = "\"";
    while (!text.empty() && shown.size() < kMaxShown) {
        const std::size_t length = shown_length(text);
        if (length == 0) {
            std::array<char, 5> escape{};
            std::snprintf(escape.data(), escape.size(), "\\x%02x",
                          static_cast<unsigned>(static_cast<unsigned char>(text.front())));
            shown += escape.data();
        } else {
            shown += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return shown + (text.empty() ? "\"" : "...\"");
}

std::string describe(const Json &value)
{
    switch (value.type()) {
    case Json::value_t::string:
        return quote(value.get_ref<const std::string &>());
    case Json::value_t::object:
        return value.empty() ? "an empty object" : "an object";
    case Json::value_t::array:
        return value.empty() ? "an empty list" : "a list of " + std::to_string(value.size());
    default:
        return value.dump();
    }
}

} // namespace aya
