// SPDX-License-Identifier: BSD-2-Clause
//
// Cycles a packet of the decision and the IPIP rewrite alone: no driver, packet buffers in the cache. What is
// left to the data plane's budget is what its driver and mbufs cost. Run by hand: core_bench [bursts].
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>
#include <x86intrin.h>

#include "aya/encap.h"
#include "aya/forward.h"
#include "bench_packets.hpp"
#include "bench_tables.hpp"

namespace
{

using namespace aya::bench;

constexpr u32 kBurst = 32;
constexpr u32 kRoom = 128;

struct Frame {
    u8 room[kRoom];
    u8 bytes[64];
};

struct Burst {
    aya_packet packet[kBurst];
    u64 hash[kBurst];
    u16 service[kBurst];
    aya_flow_set *set[kBurst];
    aya_flow_entry *entry[kBurst];
    aya_verdict verdict[kBurst];
};

// The same stages as a worker's, without its mbufs.
u32 decide(const Tables &tables, aya_flow_set *sets, u32 set_mask, u16 now, Frame *const *frames,
           Burst &burst)
{
    const aya_view &view = tables.view;
    for (u32 i = 0; i < kBurst; i++) {
        const u8 *frame = frames[i]->bytes;
        if (aya_parse(frame, frame + 64, 64, &burst.packet[i]) != AYA_REASON_NONE ||
            aya_classify(&view, &burst.packet[i], &burst.service[i]) != AYA_REASON_NONE)
            std::abort();
        burst.hash[i] = aya_flow_hash(&tables.settings, &burst.packet[i]);
        burst.set[i] = &sets[aya_flow_set_index(burst.hash[i], set_mask)];
        __builtin_prefetch(burst.set[i], 1);
    }
    for (u32 i = 0; i < kBurst; i++) {
        burst.entry[i] = aya_flow_locate(burst.set[i], burst.hash[i], burst.service[i]);
        if (burst.entry[i])
            __builtin_prefetch(&view.backends[burst.entry[i]->backend]);
        else
            __builtin_prefetch(&view.lookup[tables.services[burst.service[i]].lookup_offset +
                                            aya_slot(burst.hash[i], kSlots)]);
    }
    u32 notes = 0;
    for (u32 i = 0; i < kBurst; i++) {
        aya_choose(&view, &burst.packet[i], burst.service[i], burst.hash[i], burst.set[i], burst.entry[i],
                   now, &burst.verdict[i]);
        __builtin_prefetch(burst.verdict[i].backend);
        notes |= burst.verdict[i].notes;
    }
    for (u32 i = 0; i < kBurst; i++)
        if (burst.verdict[i].action != AYA_ACTION_FORWARD ||
            aya_encap(frames[i]->bytes - 20, frames[i]->bytes + 64, &burst.packet[i],
                      burst.verdict[i].backend, nullptr, burst.hash[i]) != AYA_REASON_NONE)
            std::abort();
    return notes;
}

constexpr u32 kSliceBursts = 256; // short, so that many are not disturbed by others on the machine

// `flows` distinct flows, in turn; 0: never the same twice, in a table for 1 M. Cycles a packet of each
// slice.
std::vector<double> measure(const Tables &tables, u64 flows, u8 flags, u32 bursts)
{
    constexpr u32 kFrames = 256;
    const u64 table_flows = flows ? flows : 1 << 20;
    u32 set_count = 1;
    while (set_count * AYA_FLOW_WAYS < 2 * table_flows)
        set_count *= 2;
    std::vector<aya_flow_set> sets(set_count);
    auto frames = std::make_unique<Frame[]>(kFrames);
    auto burst = std::make_unique<Burst>();
    std::vector<double> slices;
    u64 cycles = 0;
    u64 next = 0;
    Frame *pointers[kBurst];
    const u64 warm_up = 2 * table_flows / kBurst;
    for (u64 n = 0; n < warm_up + bursts; n++) {
        for (u32 i = 0; i < kBurst; i++) {
            pointers[i] = &frames[(n * kBurst + i) % kFrames];
            write_ipv4(pointers[i]->bytes, flows ? next % flows : next, flags);
            next++;
        }
        u64 begin = __rdtsc();
        decide(tables, sets.data(), set_count - 1, 1000, pointers, *burst);
        if (n < warm_up)
            continue;
        cycles += __rdtsc() - begin;
        if ((n - warm_up) % kSliceBursts == kSliceBursts - 1) {
            slices.push_back(static_cast<double>(cycles) / (kSliceBursts * kBurst));
            cycles = 0;
        }
    }
    return slices;
}

} // namespace

int main(int argc, char **argv)
{
    const u32 bursts =
        std::max(argc > 1 ? static_cast<u32>(std::strtoul(argv[1], nullptr, 0)) : 20000, kSliceBursts);
    auto tables = std::make_unique<Tables>(AYA_OUTER_IPV4);
    std::printf("%-28s %8s %8s %8s  TSC cycles a packet\n", "case", "min", "median", "90 %");
    const struct {
        const char *name;
        u64 flows;
        u8 flags;
    } rows[] = {{"1 k flows, hit", 1000, AYA_TCP_ACK},
                {"64 k flows, hit", 65536, AYA_TCP_ACK},
                {"1 M flows, hit", 1 << 20, AYA_TCP_ACK},
                {"SYN of a new flow, 1 M table", 0, AYA_TCP_SYN}};
    for (const auto &row : rows) {
        std::vector<double> runs;
        for (int i = 0; i < 5; i++) {
            const std::vector<double> slices = measure(*tables, row.flows, row.flags, bursts);
            runs.insert(runs.end(), slices.begin(), slices.end());
        }
        std::sort(runs.begin(), runs.end());
        std::printf("%-28s %8.1f %8.1f %8.1f\n", row.name, runs.front(), runs[runs.size() / 2],
                    runs[runs.size() * 9 / 10]);
    }
}
