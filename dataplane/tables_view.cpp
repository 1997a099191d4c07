// SPDX-License-Identifier: BSD-2-Clause
#include "tables_view.hpp"

#include <algorithm>
#include <utility>

#include <sys/stat.h>

#include "log.hpp"

namespace aya
{

namespace
{

constexpr aya_control kNoControl{};
constexpr aya_settings kNoSettings{};
constexpr aya_vip kNoVip{}; // protocol 0 ends every search

u64 inode_of(const std::string &path)
{
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

} // namespace

TablesSource::TablesSource() : control(&kNoControl)
{
    aya_view nothing{};
    nothing.settings = &kNoSettings;
    nothing.vips = &kNoVip;
    nothing.vip_count = 1;
    views.fill(nothing);
}

TablesSource::TablesSource(std::unique_ptr<TablesReader> reader)
    : identity(reader->header().identity), views{reader->view(0), reader->view(1)}, reader_(std::move(reader))
{
    const TablesLayout layout(reader_->header().capacities);
    control = reader_->file().at<const aya_control>(layout.control);
}

TablesSource::TablesSource(std::unique_ptr<PinnedTables> pinned)
    : identity(pinned->header().identity),
      control(&pinned->control()), views{pinned->view(0), pinned->view(1)}, pinned_(std::move(pinned))
{
}

u64 TablesCursor::join() noexcept
{
    // The publisher flips, fences and looks at epochs; we set ours, fence and look for a flip. One of the two
    // sees the other, so that the slot which is read here is never the one that is being written.
    const TablesSource *source = current_.load(std::memory_order_acquire);
    u64 generation = __atomic_load_n(&source->control->generation, __ATOMIC_ACQUIRE);
    for (;;) {
        epoch_.store(generation, std::memory_order_release);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        const u64 again = __atomic_load_n(&source->control->generation, __ATOMIC_ACQUIRE);
        if (again == generation)
            break;
        generation = again;
    }
    source_ = source;
    views_ = source->views;
    for (aya_view &view : views_) {
        view.own = counters_.data();
        view.own_count = static_cast<u32>(counters_.size());
        view.buckets = guards_.buckets.data();
        view.bucket_count = static_cast<u32>(guards_.buckets.size());
        view.source_buckets = guards_.source_buckets;
        view.refusals = guards_.refusals;
        view.reasons = guards_.reasons;
    }
    reported_ = generation;
    generation_ = kNotEntered;
    adopted_.store(source, std::memory_order_release);
    return source->identity;
}

TablesView::TablesView(std::string path, Kind kind) : path_(std::move(path)), kind_(kind)
{
    if (inode_of(path_) != 0) {
        pending_ = open();
        publish();
    }
}

std::unique_ptr<TablesSource> TablesView::open()
{
    if (kind_ == Kind::pinned) {
        const u64 inode = inode_of(path_);
        auto pinned = std::make_unique<PinnedTables>(path_);
        inode_ = inode;
        capacities_ = pinned->header().capacities;
        return std::make_unique<TablesSource>(std::move(pinned));
    }
    auto reader = std::make_unique<TablesReader>(path_);
    inode_ = reader->file().inode();
    capacities_ = reader->header().capacities;
    return std::make_unique<TablesSource>(std::move(reader));
}

bool TablesView::find()
{
    const u64 inode = inode_of(path_);
    if (inode == 0 || inode == inode_)
        return false;
    try {
        pending_ = open();
        complaint_.clear();
        return true;
    } catch (const SegmentError &error) {
        // A file of another version, or one that is being made: go on with what there is, and look again.
        if (complaint_ != error.what()) {
            complaint_ = error.what();
            log_error(complaint_ + "; forwarding continues with the earlier tables");
        }
        return false;
    }
}

void TablesView::publish()
{
    retired_.push_back(std::exchange(newest_, std::move(pending_)));
    current_.store(newest_.get(), std::memory_order_seq_cst);
}

void TablesView::reclaim(const std::vector<const TablesCursor *> &cursors)
{
    const TablesSource *newest = newest_.get();
    const auto uses_newest = [newest](const TablesCursor *cursor) { return cursor->adopted() == newest; };
    if (!retired_.empty() && std::all_of(cursors.begin(), cursors.end(), uses_newest))
        retired_.clear();
}

} // namespace aya
