// SPDX-License-Identifier: BSD-2-Clause
//
// How much a worker spends on packets that are not forwarded. Whatever a stranger can ask for has a budget of
// its own, so that nobody can take what another kind needs.
#ifndef AYA_BUDGETS_H
#define AYA_BUDGETS_H

#include "aya/flow.h"
#include "aya/hash.h"
#include "aya/types.h"

enum { AYA_SOURCE_LIMITS = 64 }; // a power of two

struct aya_limit { // a token bucket
    u64 refilled_ns;
    u64 tokens;
};

// Budgets by a hash of the source. A source shares its budget with few others; if it asks for too much, only
// these go short.
struct aya_source_limits {
    struct aya_limit of[AYA_SOURCE_LIMITS];
};

struct aya_limits { // one per worker
    struct aya_limit reply_echo;
    struct aya_limit reply_time_exceeded;
    struct aya_limit punt_rest;
    struct aya_limit reply_reset;
    struct aya_limit reply_backend_down;
    struct aya_source_limits reply_too_big;
    struct aya_source_limits punt_opening;
};

AYA_INLINE int aya_take_token(struct aya_limit *limit, u64 now_ns, const u64 per_second, const u64 burst)
{
    const u64 interval = 1000000000ull / per_second;
    u64 earned = now_ns > limit->refilled_ns ? (now_ns - limit->refilled_ns) / interval : 0;
    if (earned) {
        limit->tokens += earned;
        limit->refilled_ns += earned * interval;
        if (limit->tokens >= burst) {
            limit->tokens = burst;
            limit->refilled_ns = now_ns;
        }
    }
    if (limit->tokens == 0)
        return 0;
    limit->tokens--;
    return 1;
}

// By source alone: whoever asks for another port each time gets no more.
AYA_INLINE int aya_take_source_token(struct aya_source_limits *limits, const struct aya_hash_key *key,
                                     const struct aya_flow *flow, u64 now_ns, const u64 per_second,
                                     const u64 burst)
{
    const be32 none[4] = {{0}, {0}, {0}, {0}};
    const be32 net[4] = {flow->src[0], flow->src[1], {0}, {0}}; // hosts choose the rest of an IPv6 address
    u64 hash = flow->family == AYA_IPV4 ? aya_hash_ipv4(key, flow->src[3].raw, 0, 0, 0)
                                        : aya_hash_ipv6(key, net, none, 0, 0);
    u32 budget = (u32)(hash >> 32) & (AYA_SOURCE_LIMITS - 1);
    return aya_take_token(&limits->of[budget], now_ns, per_second, burst);
}

#endif
