// SPDX-License-Identifier: BSD-2-Clause
// The data plane's segment, written as the contract of shm.hpp has it.
#pragma once

#include <cstdio>
#include <string>
#include <unistd.h>

#include "aya/segment.hpp"
#include "common/clock.hpp"

namespace aya::test
{

class DataplaneFile
{
public:
    DataplaneFile(const std::string &directory, u32 workers, u64 tables_identity)
        : capacities_{.services = 1, .backends = 1, .vips = 2, .lookup_slots = 16},
          layout_(capacities_, workers)
    {
        const std::string name = directory + "/dataplane";
        const std::string unnamed = name + "." + std::to_string(::getpid());
        ::unlink(unnamed.c_str());
        file_ = MappedFile::create(unnamed, layout_.size, "test less");
        header() = {.magic = kDataplaneMagic,
                    .abi_version = AYA_ABI_VERSION,
                    .header_size = sizeof(SegmentHeader),
                    .layout_hash = layout_hash(),
                    .size = layout_.size,
                    .identity = monotonic_ns(),
                    .owner_pid = static_cast<u32>(::getpid()),
                    .worker_count = workers,
                    .capacities = capacities_,
                    .started_ns = monotonic_ns(),
                    .tables_identity = tables_identity,
                    .reserved = {}};
        if (::rename(unnamed.c_str(), name.c_str()) != 0)
            throw SegmentError(name + ": cannot be put in place");
    }

    SegmentHeader &header() { return *file_.at<SegmentHeader>(0); }
    WorkerLine &worker(u32 index) { return file_.at<WorkerLine>(layout_.workers)[index]; }

    // Before the worker's first look at the generation.
    void join(u32 index)
    {
        worker(index).epoch.store(0);
        beat(index);
        worker(index).state.store(WorkerState::running, std::memory_order_seq_cst);
    }
    void beat(u32 index) { worker(index).heartbeat_ns.store(monotonic_ns(), std::memory_order_relaxed); }

private:
    Capacities capacities_;
    DataplaneLayout layout_;
    MappedFile file_;
};

} // namespace aya::test
