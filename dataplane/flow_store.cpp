// SPDX-License-Identifier: BSD-2-Clause
#include "flow_store.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "log.hpp"

namespace aya
{

namespace
{

constexpr long kHugetlbfsMagic = 0x958458f6;

u64 page_size(const std::string &path)
{
    struct statfs status = {};
    const std::string directory = path.substr(0, path.rfind('/'));
    if (::statfs(directory.c_str(), &status) == 0 && status.f_type == kHugetlbfsMagic)
        return static_cast<u64>(status.f_bsize);
    return 4096;
}

} // namespace

FlowStore::FlowStore(const std::string &path, u32 set_count, u32 queues, u64 now_ticks, u32 backends)
    : loads_(backends)
{
    const u64 page = page_size(path);
    const u64 size = (kFlowSetsOffset + u64{set_count} * sizeof(aya_flow_set) + page - 1) / page * page;
    if (open_existing(path, size) && fits(set_count, queues, now_ticks)) {
        count_flows();
        taken_up_ = sweep_all(static_cast<u16>(now_ticks));
        return;
    }
    file_ = MappedFile();
    ::unlink(path.c_str());
    file_ = MappedFile::create(path, size, "lower /dataplane/flows_per_worker");
    *header() = {kFlowsMagic, flows_layout_hash(), 0, now_ticks, set_count, queues, {}};
}

bool FlowStore::open_existing(const std::string &path, u64 size)
{
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0 || static_cast<u64>(status.st_size) != size)
        return false;
    try {
        file_ = MappedFile::open(path, MappedFile::Access::read_write);
    } catch (const SegmentError &error) {
        log_warning(error.what());
        return false;
    }
    return true;
}

bool FlowStore::fits(u32 set_count, u32 queues, u64 now_ticks) const
{
    const FlowFileHeader &h = *header();
    return h.magic == kFlowsMagic && h.layout_hash == flows_layout_hash() && h.set_count == set_count &&
           h.queues == queues && h.last_tick <= now_ticks && now_ticks - h.last_tick < kFlowsMaxAge;
}

// What an earlier process counted.
void FlowStore::count_flows() noexcept
{
    for (u32 i = 0; i <= set_mask(); i++)
        for (const aya_flow_entry &entry : sets()[i].way)
            if (aya_is_counted(&entry) && entry.backend < loads_.size())
                aya_load_add(&loads_[entry.backend], &entry);
}

u64 FlowStore::sweep_all(u16 tick) noexcept
{
    u64 live = 0;
    for (u32 i = 0; i <= set_mask(); i++)
        live += aya_sweep_counted(loads_.data(), static_cast<u32>(loads_.size()), &sets()[i], tick);
    return live;
}

void FlowStore::clear() noexcept
{
    std::fill(loads_.begin(), loads_.end(), aya_backend_load{});
    std::memset(static_cast<void *>(sets()), 0, (u64{set_mask()} + 1) * sizeof(aya_flow_set));
}

void FlowStore::bind(u64 identity) noexcept
{
    if (header()->tables_identity == identity)
        return;
    // A table that never met any tables is empty: nothing was forwarded without them.
    if (header()->tables_identity != 0)
        clear();
    header()->tables_identity = identity;
}

} // namespace aya
