// SPDX-License-Identifier: BSD-2-Clause
#include "pins.hpp"

#include "aya/pinned.hpp"
#include "common/ethtool/vlan_tags.hpp"
#include "common/instance.hpp"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bpf_array.hpp"

namespace aya::pins
{

namespace
{

constexpr const char *kMountPoint = "/sys/fs/bpf";

// Of the nearest directory that exists.
bool lies_in_bpf_fs(std::string directory)
{
    struct statfs status = {};
    while (::statfs(directory.c_str(), &status) != 0) {
        const auto slash = directory.rfind('/');
        if (errno != ENOENT || slash == std::string::npos || slash == 0)
            return false;
        directory.erase(slash);
    }
    return static_cast<u64>(status.f_type) == BPF_FS_MAGIC;
}

[[noreturn]] void fail(const std::string &what)
{
    throw BpfError(bpf_failure(what, errno));
}

} // namespace

bool prepare(const std::string &directory)
{
    if (lies_in_bpf_fs(directory))
        return false;
    if (!directory.starts_with(kMountPoint))
        throw BpfError(directory + ": not in a BPF file system; mount one: mount -t bpf bpf DIRECTORY");
    if (::mount("bpf", kMountPoint, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0)
        fail(std::string(kMountPoint) + ": there is no BPF file system, and none could be mounted");
    return true;
}

bool exists(const std::string &path)
{
    return ::access(path.c_str(), F_OK) == 0;
}

void make_directory(const std::string &path)
{
    for (auto slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string part = path.substr(0, slash);
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
            fail(part + ": cannot create");
        if (slash == std::string::npos)
            return;
    }
}

void rename(const std::string &from, const std::string &to)
{
    if (::rename(from.c_str(), to.c_str()) != 0)
        fail(to + ": cannot be put in place");
}

std::vector<std::string> list(const std::string &directory)
{
    std::vector<std::string> names;
    if (DIR *open = ::opendir(directory.c_str())) {
        while (const dirent *entry = ::readdir(open))
            if (entry->d_name[0] != '.')
                names.emplace_back(entry->d_name);
        ::closedir(open);
    }
    std::sort(names.begin(), names.end());
    return names;
}

void remove_directory(const std::string &directory)
{
    for (const std::string &name : list(directory))
        if (const std::string pin = directory + "/" + name; ::unlink(pin.c_str()) != 0)
            fail(pin + ": cannot be removed");
    if (::rmdir(directory.c_str()) != 0 && errno != ENOENT)
        fail(directory + ": cannot be removed");
}

namespace
{

void restore_offload(const std::string &directory)
{
    const std::string interface = interface_of(directory.substr(directory.rfind('/') + 1));
    if (const std::string pin = directory + "/record"; !interface.empty() && exists(pin)) {
        const BpfArray record = BpfArray::open(pin, sizeof(XdpPortRecord), 1);
        restore_vlan_offload(interface, record.at<XdpPortRecord>()->vlan_offload);
    }
}

} // namespace

// Explicitly, because a link whose last pin is removed detaches some time later only.
void remove_port(const std::string &directory)
{
    if (const std::string pin = directory + "/link"; exists(pin)) {
        const BpfHandle link = BpfHandle::open(pin);
        const int error = bpf_link_detach(link.fd());
        if (error && error != -ENOLINK && error != -ENODEV)
            throw BpfError(bpf_failure(pin + ": cannot be detached", -error));
        restore_offload(directory);
    }
    remove_directory(directory);
}

std::string interface_of(const std::string &directory_name)
{
    if (!directory_name.starts_with(kPinnedPort) || directory_name.ends_with(kUnfinished))
        return {};
    std::string name = directory_name.substr(std::strlen(kPinnedPort));
    std::replace(name.begin(), name.end(), ':', '.');
    return name;
}

UnfinishedDirectory::UnfinishedDirectory(std::string path) : path_(std::move(path))
{
    remove_port(path_);
    make_directory(path_);
}

UnfinishedDirectory::~UnfinishedDirectory()
try {
    if (!path_.empty())
        remove_port(path_);
} catch (const BpfError &) {
    // The next start tries again.
}

void UnfinishedDirectory::put_in_place(const std::string &path)
{
    rename(path_, path);
    path_.clear();
}

std::vector<std::string> flush(const std::string &instance_directory)
{
    std::vector<std::string> lines;
    for (const std::string &name : list(instance_directory)) {
        const std::string directory = instance_directory + "/" + name;
        const bool attached = exists(directory + "/link");
        remove_port(directory);
        lines.push_back(directory + (attached ? ": detached and removed" : ": removed"));
    }
    if (::rmdir(instance_directory.c_str()) != 0 && errno != ENOENT)
        fail(instance_directory + ": cannot be removed");
    return lines;
}

} // namespace aya::pins
