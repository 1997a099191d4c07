// SPDX-License-Identifier: BSD-2-Clause
// The parser as a program, for schema_test.py: reads one configuration per line of standard input, and
// answers each with one line: the configuration with every default written out, or {"errors": [...]}.
#include "config/parse.hpp"
#include "config_answer.hpp"

int main()
{
    aya::test::answer_lines([](const std::string &text) { return aya::parse_config(text); },
                            [](const aya::Config &config) { return aya::to_json(config); });
}
