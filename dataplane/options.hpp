// SPDX-License-Identifier: BSD-2-Clause
//
// Command line and the "dataplane" section of the configuration file. Read once at start; nothing here is
// looked at on the packet path. docs/configuration.md explains every key.
#pragma once

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "aya/shm.hpp"
#include "aya/types.h"
#include "log.hpp"

namespace aya
{

// Start refused. The text is one line: where, what was found, what is allowed, what to do.
class StartError : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

// A kernel interface named alone, neither a PCI device nor one that DPDK makes.
bool names_interface(const std::string &device);

using MacBytes = std::array<u8, 6>;

struct PortOptions {
    std::string device; // PCI address, "net_xxx0,args", or the name of a kernel interface
    std::string punt;   // empty: nothing goes to the kernel
    std::optional<u32> queues;
    std::optional<u32> mtu;
    std::optional<MacBytes> mac;
};

enum class PathOption { dpdk, automatic };

struct DataplaneOptions {
    PathOption path = PathOption::dpdk;
    std::vector<u32> workers; // lcore numbers
    std::optional<u32> main_lcore;
    u32 flows_per_worker = 1u << 20; // a power of two
    std::vector<PortOptions> ports;
    bool idle_backoff = true;
    bool huge_pages = true;
    u64 memory = u64{512} << 20; // bytes
    std::optional<u32> mbufs;    // packet buffers; absent: what the ports' rings need
    std::vector<std::string> eal;

    // Ports are kernel interfaces under the XDP program, which forwards wherever this process does not.
    bool over_xdp() const;
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

// Reads the "dataplane" section of a configuration text. Every error is one line
// "FILE: POINTER: found ...; allowed: ..." in `errors`; the result is good only if there is none.
DataplaneOptions parse_dataplane_options(std::string_view text, const std::string &file,
                                         std::vector<std::string> &errors);

// The same from a file, which may be missing or unreadable.
DataplaneOptions load_dataplane_options(const std::string &file, std::vector<std::string> &errors);

} // namespace aya
