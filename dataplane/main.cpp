// SPDX-License-Identifier: BSD-2-Clause
//
// aya-dataplane: receives packets on DPDK ports, forwards them as the control plane's tables say.
#include <cstdio>
#include <exception>
#include <string>

#include "dataplane.hpp"
#include "options.hpp"

namespace
{

void say(const std::string &line)
{
    std::fprintf(stderr, "aya-dataplane: %s\n", line.c_str());
}

} // namespace

int main(int argc, char **argv)
{
    int exit_code = 0;
    const auto line = aya::parse_command_line(argc, argv, exit_code);
    if (!line)
        return exit_code;
    try {
        const auto options = aya::load_options(line->config_file);
        if (!options) {
            for (const aya::ConfigError &error : options.errors())
                say(aya::format_error(line->config_file, error));
            return 1;
        }
        if (line->check) {
            std::printf("%s: valid\n", line->config_file.c_str());
            return 0;
        }
        aya::run_dataplane(*line, *options);
        return 0;
    } catch (const std::exception &error) {
        say(error.what());
        return 1;
    }
}
