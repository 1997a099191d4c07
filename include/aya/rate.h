// SPDX-License-Identifier: BSD-2-Clause
//
// Rates that all workers of a machine share. A bucket is one word: the time at which it will be full again
// (the generic cell rate algorithm, ITU-T I.371). A token moves that time on by a second's share; a bucket
// has room while it would be full within a second. So a limit of N per second lets N pass at once, and N a
// second for as long as one likes.
//
// Workers add to the word and never lock it, so what one worker leaves the others can use, and a limit is the
// same whether its packets come to one queue or to all. Workers that ask at the same moment may take the same
// token: up to one more for each of them passes, and the bucket has room again as much later.
#ifndef AYA_RATE_H
#define AYA_RATE_H

#include "aya/types.h"

// Times are in sixteenths of a nanosecond, so that a share of 10^8 per second is still right to 1 %.
#define AYA_RATE_SECOND (1000000000ull << 4)

enum { AYA_RATE_MOST = 100000000 }; // per second

// What a token costs, 1 <= per_second <= AYA_RATE_MOST. 0: there is no limit.
AYA_INLINE u64 aya_rate_cost(u32 per_second)
{
    return per_second ? AYA_RATE_SECOND / per_second : 0;
}

AYA_INLINE int aya_bucket_has_room(const u64 *full_at, u64 now, u64 cost)
{
    return aya_peek_u64(full_at) + cost <= now + AYA_RATE_SECOND;
}

AYA_INLINE void aya_bucket_take(u64 *full_at, u64 now, u64 cost)
{
    if (aya_peek_u64(full_at) < now)
        aya_poke_u64(full_at, now + cost);
    else
        aya_add_u64(full_at, cost);
}

// A token for one packet at `now_ns`. `cost` may be 0.
AYA_INLINE int aya_take_from(u64 *full_at, u64 now_ns, u64 cost)
{
    const u64 now = now_ns << 4;
    if (!full_at || !cost)
        return 1;
    if (!aya_bucket_has_room(full_at, now, cost))
        return 0;
    aya_bucket_take(full_at, now, cost);
    return 1;
}

// The same for one source of many, whose buckets are in two tables, in each at a place by its hash, which it
// shares with others. It goes short only while both are empty, and so because of others only if these use up
// both. While others do use up one of them, it gets up to twice its rate.
AYA_INLINE int aya_take_from_either(u64 *one, u64 *other, u64 now_ns, u64 cost)
{
    const u64 now = now_ns << 4;
    if (!one || !other || !cost)
        return 1;
    const int has_one = aya_bucket_has_room(one, now, cost),
              has_other = aya_bucket_has_room(other, now, cost);
    if (has_one)
        aya_bucket_take(one, now, cost);
    if (has_other)
        aya_bucket_take(other, now, cost);
    return has_one | has_other;
}

#endif
