// SPDX-License-Identifier: BSD-2-Clause
#include "options.hpp"

#include <CLI/CLI.hpp>

namespace aya
{

std::optional<CommandLine> parse_command_line(int argc, char **argv, int &exit_code)
{
    CommandLine line;
    std::string level = "info";
    CLI::App app("AYA's DPDK data plane: forwards packets according to the control plane's tables.",
                 "aya-dataplane");
    app.add_option("--config", line.config_file, "Configuration file")->capture_default_str();
    app.add_option("--instance", line.instance.name, "Name of this instance")
        ->check(check_instance_name)
        ->capture_default_str();
    app.add_option("--run-dir", line.instance.run_dir,
                   "Directory of run-time files, with one subdirectory per instance")
        ->capture_default_str();
    // The control plane's: both daemons start with the same arguments.
    app.add_option("--state-dir", line.instance.state_dir, "Not used by this program");
    app.add_option("--bpf-dir", line.instance.bpf_dir,
                   "Directory in which instances pin the XDP program and its tables (path \"auto\")")
        ->capture_default_str();
    app.add_option("--log-level", level, "Least severe messages that are logged")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    app.add_flag("--check", line.check, "Validate the configuration and exit");
    app.set_version_flag("--version", "aya-dataplane " AYA_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        exit_code = app.exit(error) == 0 ? 0 : 2;
        return std::nullopt;
    }
    line.log_level = parse_name<LogLevel>(level).value_or(LogLevel::info);
    return line;
}

} // namespace aya
