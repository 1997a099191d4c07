// SPDX-License-Identifier: BSD-2-Clause
// Tables in pinned BPF maps, read by the XDP program, and with path "auto" by the DPDK workers.
#pragma once

#include "loader.hpp"
#include "publish/dataplane_segment.hpp"
#include "publish/sink.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace aya
{

// Waits for RCU grace periods of the kernel in a thread of its own: the XDP program reads the tables inside a
// read-side section, so that after one no packet is on its way that saw what was before. Takes milliseconds.
class GracePeriod
{
public:
    GracePeriod(); // throws BpfError if the kernel cannot
    ~GracePeriod();
    GracePeriod(const GracePeriod &) = delete;
    GracePeriod &operator=(const GracePeriod &) = delete;

    void begin();      // a new one, from now on
    bool over() const; // the last one that was begun

private:
    void run();

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    u64 begun_ = 0;
    u64 over_ = 0;
    bool stop_ = false;
    std::thread thread_;
};

class BpfSink final : public Sink
{
public:
    // `directory`: of the instance, in a BPF file system. `dataplane_file`: the segment of a process that may
    // read these tables, too; need not exist. Throws BpfError.
    BpfSink(const std::string &directory, const std::string &dataplane_file, const Capacities &capacities);

    const Capacities &capacities() const override { return tables_.capacities(); }
    const TableSlot &slot(u64 generation) const override { return tables_.slot(generation); }
    u32 *lookup() const override { return tables_.lookup(); }
    u64 generation() const override;
    void prepare(u64 generation) override;
    void flip(u64 generation) override;
    bool quiescent() override;

    XdpTables &tables() { return tables_; }

private:
    XdpTables tables_;
    DataplaneSegment dataplane_;
    GracePeriod grace_;
};

} // namespace aya
