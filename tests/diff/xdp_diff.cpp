// SPDX-License-Identifier: BSD-2-Clause
//
// The same packets through the C++ core and through the loaded XDP program (BPF_PROG_TEST_RUN): verdict,
// bytes, flow table and counters must be equal, while the tables change in between.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "core_path.hpp"
#include "loader.hpp"
#include "random_packets.hpp"
#include "table_builder.hpp"

namespace aya::test
{

namespace
{

constexpr u32 kSets = 256;

u16 tick_now()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now); // what bpf_ktime_get_coarse_ns reads
    return aya_tick(static_cast<u64>(now.tv_sec) * 1000000000ull + static_cast<u64>(now.tv_nsec));
}

struct KernelRun {
    u32 action;
    Bytes out;
};

std::string hex(const Bytes &bytes)
{
    std::string text;
    char two[3];
    for (u8 byte : bytes) {
        std::snprintf(two, sizeof(two), "%02x", byte);
        text += two;
    }
    return text;
}

class XdpDiff : public ::testing::Test
{
protected:
    static ForwardSizes sizes(const Tables &tables)
    {
        return {.capacities = {.services = static_cast<u32>(tables.services().size()),
                               .backends = static_cast<u32>(tables.backends().size()),
                               .vips = Tables::kVips,
                               .lookup_slots = static_cast<u32>(tables.lookup().size())},
                .queues = 1,
                .flow_sets = kSets,
                .port_index = 0};
    }

    XdpDiff()
    {
        web_ =
            tables_.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp", "203.0.113.10:443/udp"});
        dns_ =
            tables_.add_service({"203.0.113.11:0/udp", "[2001:db8::11]:0/udp"}, AYA_SERVICE_AFFINITY_SOURCE);
        bare_ = tables_.add_service({"203.0.113.12:80/tcp", "[2001:db8::12]:80/tcp"}, AYA_SERVICE_STATELESS);
        const Encap encaps[] = {{},
                                ipip("192.0.2.1", "10.0.1.11"),
                                ipip("2001:db8:b::1", "2001:db8:b::11"),
                                gue("192.0.2.1", "10.0.1.12"),
                                gue("2001:db8:b::1", "2001:db8:b::12")};
        for (u16 service : {web_, dns_, bare_})
            for (u32 i = 0; i < 10; i++)
                backends_.push_back(tables_.add_backend(
                    service,
                    {.encap = encaps[i % 5], .egress_port = static_cast<u16>(i == 6 ? 1 : 0), .mtu = 1300}));
        for (u16 service : {web_, dns_, bare_})
            reschedule(service);
        u32 port = 1, loopback = 1;
        bpf_map_update_elem(program_.map_fd("tx_ports"), &port, &loopback, 0);
        publish();
    }

    // A lookup table over the service's backends that are up; with few slots, so that all are used.
    void reschedule(u16 service)
    {
        std::vector<u32> up;
        for (u32 id : backends_)
            if (tables_.backend(id).service == service && tables_.backend(id).state == AYA_BACKEND_UP)
                up.push_back(id);
        std::vector<u32> slots(up.empty() ? 0 : 61);
        for (u32 i = 0; i < slots.size(); i++)
            slots[i] = up[(i * 7 + packets_.below(3)) % up.size()];
        tables_.set_lookup(service, slots);
    }

    // As the publisher does: the inactive slot, then the flip.
    void publish()
    {
        const u64 next = program_.control()->generation + 1;
        const ForwardSlot &slot = program_.slot(next);
        *slot.settings = tables_.settings();
        std::copy(tables_.vips().begin(), tables_.vips().end(), slot.vips);
        std::copy(tables_.services().begin(), tables_.services().end(), slot.services);
        std::copy(tables_.backends().begin(), tables_.backends().end(), slot.backends);
        std::copy(tables_.lookup().begin(), tables_.lookup().end(), program_.lookup());
        program_.control()->generation = next;
    }

    void change_something()
    {
        const u32 id = backends_[packets_.below(static_cast<u32>(backends_.size()))];
        aya_backend &backend = tables_.backend(id);
        switch (packets_.below(5)) {
        case 0:
            tables_.take_down(id);
            break;
        case 1:
            backend.state = AYA_BACKEND_DRAINING;
            break;
        case 2:
            backend.egress_port = packets_.below(4) ? u16{0} : u16{AYA_PORT_NONE};
            break;
        case 3:
            tables_.service(backend.service).previous_size = 0;
            break;
        default:
            backend.state = AYA_BACKEND_UP;
        }
        if (room_for_lookup_-- > 0)
            reschedule(backend.service);
        publish();
    }

    KernelRun run_kernel(Bytes frame)
    {
        aya_reply_limit limit{~u64{0} / 2,
                              AYA_REPLIES_BURST}; // refilled in the far future: never earns, never empty
        u32 zero = 0;
        bpf_map_update_elem(program_.map_fd("reply_limits"), &zero, &limit, 0);
        Bytes out(4096);
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
                    .data_size_in = static_cast<u32>(frame.size()), .data_size_out = 4096, .repeat = 1);
        if (bpf_prog_test_run_opts(program_.program_fd(), &options) != 0)
            throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(errno));
        out.resize(options.data_size_out);
        return {options.retval, std::move(out)};
    }

    static u32 expected_action(const Outcome &outcome)
    {
        switch (outcome.action) {
        case AYA_ACTION_FORWARD:
            return outcome.egress_port == 0 ? XDP_TX : XDP_REDIRECT;
        case AYA_ACTION_REPLY:
            return XDP_TX;
        case AYA_ACTION_PUNT:
            return XDP_PASS;
        default:
            return XDP_DROP;
        }
    }

    void tally(const Outcome &outcome)
    {
        reasons_[outcome.reason]++;
        for (u32 bit = 0; bit < AYA_NOTES; bit++)
            reasons_[AYA_REASON_FLOW_NEW + bit] += outcome.notes >> bit & 1;
        if (outcome.notes & AYA_NOTE_NEW)
            new_flows_of_[outcome.service]++;
        if (outcome.action == AYA_ACTION_FORWARD) {
            packets_of_[outcome.backend]++;
            bytes_of_[outcome.backend] += outcome.packet.l3_length;
        }
    }

    // One packet both ways. False if the clock ticked between, when the two may rightly differ.
    bool compare(const Bytes &frame)
    {
        core_.now = tick_now();
        const Outcome outcome = core_.run(frame);
        const KernelRun kernel = run_kernel(frame);
        tally(outcome);
        if (tick_now() != core_.now) {
            std::memcpy(core_.flows().data(), program_.flows(0), kSets * sizeof(aya_flow_set));
            return false;
        }
        EXPECT_EQ(kernel.action, expected_action(outcome)) << "reason " << outcome.reason << "\n"
                                                           << hex(frame);
        if (outcome.action == AYA_ACTION_FORWARD || outcome.action == AYA_ACTION_REPLY) {
            EXPECT_EQ(hex(kernel.out), hex(outcome.out)) << "reason " << outcome.reason << "\n" << hex(frame);
        }
        return true;
    }

    void compare_flow_tables()
    {
        const aya_flow_set *kernel = program_.flows(0);
        for (u32 set = 0; set < kSets; set++)
            ASSERT_EQ(std::memcmp(&kernel[set], &core_.flows()[set], sizeof(aya_flow_set)), 0)
                << "set " << set;
    }

    Tables tables_;
    u16 web_, dns_, bare_;
    std::vector<u32> backends_{};
    int room_for_lookup_ = 2000;
    RandomPackets packets_{20261121,
                           {.ipv4 = {"203.0.113.10", "203.0.113.11", "203.0.113.12", "203.0.113.99"},
                            .ipv6 = {"2001:db8::10", "2001:db8::11", "2001:db8::12", "2001:db8::99"},
                            .ports = {443, 443, 53, 80, 1234}}};
    ForwardProgram program_{sizes(tables_)};
    CorePath core_{tables_.view(), kSets};
    u64 reasons_[64]{}, new_flows_of_[16]{};
    std::vector<u64> packets_of_ = std::vector<u64>(256), bytes_of_ = std::vector<u64>(256);
};

} // namespace

TEST_F(XdpDiff, RandomAndDamagedPacketsGetTheSameVerdictBytesFlowsAndCountersWhileTablesChange)
{
    const char *count = std::getenv("AYA_DIFF_PACKETS");
    const u64 total = count ? std::strtoull(count, nullptr, 10) : 1000000;
    u64 ticks = 0;
    for (u64 i = 0; i < total && !HasFailure(); i++) {
        if (i % 499 == 0)
            change_something();
        ticks += !compare(packets_.next());
        if (i % 10007 == 0)
            compare_flow_tables();
    }
    EXPECT_LT(ticks, total / 1000 + 100);
    for (u32 reason = 0; reason < AYA_REASON_COUNT; reason++)
        EXPECT_NEAR(static_cast<double>(program_.totals(0)->reasons[reason]),
                    static_cast<double>(reasons_[reason]), static_cast<double>(ticks))
            << "reason " << reason;
    for (u16 service : {web_, dns_, bare_})
        EXPECT_NEAR(static_cast<double>(program_.service_counters(0)[service].new_flows),
                    static_cast<double>(new_flows_of_[service]), static_cast<double>(ticks));
    for (u32 id : backends_) {
        EXPECT_NEAR(static_cast<double>(program_.backend_counters(0)[id].packets),
                    static_cast<double>(packets_of_[id]), static_cast<double>(ticks));
        EXPECT_NEAR(static_cast<double>(program_.backend_counters(0)[id].bytes),
                    static_cast<double>(bytes_of_[id]), static_cast<double>(ticks) * 1500);
    }
    // A run that met nothing proves nothing.
    for (aya_reason met : {AYA_REASON_NONE,
                           AYA_REASON_PUNT_NO_VIP,
                           AYA_REASON_PUNT_PROTOCOL,
                           AYA_REASON_PUNT_ICMP,
                           AYA_REASON_PUNT_MULTICAST,
                           AYA_REASON_REPLY_ECHO,
                           AYA_REASON_REPLY_TIME_EXCEEDED,
                           AYA_REASON_REPLY_TOO_BIG,
                           AYA_REASON_TRUNCATED,
                           AYA_REASON_BAD_IP_VERSION,
                           AYA_REASON_BAD_IP_HEADER,
                           AYA_REASON_BAD_IP_LENGTH,
                           AYA_REASON_BAD_L4_HEADER,
                           AYA_REASON_BAD_ADDRESS,
                           AYA_REASON_VLAN_DEPTH,
                           AYA_REASON_IPV6_EXTENSIONS,
                           AYA_REASON_FRAGMENT,
                           AYA_REASON_BACKEND_UNREACHABLE,
                           AYA_REASON_FLOW_NEW,
                           AYA_REASON_FLOW_PREVIOUS,
                           AYA_REASON_FLOW_RESCHEDULED,
                           AYA_REASON_FLOW_EVICTED})
        EXPECT_GT(reasons_[met], 0u) << "no packet met reason " << met;
}

} // namespace aya::test

int main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    if (::geteuid() != 0) {
        std::puts("SKIP: loading a BPF program needs root");
        return 77;
    }
    return RUN_ALL_TESTS();
}
