// SPDX-License-Identifier: BSD-2-Clause
//
// The flow table of one (port, queue) in a file that outlives the process: the next start takes it up, so
// that an upgrade or a crash breaks no connection. Written by the queue's worker only.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "aya/flow_file.hpp"
#include "aya/flow_load.h"

namespace aya
{

// One queue's flow table, wherever it is kept.
class FlowTable
{
public:
    virtual ~FlowTable() = default;
    virtual aya_flow_set *sets() const = 0;
    virtual u32 set_mask() const = 0;
    // Live flows of each backend in it.
    virtual std::span<aya_backend_load> loads() = 0;
    // Entries name ids of the tables with `identity`; if they named others, all are forgotten. Worker only.
    virtual void bind(u64 identity) noexcept = 0;
    // The worker sweeps it; `ticks`: the time, not cut to 16 bits. Worker only.
    virtual void swept(u64 ticks) noexcept = 0;
};

class FlowStore final : public FlowTable
{
public:
    // A power of two of sets. Reuses the file if it fits, else creates it again. Throws SegmentError.
    FlowStore(const std::string &path, u32 set_count, u32 queues, u64 now_ticks, u32 backends);

    aya_flow_set *sets() const override { return file_.at<aya_flow_set>(kFlowSetsOffset); }
    u32 set_mask() const override { return header()->set_count - 1; }
    std::span<aya_backend_load> loads() override { return loads_; }
    FlowFileHeader *header() const { return file_.at<FlowFileHeader>(0); }
    u64 taken_up() const { return taken_up_; } // flows that an earlier process left
    const std::string &path() const { return file_.path(); }

    void bind(u64 identity) noexcept override;
    void swept(u64 ticks) noexcept override { header()->last_tick = ticks; }
    void clear() noexcept;

private:
    bool open_existing(const std::string &path, u64 size);
    bool fits(u32 set_count, u32 queues, u64 now_ticks) const;
    void count_flows() noexcept;
    u64 sweep_all(u16 tick) noexcept;

    MappedFile file_;
    std::vector<aya_backend_load> loads_;
    u64 taken_up_ = 0;
};

} // namespace aya
