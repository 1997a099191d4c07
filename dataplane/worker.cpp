// SPDX-License-Identifier: BSD-2-Clause
#include "worker.hpp"

#include <algorithm>
#include <ctime>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/clock.hpp"

namespace aya
{

namespace
{

constexpr u32 kTurnsBetweenClockReads = 32; // a power of two
constexpr u64 kHousekeepingPerSecond = 1000;
// A whole flow table is swept in about five minutes, whatever its size.
constexpr u32 kSweepsPerTable = 300 * static_cast<u32>(kHousekeepingPerSecond);
constexpr u32 kEmptyTurnsBeforeSleep = 512;
constexpr long kIdleSleepNs = 60'000;
constexpr u64 kPatienceNs = 10'000'000; // with a frame from the kernel that the driver does not take

u64 bytes_of(rte_mbuf *const *packets, u32 count)
{
    u64 bytes = 0;
    for (u32 i = 0; i < count; i++)
        bytes += packets[i]->pkt_len;
    return bytes;
}

} // namespace

Worker::Worker(u32 index, u32 lcore, const std::atomic<const TablesSource *> &tables, WorkerLine &line,
               const WorkerCounters &counters, bool idle_backoff)
    : index_(index), lcore_(lcore), idle_backoff_(idle_backoff), line_(line),
      cursor_(tables, line.epoch, {counters.services, counters.service_count}),
      housekeeping_cycles_(rte_get_tsc_hz() / kHousekeepingPerSecond)
{
    context_.counters = counters;
    context_.outboxes = outboxes_.data();
    context_.sends_segments = sends_segments_.data();
}

void Worker::add_port(const Port &port, const PortRings &rings, std::unique_ptr<FlowTable> flows,
                      const aya_xdp_mode *mode)
{
    Lane state;
    state.port = &port;
    state.serves_ring = index_ == 0;
    state.to_kernel = rings.to_kernel;
    state.to_port = rings.to_port;
    if (flows) {
        state.sets = flows->sets();
        state.set_mask = flows->set_mask();
        state.loads = flows->loads();
        state.flows = flows.get();
        state.mode = mode;
        flow_tables_.push_back(std::move(flows));
    }
    ports_.push_back(state);
    context_.port_count = static_cast<u32>(ports_.size());
    take_devices(context_.port_count - 1);
}

// Devices of a port that was opened again, or none while it is closed. Between two turns, so that nothing is
// held for or from the old ones.
void Worker::take_devices(u32 index) noexcept
{
    Lane &lane = ports_[index];
    const u32 shift = lane.port->shift();
    lane.closed = shift % 2 != 0;
    const auto rx = lane.closed ? std::nullopt : lane.port->rx(index_);
    const auto tx = lane.closed ? std::nullopt : lane.port->tx(index_);
    lane.receives = rx.has_value();
    lane.rx = rx.value_or(PortQueue{});
    lane.has_tx = tx.has_value();
    lane.tx = tx.value_or(PortQueue{});
    if (!lane.closed)
        sends_segments_[index] = lane.port->sends_segments();
    if (lane.mode == nullptr) // else the XDP program has looked already
        lane.stations = lane.port->stations();
    receives_ = std::any_of(ports_.begin(), ports_.end(), [](const Lane &each) { return each.receives; });
    shifts_[index].store(shift, std::memory_order_release);
}

void Worker::follow_ports() noexcept
{
    for (u32 i = 0; i < context_.port_count; i++)
        if (AYA_UNLIKELY(!follows(*ports_[i].port)))
            take_devices(i);
}

void Worker::list_flow_tables(std::vector<SiblingFlows> &tables) const
{
    for (const auto &flows : flow_tables_)
        tables.push_back({.sets = flows->sets(), .set_mask = flows->set_mask()});
}

void Worker::run(const std::atomic<bool> &stop) noexcept
{
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    line_.lcore = lcore_;
    line_.tid = static_cast<u32>(::gettid());
    join_tables();
    housekeep();
    // Ordered before the first look at the generation: a publisher that does not see us running is seen by
    // us.
    line_.state.store(WorkerState::running, std::memory_order_seq_cst);

    const u32 port_count = context_.port_count;
    u32 empty_turns = 0;
    for (u32 turn = 1; !stop.load(std::memory_order_relaxed); turn++) {
        u32 packets = 0;
        for (u32 port = 0; port < port_count; port++)
            packets += poll(port);
        if (AYA_UNLIKELY(!receives_))
            show_epoch();
        if (turn % kTurnsBetweenClockReads == 0 && rte_rdtsc() >= next_housekeeping_)
            housekeep();
        if (packets != 0)
            empty_turns = 0;
        else if (idle_backoff_)
            idle(++empty_turns);
    }
    for (Lane &port : ports_) {
        if (port.serves_ring) // it has one consumer
            serve_ring(port);
        rte_pktmbuf_free_bulk(port.from_ring.packets, port.from_ring.count);
    }
    line_.state.store(WorkerState::stopped, std::memory_order_release);
}

// One turn for one port; answers how many packets there were.
u32 Worker::poll(u32 index) noexcept
{
    Lane &port = ports_[index];
    WorkerTotals &totals = *context_.counters.totals;
    u32 others = 0;
    if (port.serves_ring)
        others = serve_ring(port);
    if (!port.receives)
        return others;
    burst_.count = rte_eth_rx_burst(port.rx.port_id, port.rx.queue_id, burst_.mbuf, kBurst);
    context_.view = &enter_tables(port.loads);
    if (burst_.count == 0) {
        cursor_.leave();
        totals.empty_polls++;
        return others;
    }
    totals.busy_polls++;
    totals.rx_packets += burst_.count;
    if (AYA_UNLIKELY(port.mode && __atomic_load_n(&port.mode->bypass_sockets, __ATOMIC_RELAXED))) {
        totals.rx_bytes += bytes_of(burst_.mbuf, burst_.count);
        drop_burst(AYA_REASON_TAKEN_OVER);
        cursor_.leave();
        return others + burst_.count;
    }
    context_.sets = port.sets;
    context_.set_mask = port.set_mask;
    context_.port = static_cast<u16>(index);
    context_.stations = port.stations;
    context_.punt = port.to_kernel[0] != nullptr ? &port.to_kernel : nullptr;
    decide_burst(burst_, context_);
    totals.rx_bytes += burst_.bytes;
    if (AYA_UNLIKELY(cursor_.overtaken())) {
        abandon_burst(burst_, context_);
    } else {
        release_burst(burst_, context_);
        if (AYA_UNLIKELY(burst_.rest_count != 0))
            send_replies(index);
        send_all();
    }
    cursor_.leave();
    return others + burst_.count;
}

// A worker without a receive queue reads no tables, but publishers wait for every worker that runs.
void Worker::show_epoch() noexcept
{
    enter_tables({});
    cursor_.leave();
}

// The view for what comes next, until leave(). What was learnt from other tables is forgotten.
const aya_view &Worker::enter_tables(std::span<aya_backend_load> loads) noexcept
{
    if (AYA_UNLIKELY(cursor_.outdated()))
        join_tables();
    const aya_view &view = cursor_.enter(loads);
    if (AYA_UNLIKELY(cursor_.changed()))
        burst_.vips.clear();
    return view;
}

// Packets of `bytes` together into the port's TX queue; answers how many it took.
u32 Worker::transmit(u32 index, rte_mbuf **packets, u32 count, u64 bytes) noexcept
{
    const Lane &port = ports_[index];
    WorkerTotals &totals = *context_.counters.totals;
    if (AYA_UNLIKELY(!port.has_tx)) {
        if (port.closed)
            return 0;
        return rte_ring_enqueue_burst(port.to_port, reinterpret_cast<void **>(packets), count, nullptr);
    }
    const u32 sent = rte_eth_tx_burst(port.tx.port_id, port.tx.queue_id, packets, static_cast<u16>(count));
    totals.tx_packets += sent;
    totals.tx_bytes += bytes;
    if (AYA_UNLIKELY(sent < count))
        totals.tx_bytes -= bytes_of(packets + sent, count - sent);
    return sent;
}

// Why a port does not take a packet.
u8 Worker::refused_by(u32 index) const noexcept
{
    return ports_[index].closed ? AYA_REASON_TX_LOST : AYA_REASON_TX_FULL;
}

void Worker::send(u32 index, Outbox &outbox) noexcept
{
    const u32 sent = transmit(index, outbox.packets, outbox.count, outbox.bytes);
    context_.counters.count_reason(AYA_REASON_NONE, sent);
    if (AYA_UNLIKELY(sent < outbox.count)) {
        context_.counters.count_reason(refused_by(index), outbox.count - sent);
        rte_pktmbuf_free_bulk(outbox.packets + sent, outbox.count - sent);
    }
    outbox.count = outbox.bytes = 0;
}

void Worker::drop_burst(aya_reason reason) noexcept
{
    context_.counters.count_reason(static_cast<u8>(reason), burst_.count);
    rte_pktmbuf_free_bulk(burst_.mbuf, burst_.count);
}

void Worker::send_all() noexcept
{
    for (u32 port = 0; port < context_.port_count; port++) {
        if (outboxes_[port].count != 0)
            send(port, outboxes_[port]);
    }
}

void Worker::send_replies(u32 index) noexcept
{
    for (u32 k = 0; k < burst_.rest_count; k++) {
        const u32 i = burst_.rest[k];
        const auto reason = static_cast<aya_reason>(burst_.verdict[i].reason);
        if (aya_action_of(reason) != AYA_ACTION_REPLY)
            continue;
        const bool sent = transmit(index, &burst_.mbuf[i], 1, burst_.mbuf[i]->pkt_len) == 1;
        context_.counters.count_reason(sent ? static_cast<u8>(reason) : refused_by(index));
        if (!sent)
            rte_pktmbuf_free(burst_.mbuf[i]);
    }
}

// Sends what the kernel and workers without a TX queue gave us for this port. What does not fit stays: the
// ring fills, and the sender sees that.
u32 Worker::serve_ring(Lane &port) noexcept
{
    Outbox &box = port.from_ring;
    if (box.count == 0)
        box.count =
            rte_ring_sc_dequeue_burst(port.to_port, reinterpret_cast<void **>(box.packets), kBurst, nullptr);
    if (box.count == 0)
        return 0;
    if (AYA_UNLIKELY(port.closed))
        return lose_ring(port);
    const u64 bytes = bytes_of(box.packets, box.count);
    const u32 sent = transmit(static_cast<u32>(&port - ports_.data()), box.packets, box.count, bytes);
    if (AYA_UNLIKELY(sent == 0))
        return give_up_first(port);
    port.stuck_since = 0;
    std::move(box.packets + sent, box.packets + box.count, box.packets);
    box.count -= sent;
    return sent;
}

u32 Worker::lose_ring(Lane &port) noexcept
{
    const u32 count = port.from_ring.count;
    context_.counters.count_reason(AYA_REASON_TX_LOST, count);
    rte_pktmbuf_free_bulk(port.from_ring.packets, count);
    port.from_ring.count = 0;
    return count;
}

// A driver that takes nothing has a full queue, or meets a frame that it never takes (net_tap: one above its
// MTU). Such a frame must not hold up those behind it for good.
u32 Worker::give_up_first(Lane &port) noexcept
{
    Outbox &box = port.from_ring;
    if (port.stuck_since == 0)
        port.stuck_since = context_.now_ns;
    if (context_.now_ns - port.stuck_since < kPatienceNs)
        return 0;
    port.stuck_since = 0;
    context_.counters.count_reason(AYA_REASON_TX_FULL);
    rte_pktmbuf_free(box.packets[0]);
    std::move(box.packets + 1, box.packets + box.count, box.packets);
    box.count--;
    return 1;
}

void Worker::join_tables() noexcept
{
    const u64 identity = cursor_.join();
    if (identity == 0)
        return;
    for (const auto &flows : flow_tables_)
        flows->bind(identity);
}

// Every millisecond or so.
void Worker::housekeep() noexcept
{
    const u64 now = monotonic_ns(); // the vDSO: no system call
    context_.now_ns = now;
    context_.tick = aya_tick(now);
    cursor_.set_clock(now);
    line_.heartbeat_ns.store(now, std::memory_order_release);
    follow_ports();
    for (Lane &port : ports_) {
        if (port.flows)
            sweep(port, now / AYA_TICK_NS);
    }
    next_housekeeping_ = rte_rdtsc() + housekeeping_cycles_;
}

void Worker::sweep(Lane &port, u64 ticks) noexcept
{
    const u32 some = port.set_mask / kSweepsPerTable + 1;
    for (u32 i = 0; i < some; i++)
        aya_sweep_counted(port.loads.data(), static_cast<u32>(port.loads.size()),
                          &port.sets[port.swept++ & port.set_mask], context_.tick);
    port.flows->swept(ticks);
}

void Worker::idle(u32 empty_turns) noexcept
{
    if (empty_turns < kEmptyTurnsBeforeSleep) {
        rte_pause();
        return;
    }
    const timespec nap{0, kIdleSleepNs};
    ::nanosleep(&nap, nullptr);
}

} // namespace aya
