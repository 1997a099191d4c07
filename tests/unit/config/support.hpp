// SPDX-License-Identifier: BSD-2-Clause
// A valid configuration to start from, and errors as people see them.
#pragma once

#include "config/parse.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aya::test
{

// Two services, a port, two workers: nothing is wrong with it.
inline OrderedJson valid_json()
{
    return OrderedJson::parse(R"({
        "seed": "000102030405060708090a0b0c0d0eff",
        "dataplane": { "workers": [2, 3], "ports": [ { "device": "0000:3b:00.0", "punt": "aya0" } ] },
        "services": [
            { "name": "web", "vips": [ "203.0.113.10:443/tcp", "203.0.113.10:443/udp" ],
              "health": { "type": "tcp", "interval": "1s", "timeout": "500ms" },
              "backends": [ { "name": "web-1", "address": "10.0.1.11", "weight": 8 },
                            { "name": "web-2", "address": "10.0.1.12" } ] },
            { "name": "dns", "vips": [ "[2001:db8::53]:*/udp" ], "encap": "ipip",
              "backends": [ { "name": "dns-1", "address": "10.0.2.1" } ] } ] })");
}

inline Config valid_config()
{
    return parse_config(valid_json().dump()).value();
}

// The valid configuration with `value` put at `pointer`.
inline std::string with(const std::string &pointer, const OrderedJson &value)
{
    OrderedJson json = valid_json();
    json[OrderedJson::json_pointer(pointer)] = value;
    return json.dump();
}

inline std::string without(const std::string &pointer)
{
    OrderedJson json = valid_json();
    const OrderedJson::json_pointer at(pointer);
    json[at.parent_pointer()].erase(at.back());
    return json.dump();
}

using Lines = std::vector<std::string>;

inline Lines lines_of(const ConfigErrors &errors)
{
    Lines lines;
    for (const ConfigError &error : errors)
        lines.push_back(format_error("f", error));
    return lines;
}

template <typename T>
Lines errors_of(const Result<T> &result)
{
    return result ? Lines{"no error"} : lines_of(result.errors());
}

// Where the errors are, and what they name there: a JSON pointer, then those of `words` that the text has.
// For tests of what is checked; how a sentence reads is asserted once, in bad_input_test.cpp.
template <typename T>
Lines places_of(const Result<T> &result, const std::vector<std::string> &words = {})
{
    if (result)
        return {"no error"};
    Lines places;
    for (const ConfigError &error : result.errors()) {
        places.push_back(error.where);
        for (const std::string &word : words)
            if (error.message.find(word) != std::string::npos)
                places.back() += " " + word;
    }
    return places;
}

// The only error of `text`, without the file's name.
inline std::string error_of(const std::string &text)
{
    const Lines lines = errors_of(parse_config(text));
    return lines.size() == 1 ? lines[0].substr(lines[0].find(' ') + 1) : ::testing::PrintToString(lines);
}

} // namespace aya::test
