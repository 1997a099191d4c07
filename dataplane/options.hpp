// SPDX-License-Identifier: BSD-2-Clause
//
// Command line and the "dataplane" section of the configuration file. Read once at start; nothing here is
// looked at on the packet path. docs/configuration.md explains every key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aya/types.h"
#include "common/config/dataplane.hpp"
#include "common/instance.hpp"
#include "log.hpp"

namespace aya
{

struct CommandLine {
    std::string config_file = "/etc/aya/aya.json";
    Instance instance;
    LogLevel log_level = LogLevel::info;
    bool check = false; // validate and exit
};

// nullopt: the program is done with `exit_code` (help, version, usage error).
std::optional<CommandLine> parse_command_line(int argc, char **argv, int &exit_code);

// The section `dataplane` of a configuration, if it is for this program: path xdp is not.
Result<DataplaneConfig> parse_options(std::string_view text);
Result<DataplaneConfig> load_options(const std::string &file);

} // namespace aya
