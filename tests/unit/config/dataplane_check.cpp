// SPDX-License-Identifier: BSD-2-Clause
// The data plane's own reader of its section as a program, for schema_test.py: reads one configuration
// a line of standard input, and answers each with a JSON list of errors.
#include "options.hpp"

#include <nlohmann/json.hpp>

#include <iostream>
#include <string>

int main()
{
    std::string text;
    while (std::getline(std::cin, text)) {
        std::vector<std::string> errors;
        aya::parse_dataplane_options(text, "f", errors);
        std::cout << nlohmann::json(errors).dump() << '\n';
    }
}
