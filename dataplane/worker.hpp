// SPDX-License-Identifier: BSD-2-Clause
//
// One lcore's work: poll its queue of every port, process, send. Owns everything it writes.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "burst.hpp"
#include "flow_store.hpp"
#include "port.hpp"
#include "tables_view.hpp"
#include "xdp_share.hpp"

struct rte_ring;

namespace aya
{

constexpr u32 kPortRingSize = 1024; // of the ring from the kernel

// What the whole process shares about one port.
struct PortRings {
    PuntRings to_kernel{}; // nullptr: the port has no punt interface
    // To the worker that sends for those who have no TX queue of their own: the kernel, and workers beyond
    // the port's queues.
    rte_ring *to_port = nullptr;
};

class Worker
{
public:
    Worker(u32 index, u32 lcore, const std::atomic<const TablesSource *> &tables, WorkerLine &line,
           const WorkerCounters &counters, bool idle_backoff);

    // In order of the ports' indices. `flows`: of this worker's queue; empty if it receives nothing there.
    // `mode`: of the XDP program that shares the port.
    void add_port(const Port &port, const PortRings &rings, std::unique_ptr<FlowTable> flows,
                  const aya_xdp_mode *mode = nullptr);

    // Packets per second of class rest that go to the kernel: aya/punt.h. 0: no limit for any class.
    void limit_punts(u32 per_second) { context_.punt_limit = per_second; }
    // Before the run.
    void set_guards(const GuardState &guards) { cursor_.set_guards(guards); }
    // Adds the tables of this worker's queues.
    void list_flow_tables(std::vector<SiblingFlows> &tables) const;
    // All queues' tables, before the run.
    void set_siblings(std::span<const SiblingFlows> tables) { context_.siblings = tables; }

    // Runs on the worker's lcore until `stop`.
    void run(const std::atomic<bool> &stop) noexcept;

    // As of the last look: the devices of the port are as its `shift` says.
    bool follows(const Port &port) const noexcept
    {
        return shifts_[port.index()].load(std::memory_order_acquire) == port.shift();
    }

    u32 lcore() const { return lcore_; }
    const TablesCursor &cursor() const { return cursor_; }

private:
    struct alignas(AYA_CACHE_LINE) Lane {
        const Port *port = nullptr;
        PortQueue rx{};
        PortQueue tx{};
        bool receives = false;
        bool has_tx = false;
        bool closed = false;      // for now: its interface is gone
        bool serves_ring = false; // sends what others put into `to_port`
        aya_flow_set *sets = nullptr;
        u32 set_mask = 0;
        std::span<aya_backend_load> loads; // of the flow table
        PuntRings to_kernel{};
        rte_ring *to_port = nullptr;
        Outbox from_ring;    // taken from the ring, not yet sent
        u64 stuck_since = 0; // ns; 0: the driver takes what stands first in `from_ring`
        FlowTable *flows = nullptr;
        const aya_xdp_mode *mode = nullptr; // of the XDP program under the port; nullptr: there is none
        u32 swept = 0;                      // sets, so far
        aya_stations stations{};
    };

    u32 poll(u32 port) noexcept;
    void show_epoch() noexcept;
    const aya_view &enter_tables(std::span<aya_backend_load> loads) noexcept;
    void drop_burst(aya_reason reason) noexcept;
    void send_all() noexcept;
    void send(u32 port, Outbox &outbox) noexcept;
    void send_replies(u32 port) noexcept;
    u32 transmit(u32 port, rte_mbuf **packets, u32 count, u64 bytes) noexcept;
    u32 serve_ring(Lane &port) noexcept;
    u32 give_up_first(Lane &port) noexcept;
    void join_tables() noexcept;
    void follow_ports() noexcept;
    void take_devices(u32 port) noexcept;
    u32 lose_ring(Lane &port) noexcept;
    u8 refused_by(u32 port) const noexcept;
    void housekeep() noexcept;
    void sweep(Lane &port, u64 ticks) noexcept;
    void idle(u32 empty_turns) noexcept;

    u32 index_;
    u32 lcore_;
    bool idle_backoff_;
    WorkerLine &line_;
    TablesCursor cursor_;
    u64 next_housekeeping_ = 0; // TSC
    u64 housekeeping_cycles_;
    BurstContext context_;
    std::vector<Lane> ports_;
    std::array<Outbox, kMaxPorts> outboxes_;
    std::array<bool, kMaxPorts> sends_segments_{};
    std::array<std::atomic<u32>, kMaxPorts> shifts_{}; // of each port, as this worker has taken them over
    bool receives_ = false;                            // from some port
    Burst burst_;
    std::vector<std::unique_ptr<FlowTable>> flow_tables_;
};

} // namespace aya
