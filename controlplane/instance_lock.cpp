// SPDX-License-Identifier: BSD-2-Clause
#include "instance_lock.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <sys/file.h>
#include <unistd.h>

namespace aya
{

InstanceLock::InstanceLock(const std::filesystem::path &file)
    : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644))
{
    if (fd_ < 0)
        throw std::runtime_error(file.string() + ": cannot open: " + std::strerror(errno));
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        char text[32] = {};
        const ssize_t length = ::pread(fd_, text, sizeof(text) - 1, 0);
        std::string holder(text, length > 0 ? static_cast<std::size_t>(length) : 0);
        holder.erase(holder.find_last_not_of('\n') + 1);
        ::close(fd_);
        throw std::runtime_error(
            file.string() + ": another aya-controlplane is running this instance, process " +
            (holder.empty() ? "unknown" : holder) + "; stop it first, or choose another --instance");
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, pid.data(), pid.size(), 0) < 0) {
        const std::string reason = std::strerror(errno);
        ::close(fd_);
        throw std::runtime_error(file.string() + ": cannot write: " + reason);
    }
}

InstanceLock::~InstanceLock()
{
    ::close(fd_);
}

} // namespace aya
