// SPDX-License-Identifier: BSD-2-Clause
// JSON text to a JSON value, with what the plain parser does not tell: duplicate keys and where a
// syntax error stands.
#pragma once

#include "common/json/error_sink.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace aya
{

using Json = nlohmann::json;
// Keeps the order in which keys are written, which is the order of the reference.
using OrderedJson = nlohmann::ordered_json;

// `value` means nothing if `syntax_error` is set.
struct JsonText {
    Json value;
    bool syntax_error = false;
};

// Comments are allowed. A syntax error is one error with line and column; every duplicate key is an
// error at its pointer, and its first value stays.
JsonText read_json_text(std::string_view text, ErrorSink &errors);

// One reference token of a JSON pointer, escaped (RFC 6901 section 3), with its slash.
std::string pointer_token(std::string_view key);
std::string pointer_token(std::size_t index);

// `text` as it can be shown in one line of UTF-8: in quotes, cut after some 60 characters, control
// characters and broken UTF-8 as \xNN.
std::string quote(std::string_view text);

// A value in a few words for "found ...".
std::string describe(const Json &value);

} // namespace aya
