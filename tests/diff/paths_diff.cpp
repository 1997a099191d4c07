// SPDX-License-Identifier: BSD-2-Clause
//
// The same packets, in the same bursts, through every path that this program is linked with, while the tables
// change in between: verdicts, backends, bytes, flow tables and all counters must be equal after each burst.
//
//     paths_diff [PACKETS [SEED]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "path.hpp"
#include "scene.hpp"

namespace aya::test
{

namespace
{

constexpr u32 kSets = 256;

class Diff
{
public:
    explicit Diff(u64 seed) : scene_(seed)
    {
        for (const PathKind::Entry &kind : PathKind::all()) {
            if (kind.name == "core")
                core_ = kind.make(scene_.tables(), kSets);
            else
                others_.push_back(kind.make(scene_.tables(), kSets));
        }
    }

    std::size_t paths() const { return 1 + others_.size(); }

    bool run(u64 total)
    {
        for (u64 next_change = 0; packets_ < total;) {
            if (packets_ >= next_change) {
                next_change += 499;
                scene_.change_something();
                for (const auto &path : others_)
                    path->publish(scene_.tables());
                const u32 used_up = scene_.below(8);
                for (Path *path : all_paths())
                    path->use_up(used_up);
                if (scene_.below(8) == 0)
                    change_queues();
            }
            std::vector<Bytes> burst;
            for (u32 count = 1 + scene_.below(Path::kMostFrames); count > 0; count--)
                burst.push_back(scene_.next_packet());
            if (!compare(burst))
                return false;
        }
        return met_everything(total) && few_ticks();
    }

    void report() const
    {
        std::printf("%llu packets in %llu bursts, the clock ticked in %llu of them\n", packets_, bursts_,
                    ticks_);
        const Ledger ledger = core_->ledger();
        for (u32 reason = 0; reason < AYA_REASON_COUNT; reason++)
            if (ledger.totals.reasons[reason] != 0)
                std::printf("  %-22s %llu\n", reason_name(reason),
                            static_cast<unsigned long long>(ledger.totals.reasons[reason]));
    }

private:
    // From now on another queue has the flows of before.
    void change_queues()
    {
        const std::vector<aya_flow_set> flows = core_->flows(), none(kSets);
        const Ledger ledger = core_->ledger();
        for (Path *path : all_paths()) {
            path->set_sibling(flows);
            path->restore(ledger, none);
        }
    }

    std::vector<Path *> all_paths() const
    {
        std::vector<Path *> all{core_.get()};
        for (const auto &path : others_)
            all.push_back(path.get());
        return all;
    }

    bool compare(const std::vector<Bytes> &burst)
    {
        packets_ += burst.size();
        bursts_++;
        const bool replies = scene_.below(16) != 0; // or their limit is reached
        core_->allow_replies(replies);
        for (const auto &path : others_)
            path->allow_replies(replies);
        const u16 tick = tick_now();
        const std::vector<Handled> expected = core_->run(burst, tick);
        std::vector<std::vector<Handled>> got;
        for (const auto &path : others_)
            got.push_back(path->run(burst, tick));
        if (tick_now() != tick) { // the kernel's clock cannot be held: paths may rightly differ
            ticks_++;
            for (const auto &path : others_)
                path->restore(core_->ledger(), core_->flows());
            return true;
        }
        bool equal = true;
        for (std::size_t i = 0; i < others_.size(); i++)
            equal = same(*others_[i], burst, expected, got[i]) && equal;
        return equal;
    }

    bool same(const Path &path, const std::vector<Bytes> &burst, const std::vector<Handled> &expected,
              const std::vector<Handled> &got) const
    {
        for (std::size_t i = 0; i < burst.size(); i++) {
            if (got[i] == expected[i])
                continue;
            std::printf("packet %zu of %zu in burst %llu differs\n  in     %s\n", i + 1, burst.size(),
                        bursts_, hex(burst[i]).c_str());
            print("core", expected[i]);
            print(path.name(), got[i]);
            return false;
        }
        return same_flows(path) && same_ledgers(path);
    }

    bool same_flows(const Path &path) const
    {
        const auto expected = core_->flows(), got = path.flows();
        for (u32 set = 0; set < kSets; set++) {
            if (std::memcmp(&expected[set], &got[set], sizeof(aya_flow_set)) == 0)
                continue;
            std::printf("set %u of the flow table differs after burst %llu: core, %s\n", set, bursts_,
                        path.name());
            for (const aya_flow_set *one : {&expected[set], &got[set]})
                for (const aya_flow_entry &way : one->way)
                    std::printf("  tag %08x service %u backend %u/%u state %u expires %u\n", way.tag,
                                way.service, way.backend, way.incarnation, way.state, way.expires);
            return false;
        }
        return true;
    }

    bool same_ledgers(const Path &path) const
    {
        const Ledger expected = core_->ledger(), got = path.ledger();
        if (expected == got)
            return true;
        std::printf("counters differ after burst %llu: core, %s\n", bursts_, path.name());
        const auto *a = reinterpret_cast<const u64 *>(&expected), *b = reinterpret_cast<const u64 *>(&got);
        for (std::size_t i = 0; i < sizeof(Ledger) / sizeof(u64); i++)
            if (a[i] != b[i])
                std::printf("  %s: %llu, %llu\n", counter_name(i * sizeof(u64)).c_str(),
                            static_cast<unsigned long long>(a[i]), static_cast<unsigned long long>(b[i]));
        return false;
    }

    static std::string counter_name(std::size_t at)
    {
        if (at >= offsetof(Ledger, loads))
            return "live flows of backend " +
                   std::to_string((at - offsetof(Ledger, loads)) / sizeof(aya_backend_load));
        if (at >= offsetof(Ledger, backends)) {
            at -= offsetof(Ledger, backends);
            return "backend " + std::to_string(at / sizeof(aya_backend_counters)) + " +" +
                   std::to_string(at % sizeof(aya_backend_counters));
        }
        if (at >= offsetof(Ledger, services)) {
            at -= offsetof(Ledger, services);
            return "service " + std::to_string(at / sizeof(aya_service_counters)) + " +" +
                   std::to_string(at % sizeof(aya_service_counters));
        }
        if (at >= offsetof(aya_worker_totals, reasons))
            return std::string("reason ") +
                   reason_name(static_cast<u32>((at - offsetof(aya_worker_totals, reasons)) / sizeof(u64)));
        return "totals +" + std::to_string(at);
    }

    static void print(const char *name, const Handled &handled)
    {
        std::printf("  %-6s %s %s backend %d port %u %s\n", name, action_name(handled.action),
                    reason_name(handled.reason), static_cast<int>(handled.backend), handled.egress_port,
                    hex(handled.out).c_str());
    }

    // A run that met nothing proves nothing.
    bool met_everything(u64 total) const
    {
        bool all = true;
        const Ledger ledger = core_->ledger();
        for (aya_reason reason : {AYA_REASON_NONE,
                                  AYA_REASON_PUNT_NOT_IP,
                                  AYA_REASON_PUNT_NO_VIP,
                                  AYA_REASON_PUNT_PROTOCOL,
                                  AYA_REASON_PUNT_ICMP,
                                  AYA_REASON_PUNT_MULTICAST,
                                  AYA_REASON_PUNT_FRAGMENT,
                                  AYA_REASON_UNSERVED,
                                  AYA_REASON_DENIED,
                                  AYA_REASON_SOURCE_PACKET_LIMIT,
                                  AYA_REASON_PACKET_LIMIT,
                                  AYA_REASON_SOURCE_FLOW_LIMIT,
                                  AYA_REASON_FLOW_LIMIT,
                                  AYA_REASON_FLOW_OVER_LIMIT,
                                  AYA_REASON_WOULD_REFUSE,
                                  AYA_REASON_REPLY_ECHO,
                                  AYA_REASON_REPLY_TIME_EXCEEDED,
                                  AYA_REASON_REPLY_TOO_BIG,
                                  AYA_REASON_REPLY_NO_DF,
                                  AYA_REASON_TRUNCATED,
                                  AYA_REASON_BAD_IP_VERSION,
                                  AYA_REASON_BAD_IP_HEADER,
                                  AYA_REASON_BAD_IP_LENGTH,
                                  AYA_REASON_BAD_L4_HEADER,
                                  AYA_REASON_BAD_ADDRESS,
                                  AYA_REASON_VLAN_DEPTH,
                                  AYA_REASON_IPV6_EXTENSIONS,
                                  AYA_REASON_FRAGMENT,
                                  AYA_REASON_NO_BACKEND,
                                  AYA_REASON_BACKEND_UNREACHABLE,
                                  AYA_REASON_TTL_EXPIRED,
                                  AYA_REASON_TOO_BIG,
                                  AYA_REASON_REPLY_LIMIT,
                                  AYA_REASON_FLOW_NEW,
                                  AYA_REASON_FLOW_PREVIOUS,
                                  AYA_REASON_FLOW_RESCHEDULED,
                                  AYA_REASON_FLOW_EVICTED,
                                  AYA_REASON_FLOW_NOT_REMEMBERED}) {
            if (total >= 100000 && ledger.totals.reasons[reason] == 0) {
                std::printf("no packet met %s\n", reason_name(reason));
                all = false;
            }
        }
        return all;
    }

    bool few_ticks() const
    {
        if (ticks_ * 10 <= bursts_ + 100)
            return true;
        std::puts("the clock ticked in more than a tenth of the bursts");
        return false;
    }

    DiffScene scene_;
    std::unique_ptr<Path> core_;
    std::vector<std::unique_ptr<Path>> others_;
    unsigned long long packets_ = 0, bursts_ = 0, ticks_ = 0;
};

} // namespace

} // namespace aya::test

int main(int argc, char **argv)
{
    const auto &kinds = aya::test::PathKind::all();
    const bool loads_program =
        std::any_of(kinds.begin(), kinds.end(), [](const auto &kind) { return kind.name == "xdp"; });
    if (loads_program && ::geteuid() != 0) {
        std::puts("SKIP: loading a BPF program needs root");
        return 77;
    }
    const unsigned long long packets = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000000;
    const unsigned long long seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20261121;
    aya::test::Diff diff(seed);
    if (diff.paths() < 2) {
        std::puts("nothing to compare the core with");
        return 1;
    }
    const bool equal = diff.run(packets);
    diff.report();
    std::printf("%zu paths %s\n", diff.paths(), equal ? "agree" : "DISAGREE");
    return equal ? 0 : 1;
}
