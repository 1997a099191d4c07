// SPDX-License-Identifier: BSD-2-Clause
// What aya-dataplane reads, as a program, for schema_test.py: reads one configuration per line of standard
// input, and answers each with one line: the section with every default written out, or {"errors": [...]}.
#include "config_answer.hpp"

#include "common/config/dataplane_fields.hpp"
#include "options.hpp"

int main()
{
    aya::test::answer_lines([](const std::string &text) { return aya::parse_options(text); },
                            [](const aya::DataplaneConfig &section) {
                                return aya::fields<aya::DataplaneConfig>().write(section);
                            });
}
