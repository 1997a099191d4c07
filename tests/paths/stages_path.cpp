// SPDX-License-Identifier: BSD-2-Clause
//
// The DPDK stages on real mbufs. Ports are outboxes here; what a worker does around the stages (receiving,
// sending, and counting both) is done here as well.
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "burst.hpp"
#include "path.hpp"

namespace aya::test
{

namespace
{

constexpr u32 kPorts = 2;

// No huge pages, no devices, no files: beside any data plane.
void start_eal()
{
    const char *text[] = {"paths",    "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "64",
                          "--lcores", "0@0",       "--iova-mode", "va",       "--log-level",    "4"};
    std::vector<char *> arguments;
    for (const char *argument : text)
        arguments.push_back(const_cast<char *>(argument));
    if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0)
        throw std::runtime_error(std::string("rte_eal_init: ") + rte_strerror(rte_errno));
}

struct Machine {
    rte_mempool *pool = nullptr;
    rte_ring *punt = nullptr;

    Machine()
    {
        start_eal();
        pool = rte_pktmbuf_pool_create("paths", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
        punt = rte_ring_create("punt", 64, SOCKET_ID_ANY, 0);
        if (pool == nullptr || punt == nullptr)
            throw std::runtime_error(std::string("no packet pool: ") + rte_strerror(rte_errno));
    }
    ~Machine() { rte_eal_cleanup(); }
};

Machine &machine()
{
    static Machine one; // the EAL starts once a process
    return one;
}

class Stages final : public Path
{
public:
    Stages(const Tables &tables, u32 sets) : sets_(sets)
    {
        publish(tables);
        context_.view = &view_;
        context_.sets = sets_.data();
        context_.set_mask = sets - 1;
        context_.port_count = kPorts;
        context_.counters = {.totals = &ledger_->totals,
                             .services = ledger_->services,
                             .backends = ledger_->backends,
                             .service_count = Tables::kServices,
                             .backend_count = Tables::kBackends};
        context_.outboxes = outboxes_;
        context_.sends_segments = sends_segments_;
        context_.punt = &punt_;
        context_.now_ns = 1'000'000'000;
    }

    const char *name() const override { return "stages"; }
    void publish(const Tables &tables) override
    {
        view_ = view_with(tables, *ledger_, buckets_);
        burst_->vips.clear();
    }
    void allow_replies(bool allowed) override { allow_replies_ = allowed; }
    void use_up(u32 used) override { buckets_.use_up(used); }

    std::vector<Handled> run(const std::vector<Bytes> &frames, u16 tick) override
    {
        context_.tick = tick;
        context_.limits = limits_with(allow_replies_ ? AYA_REPLIES_BURST : 0, context_.now_ns);
        burst_->count = static_cast<u32>(frames.size());
        for (u32 i = 0; i < burst_->count; i++) {
            burst_->mbuf[i] = mbuf_of(frames[i]);
            ledger_->totals.rx_packets++;
            ledger_->totals.rx_bytes += frames[i].size();
        }
        process_burst(*burst_, context_);
        std::vector<Handled> all(frames.size());
        settle(all);
        take_sent(all);
        take_punted(all, frames);
        take_replies(all);
        if (const u32 left = rte_mempool_in_use_count(machine().pool))
            throw std::runtime_error(std::to_string(left) + " packet buffers leaked");
        return all;
    }

    Ledger ledger() const override { return *ledger_; }
    std::vector<aya_flow_set> flows() const override { return sets_; }
    void restore(const Ledger &ledger, const std::vector<aya_flow_set> &flows) override
    {
        *ledger_ = ledger;
        std::copy(flows.begin(), flows.end(), sets_.begin());
    }
    void set_sibling(const std::vector<aya_flow_set> &flows) override
    {
        sibling_sets_ = flows;
        siblings_ = {{.sets = sets_.data(), .set_mask = context_.set_mask},
                     {.sets = sibling_sets_.data(), .set_mask = context_.set_mask}};
        context_.siblings = siblings_;
    }

private:
    static rte_mbuf *mbuf_of(const Bytes &frame)
    {
        rte_mbuf *mbuf = rte_pktmbuf_alloc(machine().pool);
        char *data = mbuf ? rte_pktmbuf_append(mbuf, static_cast<u16>(frame.size())) : nullptr;
        if (data == nullptr)
            throw std::runtime_error("a frame of " + std::to_string(frame.size()) + " bytes has no buffer");
        std::copy(frame.begin(), frame.end(), data);
        return mbuf;
    }

    static Bytes take(rte_mbuf *mbuf)
    {
        const auto *data = rte_pktmbuf_mtod(mbuf, const u8 *);
        Bytes frame(data, data + mbuf->data_len);
        if (mbuf->pkt_len != mbuf->data_len || mbuf->nb_segs != 1)
            throw std::runtime_error("a packet buffer's lengths disagree");
        rte_pktmbuf_free(mbuf);
        return frame;
    }

    u32 index_of(const rte_mbuf *mbuf) const
    {
        for (u32 i = 0; i < burst_->count; i++)
            if (burst_->mbuf[i] == mbuf)
                return i;
        throw std::runtime_error("a packet left that did not come");
    }

    // What the stages say, before looking where the packets are.
    void settle(std::vector<Handled> &all) const
    {
        for (u32 k = 0; k < burst_->rest_count; k++) {
            const u32 i = burst_->rest[k];
            all[i].reason = static_cast<aya_reason>(burst_->verdict[i].reason);
        }
    }

    Bytes send(rte_mbuf *mbuf, aya_reason reason)
    {
        ledger_->totals.tx_packets++;
        ledger_->totals.tx_bytes += mbuf->pkt_len;
        ledger_->totals.reasons[reason]++;
        return take(mbuf);
    }

    u32 backend_of(u32 index) const
    {
        const bool is_plain = (burst_->plain >> index & 1) != 0;
        return is_plain ? static_cast<u32>(burst_->backend[index] - context_.view->backends)
                        : burst_->verdict[index].backend_id;
    }

    void take_sent(std::vector<Handled> &all)
    {
        for (u16 port = 0; port < kMaxPorts; port++) {
            Outbox &outbox = outboxes_[port];
            for (u32 i = 0; i < outbox.count; i++) {
                const u32 index = index_of(outbox.packets[i]);
                all[index] = {.action = AYA_ACTION_FORWARD,
                              .backend = backend_of(index),
                              .egress_port = port,
                              .out = send(outbox.packets[i], AYA_REASON_NONE)};
            }
            outbox.count = 0;
        }
    }

    void take_punted(std::vector<Handled> &all, const std::vector<Bytes> &frames)
    {
        void *mbuf = nullptr;
        while (rte_ring_dequeue(machine().punt, &mbuf) == 0) {
            const u32 index = index_of(static_cast<rte_mbuf *>(mbuf));
            all[index].action = AYA_ACTION_PUNT;
            if (take(static_cast<rte_mbuf *>(mbuf)) != frames[index])
                throw std::runtime_error("a frame that goes to the kernel was changed");
        }
    }

    void take_replies(std::vector<Handled> &all)
    {
        for (u32 k = 0; k < burst_->rest_count; k++) {
            const u32 i = burst_->rest[k];
            if (aya_action_of(all[i].reason) != AYA_ACTION_REPLY)
                continue;
            all[i].action = AYA_ACTION_REPLY;
            all[i].out = send(burst_->mbuf[i], all[i].reason);
        }
    }

    std::unique_ptr<Burst> burst_ = std::make_unique<Burst>();
    std::unique_ptr<Ledger> ledger_ = std::make_unique<Ledger>();
    Buckets buckets_;
    std::vector<aya_flow_set> sets_;
    std::vector<aya_flow_set> sibling_sets_;
    std::vector<SiblingFlows> siblings_;
    BurstContext context_;
    aya_view view_{};
    const PuntRings punt_ = [] {
        PuntRings rings{};
        rings.fill(machine().punt);
        return rings;
    }();
    Outbox outboxes_[kMaxPorts];
    bool sends_segments_[kMaxPorts] = {true, true};
    bool allow_replies_ = true;
};

const PathKind kind("stages", [](const Tables &tables, u32 sets) -> std::unique_ptr<Path> {
    return std::make_unique<Stages>(tables, sets);
});

} // namespace

} // namespace aya::test
