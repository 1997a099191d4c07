// SPDX-License-Identifier: BSD-2-Clause
//
// aya-dataplane: receives packets on DPDK ports, forwards them as the control plane's tables say.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

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
        std::vector<std::string> errors;
        const aya::DataplaneOptions options = aya::load_dataplane_options(line->config_file, errors);
        for (const std::string &error : errors)
            say(error);
        if (!errors.empty())
            return 1;
        if (line->check) {
            std::printf("%s: valid\n", line->config_file.c_str());
            return 0;
        }
        aya::run_dataplane(*line, options);
        return 0;
    } catch (const std::exception &error) {
        say(error.what());
        return 1;
    }
}
