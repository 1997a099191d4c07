// SPDX-License-Identifier: BSD-2-Clause
// An instance: a name, the directories that belong to it alone, and one daemon of each kind.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace aya
{

struct Instance {
    std::string name = "default";
    // Where every instance has a directory of its own.
    std::string run_dir = "/run/aya";
    std::string state_dir = "/var/lib/aya";
    std::string bpf_dir = "/sys/fs/bpf/aya";

    std::filesystem::path run() const { return std::filesystem::path(run_dir) / name; }
    std::filesystem::path state() const { return std::filesystem::path(state_dir) / name; }
    std::filesystem::path pins() const; // in a BPF file system

    std::filesystem::path api_socket() const { return run() / "api.sock"; }
    std::filesystem::path state_file() const { return state() / "state.json"; }
};

// What is wrong with the name of an instance, as a line for people; empty: nothing.
std::string check_instance_name(const std::string &name);

// Segments in an instance's run directory.
std::string tables_file(const std::string &run_directory);
std::string dataplane_file(const std::string &run_directory);

// What an instance pins. A BPF file system allows no dots in names: they are written as colons.
constexpr const char *kPinnedPort = "port-";
std::string pin_name(std::string name);
std::string pinned_tables_directory(const std::string &pins);
std::string pinned_port_directory(const std::string &pins, const std::string &interface);

// Makes the directory, and those above it, unless they exist: mode 0755 whatever the umask, owned by the
// user who starts the daemon. It must be traversable, because group aya reaches the API's socket through it;
// the files in it have modes of their own. `option` says where it came from. Throws StartError.
void make_instance_directory(const std::filesystem::path &directory, std::string_view option);

// Held for as long as the object, or the process, lives: the kernel releases it however the process ends. The
// file stays, with the process id in it.
class InstanceLock
{
public:
    // `daemon`: "controlplane" or "dataplane". Makes the run directory. Throws StartError, which names the
    // process that holds the lock.
    InstanceLock(const Instance &instance, std::string_view daemon);
    ~InstanceLock();
    InstanceLock(const InstanceLock &) = delete;
    InstanceLock &operator=(const InstanceLock &) = delete;

private:
    int fd_ = -1;
};

} // namespace aya
