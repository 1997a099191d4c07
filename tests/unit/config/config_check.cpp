// SPDX-License-Identifier: BSD-2-Clause
// The parser as a program, for schema_test.py: reads one configuration a line of standard input, and
// answers each with one line: the configuration with every default written out, or {"errors": [...]}.
#include "config/parse.hpp"

#include <iostream>
#include <string>

int main()
{
    std::string text;
    while (std::getline(std::cin, text)) {
        const auto config = aya::parse_config(text);
        if (config) {
            std::cout << aya::to_json(*config).dump() << '\n';
            continue;
        }
        aya::OrderedJson errors = aya::OrderedJson::array();
        for (const aya::ConfigError &error : config.errors())
            errors.push_back({{"where", error.where}, {"message", error.message}});
        std::cout << aya::OrderedJson{{"errors", errors}}.dump() << '\n';
    }
}
