// SPDX-License-Identifier: BSD-2-Clause
//
// Nanoseconds a packet of the XDP program, by BPF_PROG_TEST_RUN through xdp_driver.bpf.c, less the driver
// with an empty target. Run by hand, as root; `--help` says how, docs/benchmarks.md what was measured.
//
// Made for machines that do other things, too: CPU time is counted, not wall time, in slices so short that
// many are not disturbed, and all cases are visited in turn, several times.
#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <getopt.h>
#include <linux/bpf.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex.h>
#include <string>
#include <vector>

#include "bench_tables.hpp"
#include "loader.hpp"
#include "memory_latency.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "xdp_driver.skel.h"
#pragma GCC diagnostic pop

namespace
{

using namespace aya;
using namespace aya::bench;

constexpr u64 kMillion = 1 << 20;
constexpr u32 kSets = 2 * kMillion / AYA_FLOW_WAYS; // a table for 1 M flows
constexpr u32 kSlice = 1 << 14;                     // packets: a millisecond or few

struct Options {
    std::optional<regex_t> cases; // all without it
    u32 rounds = 5;
    u32 slices = 64; // of each case, each round
    bool json = false;
    bool list = false;
};

struct Case {
    std::string name;
    u64 flows = 0; // 0: never the same twice
    bool is_ipv6 = false;
    u8 protocol = AYA_PROTO_TCP;
    aya_outer_length encap = AYA_OUTER_IPV4;
    u8 tcp_flags = AYA_TCP_ACK;
    u64 warm_up = 0; // packets in front of the first slice
    u32 first_vip = 0;
    u32 expected = XDP_TX;
    std::vector<double> ns{}, empty_ns{}; // of each slice
};

std::vector<Case> all_cases()
{
    const struct {
        const char *name;
        u64 flows;
    } counts[] = {{"1 flow", 1}, {"1 k flows", 1000}, {"64 k flows", 65536}, {"1 M flows", kMillion}};
    std::vector<Case> cases;
    for (bool is_ipv6 : {false, true})
        for (u8 protocol : {u8{AYA_PROTO_TCP}, u8{AYA_PROTO_UDP}})
            for (aya_outer_length encap : {AYA_OUTER_IPV4, AYA_OUTER_NONE})
                for (const auto &count : counts)
                    cases.push_back({.name = std::string(is_ipv6 ? "IPv6 " : "IPv4 ") +
                                             (protocol == AYA_PROTO_TCP ? "TCP " : "UDP ") +
                                             (encap == AYA_OUTER_IPV4 ? "ipip, " : "l2, ") + count.name,
                                     .flows = count.flows,
                                     .is_ipv6 = is_ipv6,
                                     .protocol = protocol,
                                     .encap = encap,
                                     .warm_up = 2 * count.flows});
    for (bool is_ipv6 : {false, true}) {
        const std::string family = is_ipv6 ? "IPv6 " : "IPv4 ";
        cases.push_back({.name = family + "no VIP",
                         .flows = 1000,
                         .is_ipv6 = is_ipv6,
                         .first_vip = kServices,
                         .expected = XDP_PASS});
        // As many slices as there are flows: at the end of the visit the table is half full.
        cases.push_back(
            {.name = family + "SYN, inserted", .is_ipv6 = is_ipv6, .tcp_flags = AYA_TCP_SYN, .warm_up = 1});
        cases.push_back({.name = family + "SYN, table full",
                         .is_ipv6 = is_ipv6,
                         .tcp_flags = AYA_TCP_SYN,
                         .warm_up = 4 * kMillion});
    }
    return cases;
}

[[noreturn]] void fail(const char *what)
{
    std::fprintf(stderr, "xdp_bench: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

// The program, loaded, with tables of one encapsulation.
class Target
{
public:
    explicit Target(aya_outer_length encap) : program_(sizes())
    {
        const Tables tables(encap);
        program_.mode()->bypass_sockets = 1; // as with path "xdp"
        const TableSlot &slot = program_.slot(0);
        *slot.settings = tables.settings;
        std::copy(tables.vips.begin(), tables.vips.end(), slot.vips);
        std::copy(tables.services.begin(), tables.services.end(), slot.services);
        std::copy(tables.backends.begin(), tables.backends.end(), slot.backends);
        std::copy(tables.lookup.begin(), tables.lookup.end(), program_.lookup());
    }
    int fd() const { return program_.program_fd(); }
    void forget_flows() { std::memset(program_.flows(0), 0, sizeof(aya_flow_set) * kSets); }

private:
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
    ForwardProgram program_;
};

// The program that makes the packets of one case.
class Driver
{
public:
    explicit Driver(const Case &c) : case_(c), driver_(xdp_driver__open())
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
    }
    ~Driver() { xdp_driver__destroy(driver_); }
    Driver(const Driver &) = delete;
    Driver &operator=(const Driver &) = delete;

    int empty() const { return bpf_program__fd(driver_->progs.empty); }

    // ns of CPU time a packet.
    double run(int target, u64 packets, u32 expected)
    {
        u32 zero = 0;
        if (target != target_ && // the kernel patches code for this, and waits for all CPUs
            bpf_map_update_elem(bpf_map__fd(driver_->maps.target), &zero, &target, BPF_ANY))
            fail("cannot set the target");
        target_ = target;
        char in[74] = {}, out[256];
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in, .data_out = out,
                    .data_size_in = case_.is_ipv6 ? 74u : 60u, .data_size_out = sizeof(out),
                    .repeat = static_cast<int>(packets));
        const double begin = thread_ns();
        if (bpf_prog_test_run_opts(bpf_program__fd(driver_->progs.drive), &options))
            fail("BPF_PROG_TEST_RUN");
        const double end = thread_ns();
        if (options.retval != expected) {
            std::fprintf(stderr, "xdp_bench: %s: verdict %u, expected %u\n", case_.name.c_str(),
                         options.retval, expected);
            std::exit(1);
        }
        return (end - begin) / static_cast<double>(packets);
    }

private:
    const Case &case_;
    xdp_driver *driver_;
    int target_ = -1;
};

void visit(Case &c, Driver &driver, Target &target, u32 slices)
{
    constexpr u32 kEmptySlices = 16;
    for (u32 i = 0; i < kEmptySlices; i++)
        c.empty_ns.push_back(driver.run(driver.empty(), kSlice, XDP_TX));
    target.forget_flows();
    if (c.warm_up)
        driver.run(target.fd(), c.warm_up, c.expected);
    for (u32 i = 0; i < slices; i++)
        c.ns.push_back(driver.run(target.fd(), kSlice, c.expected));
}

struct Result {
    double empty, minimum, median, p90;
};

double quantile(std::vector<double> values, double q)
{
    std::sort(values.begin(), values.end());
    return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

// Net of the empty target: like less like.
Result result_of(const Case &c)
{
    const double empty = quantile(c.empty_ns, 0.5);
    return {.empty = empty,
            .minimum = quantile(c.ns, 0) - quantile(c.empty_ns, 0),
            .median = quantile(c.ns, 0.5) - empty,
            .p90 = quantile(c.ns, 0.9) - empty};
}

void print(const std::vector<Case> &cases, const std::vector<double> &memory, const Options &options)
{
    if (!options.json)
        std::printf("%-28s %8s %8s %8s %8s   ns a packet, %u x %u slices of %u\n", "case", "min", "median",
                    "90 %", "empty", options.rounds, options.slices, kSlice);
    nlohmann::json rows = nlohmann::json::array();
    rows.push_back({{"case", "one load from 32 MiB"},
                    {"min_ns", quantile(memory, 0)},
                    {"median_ns", quantile(memory, 0.5)},
                    {"p90_ns", quantile(memory, 0.9)}});
    for (const Case &c : cases) {
        const Result r = result_of(c);
        if (!options.json)
            std::printf("%-28s %8.1f %8.1f %8.1f %8.1f\n", c.name.c_str(), r.minimum, r.median, r.p90,
                        r.empty);
        rows.push_back({{"case", c.name},
                        {"min_ns", r.minimum},
                        {"median_ns", r.median},
                        {"p90_ns", r.p90},
                        {"empty_ns", r.empty},
                        {"slices", c.ns.size()}});
    }
    if (options.json)
        std::printf("%s\n", rows.dump(2).c_str());
    else
        std::printf("%-28s %8.1f %8.1f %8.1f\n", "one load from 32 MiB", quantile(memory, 0),
                    quantile(memory, 0.5), quantile(memory, 0.9));
}

Options parse(int argc, char **argv)
{
    static const option known[] = {
        {"case", required_argument, nullptr, 'c'},   {"rounds", required_argument, nullptr, 'r'},
        {"slices", required_argument, nullptr, 's'}, {"json", no_argument, nullptr, 'j'},
        {"list", no_argument, nullptr, 'l'},         {}};
    Options options;
    for (int o; (o = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
        if (o == 'c') {
            if (::regcomp(&options.cases.emplace(), optarg, REG_EXTENDED | REG_NOSUB) != 0) {
                std::fprintf(stderr, "xdp_bench: --case takes a regular expression\n");
                std::exit(2);
            }
        } else if (o == 'r') {
            options.rounds = static_cast<u32>(std::max(std::atoi(optarg), 1));
        } else if (o == 's') {
            options.slices = static_cast<u32>(std::max(std::atoi(optarg), 1));
        } else if (o == 'j') {
            options.json = true;
        } else if (o == 'l') {
            options.list = true;
        } else {
            std::fprintf(stderr,
                         "usage: xdp_bench [--case REGEX] [--rounds N] [--slices N] [--json] [--list]\n");
            std::exit(2);
        }
    }
    return options;
}

} // namespace

int main(int argc, char **argv)
try {
    const Options options = parse(argc, argv);
    std::vector<Case> cases;
    for (Case &c : all_cases())
        if (!options.cases || ::regexec(&*options.cases, c.name.c_str(), 0, nullptr, 0) == 0)
            cases.push_back(std::move(c));
    if (options.list) {
        for (const Case &c : cases)
            std::puts(c.name.c_str());
        return 0;
    }
    if (cases.empty()) {
        std::fprintf(stderr, "xdp_bench: no such case; --list shows all\n");
        return 2;
    }
    Target l2(AYA_OUTER_NONE), ipip(AYA_OUTER_IPV4);
    std::vector<std::unique_ptr<Driver>> drivers;
    for (const Case &c : cases)
        drivers.push_back(std::make_unique<Driver>(c));
    MemoryLatency memory;
    std::vector<double> memory_ns;
    for (u32 round = 0; round < options.rounds; round++)
        for (size_t i = 0; i < cases.size(); i++) {
            visit(cases[i], *drivers[i], cases[i].encap == AYA_OUTER_NONE ? l2 : ipip, options.slices);
            for (u32 slice = 0; slice < 8; slice++)
                memory_ns.push_back(memory.slice());
        }
    print(cases, memory_ns, options);
} catch (const BpfError &error) {
    std::fprintf(stderr, "xdp_bench: %s\n", error.what());
    return 1;
}
