// SPDX-License-Identifier: BSD-2-Clause
//
// The core's functions, one packet at a time: what the other paths are held against.
#include "core_path.hpp"

#include "path.hpp"

namespace aya::test
{

namespace
{

class Core final : public Path
{
public:
    Core(const Tables &tables, u32 sets) : core_(&view_, sets) { publish(tables); }

    const char *name() const override { return "core"; }
    void publish(const Tables &tables) override { view_ = view_with(tables, ledger_, buckets_); }

    std::vector<Handled> run(const std::vector<Bytes> &frames, u16 tick) override
    {
        core_.now = tick;
        std::vector<Handled> all;
        for (const Bytes &frame : frames) {
            Outcome outcome = core_.run(frame);
            if (outcome.action == AYA_ACTION_REPLY && !allow_replies_)
                refuse(outcome);
            count(frame, outcome);
            const bool is_sent = outcome.action == AYA_ACTION_FORWARD;
            all.push_back({.action = outcome.action,
                           .reason = outcome.reason,
                           .backend = is_sent ? outcome.backend : u32{AYA_BACKEND_NONE},
                           .egress_port = is_sent ? outcome.egress_port : u16{AYA_PORT_NONE},
                           .out = std::move(outcome.out)});
        }
        return all;
    }

    void allow_replies(bool allowed) override { allow_replies_ = allowed; }
    void use_up(u32 used) override { buckets_.use_up(used); }
    Ledger ledger() const override { return ledger_; }
    std::vector<aya_flow_set> flows() const override { return core_.flows(); }
    void restore(const Ledger &ledger, const std::vector<aya_flow_set> &flows) override
    {
        ledger_ = ledger;
        core_.flows() = flows;
    }
    void set_sibling(const std::vector<aya_flow_set> &flows) override { core_.sibling_flows() = flows; }

private:
    static void refuse(Outcome &outcome)
    {
        outcome.reason = aya_reply_refused(outcome.reason);
        outcome.action = AYA_ACTION_DROP;
        outcome.out.clear();
    }

    void count(const Bytes &frame, const Outcome &outcome)
    {
        aya_worker_totals &totals = ledger_.totals;
        totals.rx_packets++;
        totals.rx_bytes += frame.size();
        totals.reasons[outcome.reason]++;
        for (u32 bit = 0; bit < AYA_NOTES; bit++)
            totals.reasons[AYA_REASON_FLOW_NEW + bit] += outcome.notes >> bit & 1;
        if (outcome.notes & AYA_NOTE_NEW)
            ledger_.services[outcome.service].new_flows++;
        if (outcome.action == AYA_ACTION_FORWARD) {
            ledger_.services[outcome.service].packets++;
            ledger_.services[outcome.service].bytes += outcome.packet.l3_length;
            ledger_.backends[outcome.backend].packets++;
            ledger_.backends[outcome.backend].bytes += outcome.packet.l3_length;
        }
        if (!outcome.out.empty()) {
            totals.tx_packets++;
            totals.tx_bytes += outcome.out.size();
        }
    }

    aya_view view_;
    CorePath core_;
    Ledger ledger_;
    Buckets buckets_;
    bool allow_replies_ = true;
};

const PathKind kind("core", [](const Tables &tables, u32 sets) -> std::unique_ptr<Path> {
    return std::make_unique<Core>(tables, sets);
});

} // namespace

} // namespace aya::test
