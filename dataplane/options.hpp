// SPDX-License-Identifier: BSD-2-Clause
//
// Command line and the "dataplane" section of the configuration file. Read once at start; nothing here is
// looked at on the packet path. docs/configuration.md explains every key.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "aya/types.h"
#include "common/config/dataplane.hpp"
#include "log.hpp"

namespace aya
{

// Start refused. The text is one line: where, what was found, what is allowed, what to do.
class StartError : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

struct CommandLine {
    std::string config_file = "/etc/aya/aya.json";
    std::string instance = "default";
    std::string run_dir = "/run/aya";
    std::string bpf_dir = "/sys/fs/bpf/aya";
    LogLevel log_level = LogLevel::info;
    bool check = false; // validate and exit

    std::string pin_dir() const;
    std::string instance_dir() const { return run_dir + "/" + instance; }
};

// nullopt: the program is done with `exit_code` (help, version, usage error).
std::optional<CommandLine> parse_command_line(int argc, char **argv, int &exit_code);

// The section `dataplane` of a configuration, if it is for this program: path xdp is not.
Result<DataplaneConfig> parse_options(std::string_view text);
Result<DataplaneConfig> load_options(const std::string &file);

} // namespace aya
