// SPDX-License-Identifier: BSD-2-Clause
//
// aya-backend: the backend's side of direct server return. See docs/backend.md.
#include "commands.hpp"

#include <iostream>

namespace
{

int run(const aya::backend::Options &options)
{
    switch (options.verb) {
    case aya::backend::Verb::up:
        return aya::backend::up(options);
    case aya::backend::Verb::check:
        return aya::backend::check(options);
    case aya::backend::Verb::status:
        return aya::backend::status(options);
    case aya::backend::Verb::down:
        return aya::backend::down(options);
    }
    return 2;
}

} // namespace

int main(int argc, char **argv)
{
    try {
        const auto options = aya::backend::parse_options(argc, argv);
        return options ? run(*options) : 0;
    } catch (const aya::backend::UsageError &e) {
        std::cerr << "aya-backend: " << e.what() << "\n";
        return 2;
    } catch (const std::exception &e) {
        std::cerr << "aya-backend: " << e.what() << "\n";
        return 1;
    }
}
