// SPDX-License-Identifier: BSD-2-Clause
//
// A way from tables and frames to what leaves, behind one face: the core's functions, the DPDK stages on real
// mbufs, the loaded XDP program. A path is in a program if the program is linked with it.
#pragma once

#include <algorithm>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "aya/budgets.h"
#include "aya/counters.h"
#include "aya/forward.h"
#include "aya/reply.h"
#include "bytes.hpp"
#include "common/reasons.hpp"
#include "table_builder.hpp"

namespace aya::test
{

// What a path made of one packet.
struct Handled {
    aya_action action = AYA_ACTION_DROP;
    aya_reason reason = AYA_REASON_NONE;
    u32 backend = AYA_BACKEND_NONE;  // FORWARD
    u16 egress_port = AYA_PORT_NONE; // FORWARD
    Bytes out{};                     // FORWARD, REPLY

    bool operator==(const Handled &) const = default;
};

// All that a path has counted.
struct Ledger {
    aya_worker_totals totals{};
    aya_service_counters services[Tables::kServices]{};
    aya_backend_counters backends[Tables::kBackends]{};
    aya_backend_load loads[Tables::kBackends]{};

    bool operator==(const Ledger &other) const { return std::memcmp(this, &other, sizeof(*this)) == 0; }
};

// What limits go by: buckets that have a token for everything, or none for anything, whatever time it is.
struct Buckets {
    std::vector<aya_buckets> services = std::vector<aya_buckets>(Tables::kServices);
    std::vector<u64> sources = std::vector<u64>(2 * AYA_SOURCE_BUCKETS);

    enum Used : u32 { packets = 1, flows = 2, of_sources = 4 };

    static u64 full_at(bool is_used_up) { return is_used_up ? ~u64{0} >> 2 : 0; }

    // `used`: a sum of Used.
    void use_up(u32 used)
    {
        for (aya_buckets &bucket : services)
            bucket = {.packets = full_at(used & packets), .flows = full_at(used & flows)};
        std::fill(sources.begin(), sources.end(), full_at(used & of_sources));
    }
};

// The tables as a worker sees them that counts in this ledger.
inline aya_view view_with(const Tables &tables, Ledger &ledger, Buckets &buckets)
{
    aya_view view = *tables.view();
    view.own = ledger.services;
    view.own_count = Tables::kServices;
    view.loads = ledger.loads;
    view.load_count = Tables::kBackends;
    view.buckets = buckets.services.data();
    view.bucket_count = Tables::kServices;
    view.source_buckets = buckets.sources.data();
    view.reasons = ledger.totals.reasons;
    view.now_ns = 1'000'000'000;
    return view;
}

// Of one RX queue of port 0; port 1 exists too.
inline aya_limits limits_with(u64 replies, u64 now_ns)
{
    const aya_limit reply{now_ns, replies};
    aya_limits limits{};
    limits.reply_echo = limits.reply_time_exceeded = limits.reply_reset = limits.reply_backend_down = reply;
    std::fill(std::begin(limits.reply_too_big.of), std::end(limits.reply_too_big.of), reply);
    return limits;
}

class Path
{
public:
    static constexpr std::size_t kMostFrames = 32;

    virtual ~Path() = default;

    virtual const char *name() const = 0;
    virtual void publish(const Tables &tables) = 0;
    // At most kMostFrames, as one burst, in their order.
    virtual std::vector<Handled> run(const std::vector<Bytes> &frames, u16 tick) = 0;
    // The shortest frame that it can be given.
    virtual std::size_t least_bytes() const { return 0; }
    // False: the limit of replies is reached.
    virtual void allow_replies(bool allowed) = 0;

    // Buckets::Used: what is used up, and what has tokens for all.
    virtual void use_up(u32 used) = 0;

    virtual Ledger ledger() const = 0;
    virtual std::vector<aya_flow_set> flows() const = 0;
    virtual void restore(const Ledger &ledger, const std::vector<aya_flow_set> &flows) = 0;
    // The flow table of another queue, as many sets; that queue receives nothing.
    virtual void set_sibling(const std::vector<aya_flow_set> &flows) = 0;
};

// Registers a kind of path when the program starts.
class PathKind
{
public:
    using Make = std::unique_ptr<Path> (*)(const Tables &tables, u32 flow_sets);

    PathKind(std::string name, Make make) { all().push_back({std::move(name), make}); }

    struct Entry {
        std::string name;
        Make make;
    };

    static std::vector<Entry> &all()
    {
        static std::vector<Entry> kinds;
        return kinds;
    }
};

// The tick of this moment: what the XDP program reads too.
inline u64 coarse_now_ns()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<u64>(now.tv_sec) * 1000000000ull + static_cast<u64>(now.tv_nsec);
}

inline u16 tick_now()
{
    return aya_tick(coarse_now_ns());
}

inline std::string hex(const Bytes &bytes)
{
    constexpr const char *digits = "0123456789abcdef";
    std::string text;
    for (u8 byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

inline const char *action_name(aya_action action)
{
    constexpr const char *names[] = {"forward", "punt", "drop", "reply"};
    return names[action];
}

} // namespace aya::test
