// SPDX-License-Identifier: BSD-2-Clause
#include "xdp_share.hpp"

#include <ctime>

#include <sys/stat.h>

#include "common/instance.hpp"
#include "log.hpp"

namespace aya
{

namespace
{

constexpr long kLookAgainNs = 100'000'000;

u64 inode_of(const std::string &path)
{
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

} // namespace

std::unique_ptr<XdpShare> XdpShare::join(const std::string &directory, const std::string &interface,
                                         const std::atomic<bool> &stop)
{
    const std::string port = pinned_port_directory(directory, interface);
    // The directory has its name once all in it is in place.
    for (bool said = false; inode_of(port) == 0; said = true) {
        if (!said)
            log_info(interface + ": waiting for aya-controlplane to attach the XDP program (path \"auto\", " +
                     port + ")");
        if (stop.load(std::memory_order_relaxed))
            return nullptr;
        const timespec nap{0, kLookAgainNs};
        ::nanosleep(&nap, nullptr);
    }
    return std::unique_ptr<XdpShare>(new XdpShare(port, interface));
}

XdpShare::XdpShare(const std::string &directory, const std::string &interface)
    : record_path_(directory + "/record"), inode_(inode_of(record_path_))
{
    record_ = PinnedMap::array<XdpPortRecord>(record_path_, MappedFile::Access::read_only, 1);
    if (record()->layout_hash != xdp_layout_hash())
        throw SegmentError(directory + ": the XDP program of " + interface +
                           " comes from another build; run both daemons from one build");
    flows_ = PinnedMap::array<aya_flow_set>(directory + "/flows", MappedFile::Access::read_write,
                                            u64{queues()} * flow_sets());
    flow_loads_ = PinnedMap::array<aya_backend_load>(
        directory + "/flow_loads", MappedFile::Access::read_write, u64{queues()} * record()->backends);
    mode_ = PinnedMap::array<aya_xdp_mode>(directory + "/mode", MappedFile::Access::read_only, 1);
    xsks_map_ = PinnedMap::open(directory + "/xsks_map");
}

void XdpShare::leave() const
{
    for (u32 queue = 0; queue < queues(); queue++)
        xsks_map_.erase(queue);
}

bool XdpShare::replaced() const
{
    const u64 now = inode_of(record_path_);
    return now != 0 && now != inode_;
}

} // namespace aya
