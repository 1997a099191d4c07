// SPDX-License-Identifier: BSD-2-Clause
// Writes a data plane's segment, in the way that a data plane does: under a temporary name, then renamed.
#pragma once

#include "aya/segment.hpp"
#include "common/clock.hpp"

#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>

namespace aya::test
{

class DataplaneWriter
{
public:
    DataplaneWriter(const std::string &path, const Capacities &capacities, u32 workers)
        : path_(path), layout_(capacities, workers), workers_(workers), capacities_(capacities),
          file_(MappedFile::create(path + ".new", layout_.size, "test less"))
    {
        *file_.at<SegmentHeader>(0) = {.magic = kDataplaneMagic,
                                       .abi_version = AYA_ABI_VERSION,
                                       .header_size = sizeof(SegmentHeader),
                                       .layout_hash = layout_hash(),
                                       .size = layout_.size,
                                       .identity = monotonic_ns(),
                                       .owner_pid = static_cast<u32>(::getpid()),
                                       .worker_count = workers,
                                       .capacities = capacities,
                                       .started_ns = monotonic_ns(),
                                       .tables_identity = 0,
                                       .reserved = {}};
        std::rename((path + ".new").c_str(), path.c_str());
        for (u32 i = 0; i < workers; i++)
            worker(i).state.store(WorkerState::running);
        beat();
    }

    struct Port {
        std::string interface;
        std::string punt;
        u8 mark = 1; // last byte of its MAC
    };

    void add_port(const Port &port)
    {
        PortLine &line = file_.at<PortLine>(layout_.ports)[ports_];
        std::snprintf(line.name, sizeof(line.name), "net_test%u", ports_);
        port.interface.copy(line.interface, sizeof(line.interface) - 1);
        port.punt.copy(line.punt, sizeof(line.punt) - 1);
        line.mac[0] = 0x02;
        line.mac[5] = port.mark;
        line.mtu = 1500;
        line.queues = static_cast<u16>(workers_);
        line.present = 1;
        ports_++;
    }

    void set_port_state(u32 index, PortState state)
    {
        PortLine &line = file_.at<PortLine>(layout_.ports)[index];
        line.state = state;
        line.present = state != PortState::gone;
    }
    void set_losses(u32 port, const PortLosses &losses)
    {
        file_.at<PortLosses>(layout_.port_losses)[port] = losses;
    }

    void beat()
    {
        for (u32 i = 0; i < workers_; i++)
            worker(i).heartbeat_ns.store(monotonic_ns());
    }
    void set_heartbeat_age(u32 index, u64 age_ns)
    {
        const u64 now = monotonic_ns();
        worker(index).heartbeat_ns.store(now > age_ns ? now - age_ns : 0);
    }
    void set_epoch(u32 index, u64 epoch) { worker(index).epoch.store(epoch); }
    void set_pid(u32 pid) { file_.at<SegmentHeader>(0)->owner_pid = pid; }
    void set_tables(u64 identity) { file_.at<SegmentHeader>(0)->tables_identity = identity; }
    void remove() { ::unlink(path_.c_str()); }

    void count_service(u32 w, u32 id, const ServiceCounters &value)
    {
        file_.at<ServiceCounters>(layout_.service_counters)[u64{w} * capacities_.services + id] = value;
    }
    void count_backend(u32 w, u32 id, const BackendCounters &value)
    {
        file_.at<BackendCounters>(layout_.backend_counters)[u64{w} * capacities_.backends + id] = value;
    }
    void count_received(u32 w, u64 received, u64 sent)
    {
        WorkerTotals &totals = file_.at<WorkerTotals>(layout_.totals)[w];
        totals.rx_packets = received;
        totals.tx_packets = sent;
    }
    aya_refusals &refusals(u32 w) { return file_.at<aya_refusals>(layout_.refusals)[w]; }
    void count_reason(u32 w, u32 reason, u64 value)
    {
        file_.at<WorkerTotals>(layout_.totals)[w].reasons[reason] = value;
    }

private:
    WorkerLine &worker(u32 index) { return file_.at<WorkerLine>(layout_.workers)[index]; }

    std::string path_;
    DataplaneLayout layout_;
    u32 workers_;
    Capacities capacities_;
    MappedFile file_;
    u32 ports_ = 0;
};

} // namespace aya::test
