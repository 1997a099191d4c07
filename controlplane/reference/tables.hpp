// SPDX-License-Identifier: BSD-2-Clause
// The tables of keys in docs/configuration.md.
#pragma once

#include "common/config/key.hpp"

#include <string>
#include <string_view>

namespace aya
{

// One row per key, in Markdown.
std::string table_of(const Section &section);

// `document` with each of its tables made of `whole`, the section of the whole configuration. A table stands
// between "<!-- keys of PATH" and "<!-- end of keys -->", each on a line of its own; PATH is "the
// configuration", or the keys that lead to the section: "services/health". Throws std::runtime_error where
// they do not.
std::string with_tables(std::string_view document, const Section &whole);

} // namespace aya
