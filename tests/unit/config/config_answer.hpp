// SPDX-License-Identifier: BSD-2-Clause
// Standard input to a parser, line by line, and what it makes of each to standard output.
#pragma once

#include "common/json/json_text.hpp"
#include "common/result.hpp"

#include <iostream>
#include <string>

namespace aya::test
{

template <typename Parse, typename Write>
void answer_lines(Parse parse, Write write)
{
    std::string text;
    while (std::getline(std::cin, text)) {
        const auto result = parse(text);
        if (result) {
            std::cout << write(*result).dump() << '\n';
            continue;
        }
        OrderedJson errors = OrderedJson::array();
        for (const ConfigError &error : result.errors())
            errors.push_back({{"where", error.where}, {"message", error.message}});
        std::cout << OrderedJson{{"errors", errors}}.dump() << '\n';
    }
}

} // namespace aya::test
