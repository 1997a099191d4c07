// SPDX-License-Identifier: BSD-2-Clause
//
// The two shared-memory segments and their common header.
//
//   tables     control plane writes, data planes read: settings, VIPs, services, backends, lookup arena
//   dataplane  data plane writes, control plane reads: ports, workers (heartbeat, epoch), counters
//
// Each side maps the other's file read-only, so neither can damage the other.
//
// Publishing is RCU with two slots. The writer stores `generation` with release; a reader loads it with
// acquire at the start of a burst and, at its end, reports it as its epoch. The slot of generation g - 1 may
// be written again once every live reader has reported g. Both directions need a full fence on the slow side
// (join, scan).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "aya/counters.h"
#include "aya/reasons.h"
#include "aya/tables.h"
#include "aya/view.h"

namespace aya
{

// A refusal at start. The text names the file, what was found, what is needed and what to do.
class SegmentError : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

constexpr u64 kTablesMagic = 0x31736c6274617961;    // "ayatbls1"
constexpr u64 kDataplaneMagic = 0x316e6c7064617961; // "ayadpln1"
constexpr u32 kMaxPorts = 16;
constexpr u32 kMaxWorkers = 64;

// How many entries each table holds. Fixed when the segment is created. Creation allocates the memory for all
// of them, so that no publish can run into a full file system.
struct Capacities {
    u32 services = 1024;
    u32 backends = 65536;
    u32 vips = 8192;             // hash entries: a power of two, twice the VIPs or more
    u32 lookup_slots = 64 << 20; // u32 slots of the arena, a multiple of 16
    friend bool operator==(const Capacities &, const Capacities &) = default;
};

struct SegmentHeader {
    u64 magic;
    u32 abi_version;
    u32 header_size;
    u64 layout_hash; // of all struct sizes and shared offsets
    u64 size;        // of the file
    u64 identity;    // random, new at each creation: flow tables and readers tell segments apart by it
    u32 owner_pid;
    u32 worker_count; // data plane segment: workers that have a status line and counters
    Capacities capacities;
    u64 started_ns;      // CLOCK_MONOTONIC
    u64 tables_identity; // data plane segment: identity of the tables it reads, 0 before it has found any
    u64 reserved[5];
};
static_assert(sizeof(SegmentHeader) == 120 && std::is_trivially_copyable_v<SegmentHeader>);

enum class PortState : u32 {
    works,
    no_link,
    gone, // its kernel interface vanished, or was moved away; the port is opened again when it returns
};

// Written by the data plane's main lcore, which follows the port's interface while it runs.
struct alignas(AYA_CACHE_LINE) PortLine {
    char name[64];      // DPDK's device name
    char interface[16]; // kernel interface of the device, empty if it has none
    char punt[16];      // kernel interface that carries punted packets, empty: none
    u8 mac[6];
    u16 mtu; // largest IP packet
    u16 queues;
    u16 present;      // 0: there is no such port, or it is gone for now
    u32 punt_ifindex; // 0: none
    PortState state;
    u32 unused[3]; // no padding: lines are compared as bytes
};
static_assert(sizeof(PortLine) == 128);

// Packets of a port that were lost outside of AYA, as its driver counts them since the data plane started.
// Written by the main lcore, about once a second.
struct alignas(AYA_CACHE_LINE) PortLosses {
    u64 rx_missed;    // the receive queue was full
    u64 rx_no_buffer; // no buffer to receive into
    u64 rx_errors;    // damaged, or refused by the driver
    u64 tx_lost;      // the driver took them, and could not send them
    u64 unused[4];
};
static_assert(sizeof(PortLosses) == AYA_CACHE_LINE);

enum class WorkerState : u32 { absent, running, stopped };

// One cache line per worker. Written by that worker only.
struct alignas(AYA_CACHE_LINE) WorkerLine {
    std::atomic<u64> epoch;        // generation seen at the end of the last burst
    std::atomic<u64> heartbeat_ns; // CLOCK_MONOTONIC, renewed at least every 100 ms
    std::atomic<WorkerState> state;
    u32 lcore;
    u32 tid;
    u32 unused0;
    u64 unused[4];
};
static_assert(sizeof(WorkerLine) == AYA_CACHE_LINE);
static_assert(std::atomic<u64>::is_always_lock_free && std::atomic<WorkerState>::is_always_lock_free);

using ServiceCounters = aya_service_counters;
using BackendCounters = aya_backend_counters;
using WorkerTotals = aya_worker_totals;

constexpr u64 fnv1a(u64 hash, u64 value)
{
    for (int i = 0; i < 8; i++, value >>= 8)
        hash = (hash ^ (value & 0xff)) * 0x100000001b3ull;
    return hash;
}

// Offsets of the fields in an entry that layout_hash() watches beside its size.
template <class Entry>
constexpr std::array<u64, 0> kWatchedOffsets{};
template <>
constexpr std::array<u64, 2> kWatchedOffsets<aya_settings> = {offsetof(aya_settings, vip_mask),
                                                              offsetof(aya_settings, lengths)};
template <>
constexpr std::array<u64, 3> kWatchedOffsets<aya_vip> = {offsetof(aya_vip, service), offsetof(aya_vip, flags),
                                                         offsetof(aya_vip, range_offset)};
template <>
constexpr std::array<u64, 2> kWatchedOffsets<aya_port_range> = {offsetof(aya_port_range, service),
                                                                offsetof(aya_port_range, protocol)};
template <>
constexpr std::array<u64, 3> kWatchedOffsets<aya_service> = {offsetof(aya_service, flags),
                                                             offsetof(aya_service, idle_timeout),
                                                             offsetof(aya_service, source_ignored_ipv4)};
template <>
constexpr std::array<u64, 3> kWatchedOffsets<aya_backend> = {
    offsetof(aya_backend, service), offsetof(aya_backend, macs), offsetof(aya_backend, outer_src)};

template <>
constexpr std::array<u64, 2> kWatchedOffsets<aya_guard> = {offsetof(aya_guard, packet_cost),
                                                           offsetof(aya_guard, ignored_ipv4)};

template <>
constexpr std::array<u64, 1> kWatchedOffsets<aya_quic> = {offsetof(aya_quic, configs)};

template <class Entry>
constexpr u64 hash_entry(u64 hash)
{
    hash = fnv1a(hash, sizeof(Entry));
    for (u64 offset : kWatchedOffsets<Entry>)
        hash = fnv1a(hash, offset);
    return hash;
}

// Differs if one side was built with another layout under the same ABI version.
constexpr u64 layout_hash()
{
    u64 h = hash_entry<aya_settings>(0xcbf29ce484222325ull);
#define AYA_X(table, entry, per) h = hash_entry<aya_##entry>(h);
    AYA_PACKET_TABLES(AYA_X)
#undef AYA_X
    for (u64 v : {sizeof(aya_lookup_line), sizeof(aya_source_set), sizeof(aya_control), sizeof(aya_name),
                  sizeof(SegmentHeader), sizeof(PortLine), sizeof(PortLosses), sizeof(WorkerLine),
                  sizeof(WorkerTotals), sizeof(ServiceCounters), sizeof(BackendCounters),
                  sizeof(aya_refusals), u64{AYA_REASON_COUNT}, u64{kMaxPorts}, u64{kMaxWorkers}})
        h = fnv1a(h, v);
    return h;
}

// A sequence lock for a reader that was given up for dead: the publisher says which generation's slot it is
// about to write, and a reader checks afterwards whether that was the slot that it had read.
//
// An exchange, because no store of what follows may overtake it (ThreadSanitizer knows no fences).
inline void announce_writing(aya_control &control, u64 generation)
{
    __atomic_exchange_n(&control.preparing, generation, __ATOMIC_ACQ_REL);
}

// Whether what was read of this generation's slot may have been overwritten meanwhile.
inline bool was_overwritten(const aya_control &control, u64 generation)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&control.preparing, __ATOMIC_RELAXED) >= generation + 2;
}

// One of the two copies of all tables that exist twice, mapped.
struct TableSlot {
    aya_settings *settings = nullptr;
#define AYA_X(table, entry, per) aya_##entry *table = nullptr;
    AYA_TABLES(AYA_X)
#undef AYA_X
};

// A slot as the packet path reads it.
inline aya_view view_of(const TableSlot &slot, const u32 *lookup, const Capacities &c)
{
    aya_view view = {};
    view.settings = slot.settings;
#define AYA_X(table, entry, per) view.table = slot.table;
    AYA_PACKET_TABLES(AYA_X)
#undef AYA_X
    view.lookup = lookup;
    view.vip_count = c.vips;
    view.service_count = c.services;
    view.backend_count = c.backends;
    view.lookup_count = c.lookup_slots;
    return view;
}

// Byte offsets of one segment's parts. A pure function of the capacities, so both sides compute the same.
struct TablesLayout {
    struct Slot {
        u64 settings = 0;
#define AYA_X(table, entry, per) u64 table = 0;
        AYA_TABLES(AYA_X)
#undef AYA_X

        // In the segment that begins at `base`.
        TableSlot in(char *base) const
        {
            TableSlot slot;
            slot.settings = reinterpret_cast<aya_settings *>(base + settings);
#define AYA_X(table, entry, per) slot.table = reinterpret_cast<aya_##entry *>(base + table);
            AYA_TABLES(AYA_X)
#undef AYA_X
            return slot;
        }
    };
    u64 control = 0;
    std::array<Slot, 2> slot{};
    u64 lookup = 0;
    u64 size = 0;

    constexpr explicit TablesLayout(const Capacities &c)
    {
        u64 at = 4096;
        auto take = [&at](u64 bytes) {
            u64 begin = at;
            at = (at + bytes + 4095) & ~u64{4095};
            return begin;
        };
        control = take(sizeof(aya_control));
        for (Slot &s : slot) {
            s.settings = take(sizeof(aya_settings));
#define AYA_X(table, entry, per) s.table = take(u64{c.per##s} * sizeof(aya_##entry));
            AYA_TABLES(AYA_X)
#undef AYA_X
        }
        lookup = take(u64{c.lookup_slots} * sizeof(u32));
        size = at;
    }
};

struct DataplaneLayout {
    u64 ports = 0;
    u64 port_losses = 0; // PortLosses[kMaxPorts]
    u64 workers = 0;
    u64 totals = 0;           // WorkerTotals[kMaxWorkers]
    u64 service_counters = 0; // ServiceCounters[workers][services]
    u64 backend_counters = 0; // BackendCounters[workers][backends]
    u64 refusals = 0;         // aya_refusals[kMaxWorkers]
    u64 size = 0;

    constexpr DataplaneLayout(const Capacities &c, u32 worker_count)
    {
        u64 at = 4096;
        auto take = [&at](u64 bytes) {
            u64 begin = at;
            at = (at + bytes + 4095) & ~u64{4095};
            return begin;
        };
        ports = take(kMaxPorts * sizeof(PortLine));
        port_losses = take(kMaxPorts * sizeof(PortLosses));
        workers = take(kMaxWorkers * sizeof(WorkerLine));
        totals = take(kMaxWorkers * sizeof(WorkerTotals));
        service_counters = take(u64{worker_count} * c.services * sizeof(ServiceCounters));
        backend_counters = take(u64{worker_count} * c.backends * sizeof(BackendCounters));
        refusals = take(kMaxWorkers * sizeof(aya_refusals));
        size = at;
    }
};

} // namespace aya
