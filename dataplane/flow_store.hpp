// SPDX-License-Identifier: BSD-2-Clause
//
// The flow table of one (port, queue) in a file that outlives the process: the next start takes it up, so
// that an upgrade or a crash breaks no connection. Written by the queue's worker only.
#pragma once

#include <string>

#include "aya/flow_table.h"
#include "aya/segment.hpp"

namespace aya
{

constexpr u64 kFlowsMagic = 0x31776f6c66617961; // "ayaflow1"

struct FlowStoreHeader {
    u64 magic;
    u64 layout_hash;
    u64 tables_identity; // ids in entries are those of this tables segment; 0: none yet
    u64 last_tick; // not cut to 16 bits, when last swept: what is older than AYA_MAX_IDLE has no meaning
    u32 set_count;
    u32 queues; // of the port: with another number, flows arrive at other queues
    u64 unused[3];
};
static_assert(sizeof(FlowStoreHeader) == 64);

// Where flow tables are kept. Huge pages if `huge_pages` and some hugetlbfs is mounted, else the instance's
// directory.
std::string flow_store_path(const std::string &instance_dir, const std::string &instance, u32 port, u32 queue,
                            bool huge_pages);

// One queue's flow table, wherever it is kept.
class FlowTable
{
public:
    virtual ~FlowTable() = default;
    virtual aya_flow_set *sets() const = 0;
    virtual u32 set_mask() const = 0;
    // Entries name ids of the tables with `identity`; if they named others, all are forgotten. Worker only.
    virtual void bind(u64 identity) noexcept = 0;
    // The worker sweeps it; `ticks`: the time, not cut to 16 bits. Worker only.
    virtual void swept(u64 ticks) noexcept = 0;
};

class FlowStore final : public FlowTable
{
public:
    // A power of two of sets. Reuses the file if it fits, else creates it again. Throws SegmentError.
    FlowStore(const std::string &path, u32 set_count, u32 queues, u64 now_ticks);

    aya_flow_set *sets() const override { return file_.at<aya_flow_set>(kSetsOffset); }
    u32 set_mask() const override { return header()->set_count - 1; }
    FlowStoreHeader *header() const { return file_.at<FlowStoreHeader>(0); }
    u64 taken_up() const { return taken_up_; } // flows that an earlier process left
    const std::string &path() const { return file_.path(); }

    void bind(u64 identity) noexcept override;
    void swept(u64 ticks) noexcept override { header()->last_tick = ticks; }
    void clear() noexcept;

private:
    static constexpr u64 kSetsOffset = 4096;
    bool open_existing(const std::string &path, u64 size);
    bool fits(u32 set_count, u32 queues, u64 now_ticks) const;
    u64 sweep_all(u16 tick) noexcept;

    MappedFile file_;
    u64 taken_up_ = 0;
};

} // namespace aya
