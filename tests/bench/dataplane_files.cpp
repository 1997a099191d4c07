// SPDX-License-Identifier: BSD-2-Clause
//
// dataplane_files TABLES PCAP PACKETS FLOWS FLAGS: what dataplane_bench needs. A tables segment of 100
// services with 100 IPIP backends each, and a pcap of 60-byte TCP packets with these TCP flags (a number)
// over this many flows, in random order. Prints the TSC's frequency in Hz.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <vector>

#include <x86intrin.h>

#include "bench_tables.hpp"
#include "packet_builder.hpp"
#include "segment_writer.hpp"

namespace
{

using namespace aya;

constexpr Capacities kCapacities{.services = 128, .backends = 16384, .vips = 1024, .lookup_slots = 1 << 24};

class Pcap
{
public:
    explicit Pcap(const char *path) : file_(path, std::ios::binary)
    {
        for (const u32 word : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 65535u, 1u}) // Ethernet, microseconds
            put(word);
    }
    void add(const test::Bytes &frame)
    {
        for (const u32 word : {0u, 0u, static_cast<u32>(frame.size()), static_cast<u32>(frame.size())})
            put(word);
        file_.write(reinterpret_cast<const char *>(frame.data()), static_cast<std::streamsize>(frame.size()));
    }
    bool good() const { return file_.good(); }

private:
    void put(u32 word) { file_.write(reinterpret_cast<const char *>(&word), sizeof(word)); }

    std::ofstream file_;
};

// Flow n: one of 60 000 clients' ports of as many clients as it takes, to VIP n mod 100.
test::Bytes packet_of(u32 flow, u8 flags)
{
    const u32 client = flow / 60'000;
    const std::string src =
        "10." + std::to_string(1 + client / 250) + ".7." + std::to_string(1 + client % 250);
    const std::string dst = "203.0.113." + std::to_string(flow % bench::kServices);
    test::Bytes frame = test::Packet()
                            .macs("02:70:63:61:70:00", "02:00:00:00:00:0c")
                            .ipv4(src, dst)
                            .tcp(static_cast<u16>(1024 + flow % 60'000), 443, "A")
                            .build();
    frame[14 + 20 + 13] = flags;
    frame.resize(60);
    return frame;
}

double tsc_hz()
{
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const u64 from = __rdtsc();
    while (Clock::now() - start < std::chrono::milliseconds(100)) {
    }
    const u64 to = __rdtsc();
    return static_cast<double>(to - from) / std::chrono::duration<double>(Clock::now() - start).count();
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 6) {
        std::cerr << "usage: dataplane_files TABLES PCAP PACKETS FLOWS FLAGS\n";
        return 2;
    }
    const u32 packets = static_cast<u32>(std::strtoul(argv[3], nullptr, 10));
    const u32 flows = static_cast<u32>(std::strtoul(argv[4], nullptr, 10));
    const u8 flags = static_cast<u8>(std::strtoul(argv[5], nullptr, 10));
    const auto tables = std::make_unique<bench::Tables>(AYA_OUTER_IPV4);
    test::SegmentWriter(argv[1], kCapacities).publish(tables->view);

    // Every flow as often as every other, so that none is missing, and no order that a prefetcher could
    // learn.
    std::vector<u32> order(packets);
    for (u32 i = 0; i < packets; i++)
        order[i] = i % flows;
    std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
    Pcap pcap(argv[2]);
    for (const u32 flow : order)
        pcap.add(packet_of(flow, flags));
    std::cout << static_cast<u64>(tsc_hz()) << "\n";
    return pcap.good() ? 0 : 1;
}
