// SPDX-License-Identifier: BSD-2-Clause
// Tables in a shared-memory file, read by the data plane's workers.
#pragma once

#include <string>

#include "aya/segment.hpp"
#include "config/config.hpp"
#include "publish/dataplane_segment.hpp"
#include "publish/sink.hpp"

namespace aya
{

// Room in the tables for what the configuration allows: VIP hash at most half full, and an arena with space
// for every service's live, previous and next lookup table.
Capacities capacities_for(const Limits &limits);

class ShmSink final : public Sink
{
public:
    // Takes up `directory`/tables, or makes it; a new file gets its name with the first flip(), so that
    // no reader ever maps tables without a generation. Throws SegmentError if the file is foreign, truncated,
    // of another version or of other capacities. The caller holds the lock that makes it the only writer.
    ShmSink(const std::string &directory, const Capacities &capacities);
    ~ShmSink() override;

    const Capacities &capacities() const override { return capacities_; }
    const TableSlot &slot(u64 generation) const override { return slots_[generation & 1]; }
    u32 *lookup() const override { return lookup_; }
    u64 generation() const override;
    void prepare(u64 generation) override;
    void flip(u64 generation) override;
    bool quiescent() override;

    u64 identity() const;
    bool in_place() const { return in_place_; } // readers can open the file
    DataplaneSegment &dataplane() { return dataplane_; }

private:
    Capacities capacities_;
    std::string path_;
    MappedFile file_;
    DataplaneSegment dataplane_;
    std::array<TableSlot, 2> slots_{};
    aya_control *control_ = nullptr;
    u32 *lookup_ = nullptr;
    bool in_place_ = false;
};

} // namespace aya
