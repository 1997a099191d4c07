// SPDX-License-Identifier: BSD-2-Clause
#include "common/instance.hpp"

#include "aya/name.hpp"
#include "common/error.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace aya
{

namespace
{

// As the holder of the lock wrote it.
std::string holder_of(int fd)
{
    char text[32] = {};
    const ssize_t length = ::pread(fd, text, sizeof(text) - 1, 0);
    const long pid = length > 0 ? std::strtol(text, nullptr, 10) : 0;
    return pid > 0 ? "process " + std::to_string(pid) : "an unknown process";
}

} // namespace

std::filesystem::path Instance::pins() const
{
    return std::filesystem::path(bpf_dir) / pin_name(name);
}

std::string check_instance_name(const std::string &name)
{
    return is_name(name) ? "" : "an instance name has " + std::string(kNameRule);
}

std::string tables_file(const std::string &run_directory)
{
    return run_directory + "/tables";
}

std::string dataplane_file(const std::string &run_directory)
{
    return run_directory + "/dataplane";
}

std::string pin_name(std::string name)
{
    for (char &c : name)
        if (c == '.')
            c = ':';
    return name;
}

std::string pinned_tables_directory(const std::string &pins)
{
    return pins + "/tables";
}

std::string pinned_port_directory(const std::string &pins, const std::string &interface)
{
    return pins + "/" + kPinnedPort + pin_name(interface);
}

void make_instance_directory(const std::filesystem::path &directory, std::string_view option)
{
    const mode_t before = ::umask(S_IWGRP | S_IWOTH);
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    ::umask(before);
    if (error)
        throw StartError(directory.string() + ": cannot create: " + error.message() +
                         "; run as root, or choose another " + std::string(option));
}

InstanceLock::InstanceLock(const Instance &instance, std::string_view daemon)
{
    make_instance_directory(instance.run(), "--run-dir");
    const std::string path = (instance.run() / daemon).string() + ".lock";
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0)
        throw StartError::system(path + ": cannot open", errno);
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        const std::string holder = holder_of(fd_);
        ::close(fd_);
        if (error != EWOULDBLOCK)
            throw StartError::system(path + ": cannot lock", error);
        throw StartError(path + ": another aya-" + std::string(daemon) + " is running this instance (" +
                         holder + "); stop it, or choose another --instance");
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, pid.data(), pid.size(), 0) < 0) {
        const int error = errno;
        ::close(fd_);
        throw StartError::system(path + ": cannot write", error);
    }
}

InstanceLock::~InstanceLock()
{
    ::close(fd_);
}

} // namespace aya
