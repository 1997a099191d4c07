// SPDX-License-Identifier: BSD-2-Clause
//
// The XDP program in this kernel, by BPF_PROG_TEST_RUN. Whatever the program does not say by its return value
// is read from what it counts: reason, backend, and that it counts one of each.
#include <algorithm>
#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "copy_tables.hpp"
#include "loader.hpp"
#include "path.hpp"

namespace aya::test
{

namespace
{

constexpr u32 kLargestFrame = 4096;

ForwardSizes sizes_of(const Tables &tables, u32 sets)
{
    return {.capacities = {.services = Tables::kServices,
                           .backends = Tables::kBackends,
                           .vips = Tables::kVips,
                           .lookup_slots = static_cast<u32>(tables.lookup().size())},
            .queues = 2,
            .flow_sets = sets,
            .port_index = 0};
}

class Xdp final : public Path
{
public:
    Xdp(const Tables &tables, u32 sets) : sets_(sets), program_(sizes_of(tables, sets))
    {
        u32 port = 1, loopback = 1;
        if (bpf_map_update_elem(program_.map_fd("tx_ports"), &port, &loopback, 0) != 0)
            throw std::runtime_error(std::string("tx_ports: ") + std::strerror(errno));
        publish(tables);
    }

    const char *name() const override { return "xdp"; }
    std::size_t least_bytes() const override { return 14; } // BPF_PROG_TEST_RUN takes no less

    // As the publisher does: the inactive slot, then the flip.
    void publish(const Tables &tables) override
    {
        const u64 next = program_.control()->generation + 1;
        copy_tables(*tables.view(), program_.slot(next), program_.lookup());
        __atomic_store_n(&program_.control()->generation, next, __ATOMIC_RELEASE);
    }

    void allow_replies(bool allowed) override { allow_replies_ = allowed; }
    void use_up(u32 used) override
    {
        Buckets buckets;
        buckets.use_up(used);
        std::copy(buckets.services.begin(), buckets.services.end(), program_.buckets());
        std::copy(buckets.sources.begin(), buckets.sources.end(), program_.source_buckets());
    }

    std::vector<Handled> run(const std::vector<Bytes> &frames, u16) override
    {
        std::vector<Handled> all;
        for (const Bytes &frame : frames)
            all.push_back(allow_replies_ ? run_with(frame, AYA_REPLIES_BURST) : run_without_replies(frame));
        return all;
    }

    Ledger ledger() const override
    {
        Ledger ledger;
        ledger.totals = *program_.totals(0);
        std::copy_n(program_.service_counters(0), Tables::kServices, ledger.services);
        std::copy_n(program_.backend_counters(0), Tables::kBackends, ledger.backends);
        std::copy_n(program_.flow_loads(0), Tables::kBackends, ledger.loads);
        return ledger;
    }

    std::vector<aya_flow_set> flows() const override
    {
        return {program_.flows(0), program_.flows(0) + sets_};
    }

    void restore(const Ledger &ledger, const std::vector<aya_flow_set> &flows) override
    {
        *program_.totals(0) = ledger.totals;
        std::copy_n(ledger.services, Tables::kServices, program_.service_counters(0));
        std::copy_n(ledger.backends, Tables::kBackends, program_.backend_counters(0));
        std::copy_n(ledger.loads, Tables::kBackends, program_.flow_loads(0));
        std::copy(flows.begin(), flows.end(), program_.flows(0));
    }
    void set_sibling(const std::vector<aya_flow_set> &flows) override
    {
        std::copy(flows.begin(), flows.end(), program_.flows(1));
    }

private:
    // The clock earns replies as it goes, so an attempt counts only while it stands still.
    Handled run_without_replies(const Bytes &frame)
    {
        const Ledger ledger_before = ledger();
        const auto flows_before = flows();
        for (;;) {
            const u64 before = coarse_now_ns();
            Handled handled = run_with(frame, 0);
            if (coarse_now_ns() == before)
                return handled;
            restore(ledger_before, flows_before);
        }
    }

    Handled run_with(const Bytes &frame, u64 replies)
    {
        const aya_limits limits = limits_with(replies, coarse_now_ns());
        u32 zero = 0;
        bpf_map_update_elem(program_.map_fd("limits"), &zero, &limits, 0);
        const Ledger before = ledger();
        Bytes out(kLargestFrame);
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
                    .data_size_in = static_cast<u32>(frame.size()), .data_size_out = kLargestFrame,
                    .repeat = 1);
        if (bpf_prog_test_run_opts(program_.program_fd(), &options) != 0)
            throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(errno));
        out.resize(options.data_size_out);
        return told(options.retval, before, frame, std::move(out));
    }

    Handled told(u32 code, const Ledger &before, const Bytes &frame, Bytes out) const
    {
        Handled handled{.reason = counted_reason(before)};
        const aya_action by_reason = aya_action_of(handled.reason);
        switch (code) {
        case XDP_TX:
            handled.action = by_reason == AYA_ACTION_REPLY ? AYA_ACTION_REPLY : AYA_ACTION_FORWARD;
            break;
        case XDP_REDIRECT:
            handled.action = AYA_ACTION_FORWARD;
            break;
        case XDP_PASS:
            handled.action = AYA_ACTION_PUNT;
            break;
        case XDP_DROP:
            handled.action = AYA_ACTION_DROP;
            break;
        default:
            throw std::runtime_error("XDP verdict " + std::to_string(code));
        }
        if (handled.action != by_reason)
            throw std::runtime_error("XDP verdict " + std::to_string(code) + ", but it counts " +
                                     reason_name(handled.reason));
        if (handled.action == AYA_ACTION_PUNT && out != frame)
            throw std::runtime_error("a frame that goes to the kernel was changed");
        if (handled.action == AYA_ACTION_FORWARD) {
            handled.egress_port = code == XDP_TX ? 0 : 1;
            handled.backend = counted_backend(before);
        }
        if (handled.action == AYA_ACTION_FORWARD || handled.action == AYA_ACTION_REPLY)
            handled.out = std::move(out);
        return handled;
    }

    aya_reason counted_reason(const Ledger &before) const
    {
        u32 found = AYA_REASON_COUNT;
        u64 packets = 0;
        for (u32 reason = 0; reason < AYA_REASON_COUNT; reason++) {
            if (reason >= AYA_REASON_FLOW_NEW)
                continue; // counted beside the packet's reason
            const u64 more = program_.totals(0)->reasons[reason] - before.totals.reasons[reason];
            packets += more;
            if (more != 0)
                found = reason;
        }
        if (packets != 1)
            throw std::runtime_error("one packet counted " + std::to_string(packets) + " reasons");
        return static_cast<aya_reason>(found);
    }

    u32 counted_backend(const Ledger &before) const
    {
        for (u32 id = 0; id < Tables::kBackends; id++)
            if (program_.backend_counters(0)[id].packets != before.backends[id].packets)
                return id;
        return AYA_BACKEND_NONE;
    }

    u32 sets_;
    ForwardProgram program_;
    bool allow_replies_ = true;
};

const PathKind kind("xdp", [](const Tables &tables, u32 sets) -> std::unique_ptr<Path> {
    return std::make_unique<Xdp>(tables, sets);
});

} // namespace

} // namespace aya::test
