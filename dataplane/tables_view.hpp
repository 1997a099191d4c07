// SPDX-License-Identifier: BSD-2-Clause
//
// The control plane's tables as this process sees them. The main lcore finds and maps the file; each worker
// reads it through a cursor of its own, which is the read side of the RCU described in aya/shm.hpp.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aya/pinned.hpp"
#include "aya/segment.hpp"

namespace aya
{

// What workers read from: a mapped segment, or nothing yet. Immutable once a worker may see it.
struct TablesSource {
    TablesSource(); // no tables: no VIP is found, so everything is punted and the box stays reachable
    explicit TablesSource(std::unique_ptr<TablesReader> reader);
    explicit TablesSource(std::unique_ptr<PinnedTables> pinned);
    TablesSource(const TablesSource &) = delete;
    TablesSource &operator=(const TablesSource &) = delete;

    u64 identity = 0; // 0: no tables
    const aya_control *control = nullptr;
    std::array<aya_view, 2> views{};

private:
    std::unique_ptr<TablesReader> reader_;
    std::unique_ptr<PinnedTables> pinned_;
};

// What the guards of services keep: aya/guard.h. Of all workers, except for the ring.
struct GuardState {
    std::span<aya_buckets> buckets;
    u64 *source_buckets = nullptr; // 2 * AYA_SOURCE_BUCKETS
    aya_refusals *refusals = nullptr;
    u64 *reasons = nullptr; // counters of the worker
};

// A worker's place in the tables. One writer: the worker.
class TablesCursor
{
public:
    // `epoch` and `counters` are the worker's own in the dataplane segment.
    TablesCursor(const std::atomic<const TablesSource *> &current, std::atomic<u64> &epoch,
                 std::span<aya_service_counters> counters = {})
        : current_(current), epoch_(epoch), counters_(counters)
    {
    }

    // Before the first join().
    void set_guards(const GuardState &guards) { guards_ = guards; }

    // The clock of limits.
    void set_clock(u64 now_ns) noexcept { now_ns_ = now_ns; }

    // True if the main lcore has mapped other tables: call join() before the next enter().
    bool outdated() const noexcept { return current_.load(std::memory_order_acquire) != source_; }
    // Takes the newest source. Returns its identity. After this, no pointer of the old one may be used.
    u64 join() noexcept;

    // The view for one burst from a queue with these loads. Good until leave().
    const aya_view &enter(std::span<aya_backend_load> loads = {}) noexcept
    {
        const u64 generation = __atomic_load_n(&source_->control->generation, __ATOMIC_ACQUIRE);
        changed_ = generation != generation_;
        generation_ = generation;
        aya_view &view = views_[generation & 1];
        view.loads = loads.data();
        view.load_count = static_cast<u32>(loads.size());
        view.now_ns = now_ns_;
        return view;
    }

    // Whether the last enter() found other tables than the one before: nothing learnt from those holds.
    bool changed() const noexcept { return changed_; }

    // Whether this worker slept for so long that it was given up for dead, and the slot that it reads was, or
    // is being, written again. Then nothing that came of it may get out.
    bool overtaken() const noexcept { return was_overwritten(*source_->control, generation_); }

    // Everything read under earlier generations is done with.
    void leave() noexcept
    {
        if (reported_ != generation_) {
            reported_ = generation_;
            epoch_.store(generation_, std::memory_order_release);
        }
    }

    // Main lcore: the source that the worker uses.
    const TablesSource *adopted() const noexcept { return adopted_.load(std::memory_order_acquire); }

private:
    const std::atomic<const TablesSource *> &current_;
    std::atomic<u64> &epoch_;
    std::span<aya_service_counters> counters_;
    GuardState guards_;
    u64 now_ns_ = 0;
    const TablesSource *source_ = nullptr;
    std::array<aya_view, 2> views_{}; // of the source, for this worker
    static constexpr u64 kNotEntered = ~u64{0};

    u64 generation_ = kNotEntered;
    bool changed_ = true;
    u64 reported_ = 0;
    std::atomic<const TablesSource *> adopted_{nullptr};
};

// Main lcore's side: finds the file, follows a recreated one, unmaps what no worker uses any more.
class TablesView
{
public:
    enum class Kind { file, pinned };

    // A file, or a directory of pinned maps. Throws SegmentError if something is there that this program must
    // not read.
    explicit TablesView(std::string path, Kind kind = Kind::file);

    const std::atomic<const TablesSource *> &current() const { return current_; }
    u64 identity() const { return newest_->identity; }
    const Capacities *capacities() const { return capacities_ ? &*capacities_ : nullptr; }

    // Looks for a new file. True: `pending()` holds one, which publish() shows to the workers.
    bool find();
    u64 pending_identity() const { return pending_->identity; }
    void publish();
    // Unmaps old sources that all of `cursors` have left.
    void reclaim(const std::vector<const TablesCursor *> &cursors);

private:
    std::unique_ptr<TablesSource> open();

    std::string path_;
    Kind kind_;
    std::unique_ptr<TablesSource> newest_ = std::make_unique<TablesSource>();
    std::unique_ptr<TablesSource> pending_;
    std::vector<std::unique_ptr<TablesSource>> retired_;
    std::atomic<const TablesSource *> current_{newest_.get()};
    std::optional<Capacities> capacities_;
    u64 inode_ = 0;
    std::string complaint_; // said once
};

} // namespace aya
