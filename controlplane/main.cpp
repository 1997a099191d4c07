// SPDX-License-Identifier: BSD-2-Clause
// aya-controlplane: decides what the data plane forwards to, and publishes it.
#include "config/parse.hpp"
#include "daemon.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <sys/resource.h>

namespace
{

enum ExitCode { kStopped = 0, kRefused = 1, kUsage = 2 };

struct CommandLine {
    std::string config = "/etc/aya/aya.json";
    aya::Instance instance;
    std::string log_level;
    bool check = false;
    bool flush = false;
};

void set_up_logging(const CommandLine &line, aya::LogLevel configured)
{
    auto logger = spdlog::stderr_logger_st("aya");
    spdlog::set_default_logger(logger);
    // The journal stamps lines itself.
    spdlog::set_pattern(std::getenv("JOURNAL_STREAM") ? "%l: %v" : "%Y-%m-%dT%H:%M:%S.%e %l: %v");
    const std::string level = line.log_level.empty() ? std::string(to_string(configured)) : line.log_level;
    spdlog::set_level(spdlog::level::from_str(level));
    spdlog::flush_on(spdlog::level::debug);
}

// Each probe on its way needs a descriptor.
void raise_descriptor_limit()
{
    rlimit limit = {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const CommandLine &line)
{
    const auto file = aya::load_config(line.config);
    if (!file)
        throw aya::start_error(line.config, file.errors());
    if (line.check) {
        std::printf("%s: valid, %zu services\n", line.config.c_str(), file->services.size());
        return kStopped;
    }
    set_up_logging(line, file->controlplane.log_level);
    raise_descriptor_limit();
    aya::make_instance_directory(line.instance.state(), "--state-dir");
    aya::Daemon({.config_file = line.config, .instance = line.instance}, *file).run();
    return kStopped;
}

// What a stopped control plane leaves in the kernel continues to forward; this ends it.
int flush(const CommandLine &line)
{
    const aya::InstanceLock lock(line.instance, "controlplane");
    for (const std::string &done : aya::flush_xdp(line.instance.pins()))
        std::printf("%s\n", done.c_str());
    return kStopped;
}

} // namespace

int main(int argc, char **argv)
{
    CommandLine line;
    CLI::App app("Control plane of AYA: probes backends, finds next hops, publishes the tables",
                 "aya-controlplane");
    app.set_version_flag("--version", "aya-controlplane " AYA_VERSION);
    app.add_option("--config", line.config, "Configuration file")->capture_default_str();
    app.add_option("--instance", line.instance.name, "Name of this instance")
        ->capture_default_str()
        ->check(aya::check_instance_name);
    app.add_option("--run-dir", line.instance.run_dir, "Directory of the instances' tables and sockets")
        ->capture_default_str();
    app.add_option("--state-dir", line.instance.state_dir, "Directory of the instances' state")
        ->capture_default_str();
    app.add_option("--log-level", line.log_level, "Overrides the log level of the configuration")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    app.add_option("--bpf-dir", line.instance.bpf_dir,
                   "Directory in which instances pin the XDP program and its tables")
        ->capture_default_str();
    app.add_flag("--flush", line.flush, "Detach this instance's XDP programs, remove its pins, and exit");
    app.add_flag("--check", line.check, "Validate the configuration and exit");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? kStopped : kUsage;
    }
    try {
        return line.flush ? flush(line) : run(line);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return kRefused;
    }
}
