// SPDX-License-Identifier: BSD-2-Clause
//
// TSC cycles per packet of the data plane's stages, on packet buffers but without a driver: what a worker
// does between receiving and sending. "Cold" rows flush the headers from the caches first; a NIC delivers
// into the last-level cache at best. Run by hand: stages_bench [bursts].
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <rte_mbuf.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include "bench_packets.hpp"
#include "burst.hpp"

namespace
{

using namespace aya;
using namespace aya::bench;

constexpr u32 kBuffers = 256;
constexpr u32 kSliceBursts = 256; // short, so that many are not disturbed by others on the machine
constexpr u32 kRounds = 5;

struct Row {
    const char *name;
    u64 flows; // in turn; 0: never the same twice
    u64 table_flows;
    u8 flags;
    bool ipv6;
    bool cold;
};

constexpr Row kRows[] = {
    {"1 k flows, hit", 1000, 1 << 20, AYA_TCP_ACK, false, false},
    {"64 k flows, hit", 65536, 1 << 20, AYA_TCP_ACK, false, false},
    {"1 M flows, hit", 1 << 20, 1 << 20, AYA_TCP_ACK, false, false},
    {"SYN of a new flow, 1 M table", 0, 1 << 20, AYA_TCP_SYN, false, false},
    {"SYN of a new flow, table full", 1 << 16, 1024, AYA_TCP_SYN, false, false},
    {"IPv6, 1 k flows, hit", 1000, 1 << 20, AYA_TCP_ACK, true, false},
    {"1 k flows, hit, cold", 1000, 1 << 20, AYA_TCP_ACK, false, true},
    {"IPv6, 1 k flows, hit, cold", 1000, 1 << 20, AYA_TCP_ACK, true, true},
};

struct alignas(AYA_CACHE_LINE) Buffer {
    u8 mbuf[sizeof(rte_mbuf)]; // as bytes: with its arrays of size 0 it can be no member in standard C++
    u8 room[RTE_PKTMBUF_HEADROOM];
    u8 bytes[128];
};

// A flow table on huge pages, if the kernel has any to give.
class FlowSets
{
public:
    explicit FlowSets(u64 flows)
    {
        while (count_ * AYA_FLOW_WAYS < 2 * flows)
            count_ *= 2;
        const std::size_t huge = std::size_t{2} << 20, size = count_ * sizeof(aya_flow_set);
        sets_ = static_cast<aya_flow_set *>(std::aligned_alloc(huge, (size + huge - 1) / huge * huge));
        if (sets_ == nullptr)
            std::abort();
        ::madvise(sets_, size, MADV_HUGEPAGE);
        std::fill_n(sets_, count_, aya_flow_set{});
    }
    ~FlowSets() { std::free(sets_); }
    FlowSets(const FlowSets &) = delete;
    FlowSets &operator=(const FlowSets &) = delete;

    aya_flow_set *sets() const { return sets_; }
    u32 mask() const { return count_ - 1; }

private:
    u32 count_ = 1;
    aya_flow_set *sets_ = nullptr;
};

class Bench
{
public:
    Bench(const Tables &tables, const Row &row) : row_(row), flows_(row.table_flows)
    {
        context_.view = &tables.view;
        context_.sets = flows_.sets();
        context_.set_mask = flows_.mask();
        context_.tick = 1000;
        context_.now_ns = 1000 * AYA_TICK_NS;
        context_.port_count = 1;
        context_.counters = {.totals = totals_.data(),
                             .services = services_.data(),
                             .backends = backends_.data(),
                             .service_count = kServices,
                             .backend_count = static_cast<u32>(backends_.size())};
        context_.outboxes = outbox_.get();
        context_.sends_segments = &sends_segments_;
    }

    // Cycles per packet of each slice.
    std::vector<double> run(u32 bursts)
    {
        std::vector<double> slices;
        u64 cycles = 0;
        const u64 warm_up = 2 * (row_.flows ? row_.flows : row_.table_flows) / kBurst;
        for (u64 n = 0; n < warm_up + bursts; n++) {
            const u64 taken = run_burst(n);
            if (n < warm_up)
                continue;
            cycles += taken;
            if ((n - warm_up) % kSliceBursts == kSliceBursts - 1) {
                slices.push_back(static_cast<double>(cycles) / (kSliceBursts * kBurst));
                cycles = 0;
            }
        }
        return slices;
    }

private:
    u64 run_burst(u64 n)
    {
        for (u32 i = 0; i < kBurst; i++)
            burst_->mbuf[i] = receive(buffers_[(n * kBurst + i) % kBuffers]);
        burst_->count = kBurst;
        if (row_.cold)
            _mm_mfence();
        const u64 begin = __rdtsc();
        process_burst(*burst_, context_);
        const u64 taken = __rdtsc() - begin;
        if (outbox_->count != kBurst)
            std::abort(); // all are for a backend
        outbox_->count = 0;
        return taken;
    }

    rte_mbuf *receive(Buffer &buffer)
    {
        rte_mbuf &mbuf = *reinterpret_cast<rte_mbuf *>(buffer.mbuf);
        const u32 length = row_.ipv6 ? kIpv6Frame : kIpv4Frame;
        mbuf.buf_addr = buffer.room;
        mbuf.data_off = RTE_PKTMBUF_HEADROOM;
        mbuf.data_len = static_cast<u16>(length);
        mbuf.pkt_len = length;
        mbuf.nb_segs = 1;
        const u64 flow = row_.flows ? next_++ % row_.flows : next_++;
        (row_.ipv6 ? write_ipv6 : write_ipv4)(buffer.bytes, flow, row_.flags);
        if (row_.cold) {
            _mm_clflush(buffer.bytes);
            _mm_clflush(buffer.bytes + AYA_CACHE_LINE);
        }
        return &mbuf;
    }

    Row row_;
    FlowSets flows_;
    std::unique_ptr<Buffer[]> buffers_ = std::make_unique<Buffer[]>(kBuffers);
    std::unique_ptr<Burst> burst_ = std::make_unique<Burst>();
    std::unique_ptr<Outbox> outbox_ = std::make_unique<Outbox>();
    std::vector<WorkerTotals> totals_ = std::vector<WorkerTotals>(1);
    std::vector<ServiceCounters> services_ = std::vector<ServiceCounters>(kServices);
    std::vector<BackendCounters> backends_ = std::vector<BackendCounters>(kServices * kBackendsPerService);
    bool sends_segments_ = true;
    BurstContext context_;
    u64 next_ = 0;
};

} // namespace

int main(int argc, char **argv)
{
    const u32 bursts =
        std::max(argc > 1 ? static_cast<u32>(std::strtoul(argv[1], nullptr, 0)) : 5000, kSliceBursts);
    const auto tables = std::make_unique<Tables>(AYA_OUTER_IPV4);
    std::printf("%-28s %8s %8s %8s  TSC cycles per packet\n", "case", "min", "median", "90 %");
    for (const Row &row : kRows) {
        std::vector<double> slices;
        for (u32 i = 0; i < kRounds; i++) {
            const std::vector<double> more = Bench(*tables, row).run(bursts);
            slices.insert(slices.end(), more.begin(), more.end());
        }
        std::sort(slices.begin(), slices.end());
        std::printf("%-28s %8.1f %8.1f %8.1f\n", row.name, slices.front(), slices[slices.size() / 2],
                    slices[slices.size() * 9 / 10]);
    }
}
