// SPDX-License-Identifier: BSD-2-Clause
#include "common/json/reader.hpp"

#include "common/suggest.hpp"

#include <algorithm>
#include <span>

namespace aya
{

namespace
{

std::string join(const std::vector<std::string_view> &words)
{
    std::string text;
    for (const std::string_view word : words) {
        text += text.empty() ? "" : ", ";
        text += word;
    }
    return text;
}

} // namespace

Reader::Reader(const Json &value, std::string where, ReadMode mode, ErrorSink &errors)
    : where_(std::move(where)), mode_(mode), errors_(errors)
{
    if (value.is_object())
        object_ = &value;
    else
        errors_.add(where_, "found " + describe(value) + "; allowed: an object, { ... }");
}

const Json *Reader::find(const char *key, Need need, std::string_view allowed)
{
    known_.emplace_back(key);
    if (object_ == nullptr)
        return nullptr;
    const auto found = object_->find(key);
    if (found != object_->end())
        return &*found;
    if (need == Need::required && mode_ == ReadMode::whole)
        errors_.add(where_ + pointer_token(key), "missing; required: " + std::string(allowed));
    return nullptr;
}

std::string Reader::list_of(Count count, const std::string &what)
{
    std::string items = "any number of items";
    if (count.most != SIZE_MAX)
        items = std::to_string(count.least) + " to " + std::to_string(count.most) + " items";
    else if (count.least > 0)
        items = std::to_string(count.least) + " or more items";
    return "a list of " + items + ", " + what;
}

bool Reader::check_list(const Json &value, const char *key, const ListRule &rule)
{
    if (value.is_array() && value.size() >= rule.count.least && value.size() <= rule.count.most)
        return true;
    errors_.add(where_ + pointer_token(key), "found " + describe(value) + "; allowed: " + rule.allowed);
    return false;
}

void Reader::refuse(const char *key, std::string_view why)
{
    if (object_ == nullptr || !object_->contains(key))
        return;
    refused_.emplace_back(key);
    errors_.add(where_ + pointer_token(key), "found " + describe(object_->at(key)) + "; " + std::string(why));
}

void Reader::finish()
{
    if (object_ == nullptr)
        return;
    const auto is_in = [](const std::vector<std::string_view> &words, std::string_view word) {
        return std::find(words.begin(), words.end(), word) != words.end();
    };
    for (const auto &item : object_->items()) {
        const std::string &key = item.key();
        if (is_in(known_, key) || is_in(refused_, key))
            continue;
        std::string message = "found the unknown key " + quote(key) + "; ";
        if (const std::string suggestion = did_you_mean(nearest(key, known_)); !suggestion.empty())
            message += suggestion + "; ";
        errors_.add(where_ + pointer_token(key), message + "allowed: " + join(known_));
    }
}

std::string not_found(const std::string &what, std::string_view text, const std::string &kinds,
                      const std::vector<std::string_view> &there)
{
    constexpr std::size_t kShown = 8;
    const std::string found = "no " + what + "; ";
    if (const std::string suggestion = did_you_mean(nearest(text, there)); !suggestion.empty())
        return found + suggestion;
    if (there.empty())
        return found + "there are no " + kinds;
    std::string list;
    for (const std::string_view word : std::span(there).first(std::min(kShown, there.size())))
        list.append(list.empty() ? "" : ", ").append(quote(word));
    if (there.size() > kShown)
        list.append(" and ").append(std::to_string(there.size() - kShown)).append(" more");
    return found + "existing " + kinds + ": " + list;
}

} // namespace aya
