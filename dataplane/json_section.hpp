// SPDX-License-Identifier: BSD-2-Clause
//
// Reads one JSON object key by key, collecting errors that name file, JSON pointer, what was found and what
// is allowed. Internal to the options.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "aya/types.h"

namespace aya
{

using Json = nlohmann::json;

// A value in a few words for "found ...".
std::string describe(const Json &value);

// Where values are read and errors go. Cheap to copy.
struct JsonPlace {
    const std::string *file;
    std::string pointer;
    std::vector<std::string> *errors;

    JsonPlace at(const std::string &token) const { return {file, pointer + "/" + token, errors}; }
    void refuse(const Json &found, std::string_view allowed) const;
    void complain(const std::string &message) const;
};

// Parses a whole text; comments are allowed, a key that stands twice in an object is not. nullopt: the text
// is no JSON, and the error names line and column.
std::optional<Json> parse_json(std::string_view text, const JsonPlace &root);

std::optional<u64> read_integer(const Json &value, const JsonPlace &place, u64 least, u64 most);
std::optional<bool> read_boolean(const Json &value, const JsonPlace &place);
// A whole number and a unit, "512MB".
std::optional<u64> read_size(const Json &value, const JsonPlace &place);
std::optional<std::string> read_device(const Json &value, const JsonPlace &place);
std::optional<std::string> read_argument(const Json &value, const JsonPlace &place);
std::optional<std::string> read_interface(const Json &value, const JsonPlace &place);

class JsonObject
{
public:
    // Anything but an object is refused here, and has no keys.
    JsonObject(const Json &value, JsonPlace place);

    // The value of a key, or nullptr. Whatever is asked for is known; finish() refuses the others.
    const Json *find(const char *key);
    // The same, refused if it is absent.
    const Json *require(const char *key, std::string_view allowed);
    JsonPlace place(const char *key) const { return place_.at(key); }
    void finish() const;

private:
    const Json *object_ = nullptr;
    JsonPlace place_;
    std::vector<std::string> known_;
};

} // namespace aya
