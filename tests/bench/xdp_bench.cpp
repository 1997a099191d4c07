// SPDX-License-Identifier: BSD-2-Clause
//
// Nanoseconds a packet of the XDP program, by BPF_PROG_TEST_RUN through xdp_driver.bpf.c, less the driver
// with an empty target. Run by hand, as root: xdp_bench [--json] [runs]. Headers are warm in the cache,
// unlike on a NIC.
#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <linux/bpf.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench_tables.hpp"
#include "loader.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "xdp_driver.skel.h"
#pragma GCC diagnostic pop

namespace
{

using namespace aya;
using namespace aya::bench;

struct Case {
    const char *name;
    u64 flows; // 0: never the same twice
    u32 is_ipv6 = 0;
    u32 protocol = AYA_PROTO_TCP;
    u32 tcp_flags = AYA_TCP_ACK;
    aya_encap_kind encap = AYA_ENCAP_IPIP;
    u32 first_vip = 0;
    u64 warm_up = 0;    // packets; 0: twice the flows
    bool clear = false; // an empty flow table before every run
    u32 expected = XDP_TX;
};

constexpr u64 kMillion = 1 << 20;
constexpr u32 kRepeat = 1 << 20;

const Case kCases[] = {
    {.name = "IPv4 TCP ipip, 1 flow", .flows = 1},
    {.name = "IPv4 TCP ipip, 1 k flows", .flows = 1000},
    {.name = "IPv4 TCP ipip, 64 k flows", .flows = 65536},
    {.name = "IPv4 TCP ipip, 1 M flows", .flows = kMillion},
    {.name = "IPv4 UDP ipip, 1 k flows", .flows = 1000, .protocol = AYA_PROTO_UDP},
    {.name = "IPv4 TCP l2, 1 flow", .flows = 1, .encap = AYA_ENCAP_L2},
    {.name = "IPv4 TCP l2, 1 M flows", .flows = kMillion, .encap = AYA_ENCAP_L2},
    {.name = "IPv6 TCP ipip, 1 flow", .flows = 1, .is_ipv6 = 1},
    {.name = "IPv6 TCP ipip, 1 M flows", .flows = kMillion, .is_ipv6 = 1},
    {.name = "IPv6 UDP l2, 1 k flows",
     .flows = 1000,
     .is_ipv6 = 1,
     .protocol = AYA_PROTO_UDP,
     .encap = AYA_ENCAP_L2},
    {.name = "no VIP", .flows = 1000, .first_vip = kServices, .expected = XDP_PASS},
    {.name = "SYN of 1 M flows, inserted", .flows = 0, .tcp_flags = AYA_TCP_SYN, .warm_up = 1, .clear = true},
    {.name = "SYN, table full, evicting", .flows = 0, .tcp_flags = AYA_TCP_SYN, .warm_up = 4 * kMillion},
};

class Bench
{
public:
    explicit Bench(const Case &c) : case_(c), tables_(c.encap), program_(sizes()), driver_(xdp_driver__open())
    {
        if (!driver_)
            fail("cannot open the driver");
        driver_->rodata->flows = c.flows;
        driver_->rodata->is_ipv6 = c.is_ipv6;
        driver_->rodata->protocol = c.protocol;
        driver_->rodata->tcp_flags = c.tcp_flags;
        driver_->rodata->first_vip = c.first_vip;
        if (xdp_driver__load(driver_))
            fail("cannot load the driver");
        const ForwardSlot &slot = program_.slot(0);
        *slot.settings = tables_.settings;
        std::copy(tables_.vips.begin(), tables_.vips.end(), slot.vips);
        std::copy(tables_.services.begin(), tables_.services.end(), slot.services);
        std::copy(tables_.backends.begin(), tables_.backends.end(), slot.backends);
        std::copy(tables_.lookup.begin(), tables_.lookup.end(), program_.lookup());
        run(program_.program_fd(), c.warm_up ? c.warm_up : 2 * c.flows, c.expected);
    }
    ~Bench() { xdp_driver__destroy(driver_); }
    Bench(const Bench &) = delete;
    Bench &operator=(const Bench &) = delete;

    // Nanoseconds a packet, net of the empty target.
    double once()
    {
        if (case_.clear)
            std::memset(program_.flows(0), 0, sizeof(aya_flow_set) * kSets);
        const double empty = run(bpf_program__fd(driver_->progs.empty), kRepeat, XDP_TX);
        return run(program_.program_fd(), kRepeat, case_.expected) - empty;
    }

private:
    static constexpr u32 kSets = 2 * kMillion / AYA_FLOW_WAYS;

    static ForwardSizes sizes()
    {
        return {.capacities = {.services = 1024,
                               .backends = 16384,
                               .vips = kVips,
                               .lookup_slots = kServices * kSlots},
                .queues = 1,
                .flow_sets = kSets,
                .port_index = 0};
    }

    [[noreturn]] static void fail(const char *what)
    {
        std::fprintf(stderr, "xdp_bench: %s: %s\n", what, std::strerror(errno));
        std::exit(1);
    }

    double run(int target_fd, u64 repeat, u32 expected)
    {
        u32 zero = 0;
        if (bpf_map_update_elem(bpf_map__fd(driver_->maps.target), &zero, &target_fd, BPF_ANY))
            fail("cannot set the target");
        char in[74] = {}, out[256];
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in, .data_out = out,
                    .data_size_in = case_.is_ipv6 ? 74u : 60u, .data_size_out = sizeof(out),
                    .repeat = static_cast<int>(std::max<u64>(repeat, 1)));
        if (bpf_prog_test_run_opts(bpf_program__fd(driver_->progs.drive), &options))
            fail("BPF_PROG_TEST_RUN");
        if (options.retval != expected) {
            std::fprintf(stderr, "xdp_bench: %s: verdict %u, expected %u\n", case_.name, options.retval,
                         expected);
            std::exit(1);
        }
        return options.duration;
    }

    Case case_;
    Tables tables_;
    ForwardProgram program_;
    xdp_driver *driver_;
};

} // namespace

int main(int argc, char **argv)
try {
    const bool json = argc > 1 && std::strcmp(argv[1], "--json") == 0;
    const int runs = argc > 1 + json ? std::atoi(argv[1 + json]) : 7;
    nlohmann::json rows = nlohmann::json::array();
    if (!json)
        std::printf("%-30s %8s %8s %8s   ns a packet, %d runs of %u\n", "case", "min", "median", "max", runs,
                    kRepeat);
    for (const Case &c : kCases) {
        auto bench = std::make_unique<Bench>(c);
        std::vector<double> ns;
        for (int i = 0; i < runs; i++)
            ns.push_back(bench->once());
        std::sort(ns.begin(), ns.end());
        rows.push_back({{"case", c.name},
                        {"min_ns", ns.front()},
                        {"median_ns", ns[ns.size() / 2]},
                        {"max_ns", ns.back()}});
        if (!json)
            std::printf("%-30s %8.0f %8.0f %8.0f\n", c.name, ns.front(), ns[ns.size() / 2], ns.back());
    }
    if (json)
        std::printf("%s\n", rows.dump(2).c_str());
} catch (const BpfError &error) {
    std::fprintf(stderr, "xdp_bench: %s\n", error.what());
    return 1;
}
