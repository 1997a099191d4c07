// SPDX-License-Identifier: BSD-2-Clause
// Reads one JSON object key by key.
#pragma once

#include "common/json/error_sink.hpp"
#include "common/json/json_text.hpp"
#include "common/json/kinds.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aya
{

enum class ReadMode : unsigned char {
    whole, // required keys must be there; what is not said has its default
    patch, // only what is said changes; null takes an optional value away
};

enum class Need : unsigned char { required, optional };

// Every key that the caller asks for is known; finish() reports the others. Errors are collected,
// and what could not be read keeps the value it had.
class Reader
{
public:
    Reader(const Json &value, std::string where, ReadMode mode, ErrorSink &errors);

    // `Out` is wider than, or equal to, what the kind's limits let through.
    template <typename T, typename Out>
    void value(const char *key, Need need, const Kind<T> &kind, Out &out)
    {
        const Json *value = find(key, need, kind.allowed);
        if (value != nullptr)
            take(*value, where_ + pointer_token(key), kind, out);
    }

    template <typename T, typename Out>
    void value(const char *key, Need need, const Kind<T> &kind, std::optional<Out> &out)
    {
        const Json *value = find(key, need, kind.allowed);
        if (value == nullptr)
            return;
        if (value->is_null() && mode_ == ReadMode::patch) {
            out.reset();
            return;
        }
        Out read{};
        if (take(*value, where_ + pointer_token(key), kind, read))
            out = std::move(read);
    }

    template <typename T, typename Out>
    void required(const char *key, const Kind<T> &kind, Out &out)
    {
        value(key, Need::required, kind, out);
    }

    template <typename T, typename Out>
    void optional(const char *key, const Kind<T> &kind, Out &out)
    {
        value(key, Need::optional, kind, out);
    }

    // `read(Reader &)` reads the object inside.
    template <typename Read>
    void object(const char *key, Read &&read, Need need = Need::optional)
    {
        const Json *value = find(key, need, "an object, { ... }");
        if (value == nullptr)
            return;
        Reader inside(*value, where_ + pointer_token(key), mode_, errors_);
        read(inside);
        inside.finish();
    }

    // How many items a list may have.
    struct Count {
        std::size_t least = 0;
        std::size_t most = SIZE_MAX;
    };

    // Replaces `out`. An item that cannot be read is in `out` with its default, so that indices stay.
    template <typename T, typename Out>
    void list(const char *key, Need need, const Kind<T> &kind, std::vector<Out> &out, Count count)
    {
        const std::string allowed = list_of(count, "each " + kind.allowed);
        const Json *list = find(key, need, allowed);
        if (list != nullptr && check_list(*list, key, {allowed, count}))
            take_items(*list, key, kind, out);
    }

    template <typename T, typename Out>
    void list(const char *key, Need need, const Kind<T> &kind, std::optional<std::vector<Out>> &out,
              Count count)
    {
        const std::string allowed = list_of(count, "each " + kind.allowed);
        const Json *list = find(key, need, allowed);
        if (list != nullptr && list->is_null() && mode_ == ReadMode::patch)
            out.reset();
        else if (list != nullptr && check_list(*list, key, {allowed, count}))
            take_items(*list, key, kind, out.emplace());
    }

    // A list of objects. `read(Reader &, T &)` reads each; always whole, since a list replaces a list.
    template <typename T, typename Read>
    void objects(const char *key, Count count, std::vector<T> &out, Read &&read)
    {
        const std::string allowed = list_of(count, "each an object");
        const Json *list = find(key, count.least > 0 ? Need::required : Need::optional, allowed);
        if (list == nullptr || !check_list(*list, key, {allowed, count}))
            return;
        out.clear();
        for (const Json &item : *list) {
            const std::string where = where_ + pointer_token(key) + pointer_token(out.size());
            Reader inside(item, where, ReadMode::whole, errors_);
            read(inside, out.emplace_back());
            inside.finish();
        }
    }

    // A key that exists in the configuration but has no place here.
    void refuse(const char *key, std::string_view why);

    void finish();

    ReadMode mode() const { return mode_; }

private:
    // nullptr: not there, and reported if it had to be.
    const Json *find(const char *key, Need need, std::string_view allowed);

    struct ListRule {
        std::string allowed;
        Count count;
    };

    static std::string list_of(Count count, const std::string &what);
    bool check_list(const Json &value, const char *key, const ListRule &rule);

    template <typename T, typename Out>
    void take_items(const Json &list, const char *key, const Kind<T> &kind, std::vector<Out> &out)
    {
        out.clear();
        for (const Json &item : list) {
            const std::string where = where_ + pointer_token(key) + pointer_token(out.size());
            take(item, where, kind, out.emplace_back());
        }
    }

    template <typename T, typename Out>
    bool take(const Json &json, const std::string &where, const Kind<T> &kind, Out &out)
    {
        std::string note;
        std::optional<T> value = kind.read(json, note);
        if (!value) {
            const std::string what = note.empty() ? "" : " (" + note + ")";
            errors_.add(where, "found " + describe(json) + what + "; allowed: " + kind.allowed);
            return false;
        }
        out = static_cast<Out>(*std::move(value));
        return true;
    }

    const Json *object_ = nullptr; // nullptr: not an object, reported once
    std::string where_;
    ReadMode mode_;
    ErrorSink &errors_;
    std::vector<std::string_view> known_;   // asked for so far
    std::vector<std::string_view> refused_; // reported by refuse()
};

// "no WHAT; " and what exists: what may have been meant, or the first few of `there`, which are `kinds`
// ("services"). `text`: the part of `what` that was typed.
std::string not_found(const std::string &what, std::string_view text, const std::string &kinds,
                      const std::vector<std::string_view> &there);

} // namespace aya
