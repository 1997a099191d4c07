// SPDX-License-Identifier: BSD-2-Clause
// What is said about the keys of an object: the JSON Schema, the tables of the documentation and the
// options of ayactl are made of it.
#pragma once

#include "common/json/kinds.hpp"
#include "common/json/reader.hpp"

#include <string>
#include <vector>

namespace aya
{

struct Section;

enum class Shape : unsigned char { value, list, object, objects };

struct Key {
    std::string name;
    Shape shape = Shape::value;
    KindFacts kind;                  // of the value, or of each item of the list
    const Section *inside = nullptr; // of the object, or of each object in the list
    Reader::Count count;             // of the list's items
    bool is_optional = false;        // there is a value for "not there": std::optional
    bool is_required = false;
    bool is_unique = false; // no item of the list twice
    OrderedJson initial;    // what it is where it is not said; null: nothing

    std::string help;         // one line without a full stop
    std::string more;         // Markdown, for the documentation alone
    std::string rule;         // Markdown: what it must fit to, beside its kind
    std::string absent;       // what holds where it is not there: "the port's own"
    std::string not_required; // when a required key may be left out: "with `\"xdp\"`"
    std::string fixed;        // why a request to change the object cannot change it; empty: it can
    std::string option;       // of ayactl, where it is not made of the key's name
};

// One kind of object.
struct Section {
    std::vector<Key> keys;
    OrderedJson rules; // of the schema, beside the keys
};

} // namespace aya
