// SPDX-License-Identifier: BSD-2-Clause
//
// What makes this process the one data plane of its instance: the lock, and the segment that it writes.
#pragma once

#include <string>
#include <vector>

#include "aya/segment.hpp"
#include "counters.hpp"
#include "port.hpp"

namespace aya
{

// CLOCK_MONOTONIC.
u64 monotonic_ns();

// flock on the instance's lock file. The file stays; the lock goes with the process, however it ends.
class InstanceLock
{
public:
    // Creates the directory if needed. Throws StartError naming the process that has the lock.
    explicit InstanceLock(const std::string &directory);
    ~InstanceLock();
    InstanceLock(const InstanceLock &) = delete;
    InstanceLock &operator=(const InstanceLock &) = delete;

private:
    int fd_ = -1;
};

// Written under a temporary name, so that no reader meets half a segment, and renamed into place by
// publish().
class DataplaneSegment
{
public:
    DataplaneSegment(const std::string &directory, const Capacities &capacities, u32 worker_count);

    void set_port(const Port &port, u32 punt_ifindex);
    void publish();
    // Must be visible before a worker reads the tables with this identity.
    void set_tables_identity(u64 identity);

    WorkerLine &worker(u32 index) const { return file_.at<WorkerLine>(layout_.workers)[index]; }
    Counters counters(u32 worker) const;

private:
    std::string path_;
    DataplaneLayout layout_;
    MappedFile file_;
    SegmentHeader *header_;
};

} // namespace aya
