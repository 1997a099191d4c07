// SPDX-License-Identifier: BSD-2-Clause
// Prints what is made of the keys of the configuration:
//     aya-reference schema         the JSON Schema
//     aya-reference renew FILE     rewrites the tables of keys in FILE
//     aya-reference check FILE     exit code 1 if they are not up to date
#include "config/fields.hpp"
#include "reference/schema.hpp"
#include "reference/tables.hpp"

#include "common/file.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace
{

aya::OrderedJson configuration_schema()
{
    aya::OrderedJson schema = {
        {"$schema", "https://json-schema.org/draft/2020-12/schema"},
        {"title", "AYA configuration"},
        {"description",
         "/etc/aya/aya.json, without its comments. The daemons check what cannot be said here: unique "
         "names and VIPs, primes, ranges of times, values that must fit together."}};
    schema.update(schema_of(aya::fields<aya::Config>().section()));
    return schema;
}

std::string read(const std::string &file)
{
    const auto text = aya::read_file(file);
    if (!text)
        throw std::runtime_error(aya::format_error(file, text.errors().front()));
    if (!*text)
        throw std::runtime_error(file + ": no such file");
    return **text;
}

int run(int argc, char **argv)
{
    const std::string verb = argc > 1 ? argv[1] : "";
    if (verb == "schema" && argc == 2) {
        std::cout << configuration_schema().dump(2) << '\n';
        return 0;
    }
    if ((verb != "check" && verb != "renew") || argc != 3) {
        std::fputs("usage: aya-reference schema | renew FILE | check FILE\n", stderr);
        return 2;
    }
    const std::string file = argv[2];
    const std::string text = read(file);
    const std::string renewed = aya::with_tables(text, aya::fields<aya::Config>().section());
    if (verb == "renew")
        return std::ofstream(file) << renewed ? 0 : 1;
    if (text == renewed)
        return 0;
    std::fprintf(
        stderr,
        "%s: the tables of keys are not what the code says; run: ninja -C BUILD_DIRECTORY reference\n",
        file.c_str());
    return 1;
}

} // namespace

int main(int argc, char **argv)
{
    try {
        return run(argc, argv);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "aya-reference: %s\n", error.what());
        return 1;
    }
}
