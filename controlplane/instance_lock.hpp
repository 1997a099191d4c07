// SPDX-License-Identifier: BSD-2-Clause
// One control plane an instance.
#pragma once

#include <filesystem>

namespace aya
{

// Holds the lock for as long as the object, or the process, lives: the kernel lets go of it however that
// ends.
class InstanceLock
{
public:
    // Throws std::runtime_error, which names the process that holds the lock.
    explicit InstanceLock(const std::filesystem::path &file);
    ~InstanceLock();
    InstanceLock(const InstanceLock &) = delete;
    InstanceLock &operator=(const InstanceLock &) = delete;

private:
    int fd_;
};

} // namespace aya
