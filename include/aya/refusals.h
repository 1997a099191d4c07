// SPDX-License-Identifier: BSD-2-Clause
//
// Samples of whom lists and limits refuse, for people: one packet in a while, whoever it is from, so that who
// sends most is seen most. One ring per worker (in XDP: per queue), which alone writes it; the control plane
// reads it about once a second, and loses none.
#ifndef AYA_REFUSALS_H
#define AYA_REFUSALS_H

#include "aya/flow.h"
#include "aya/types.h"

enum {
    AYA_REFUSAL_SAMPLES = 32,           // a power of two
    AYA_REFUSAL_INTERVAL_NS = 50000000, // between two: a second and a half of them fit
};

struct aya_refusal {
    u64 number; // from 1 on; 0 while it is written
    u64 when_ns;
    struct aya_flow flow;
    u16 service;
    u8 reason;    // enum aya_reason
    u8 is_let_in; // only counted, or forwarded without being remembered
    u32 unused;
};

struct aya_refusals {
    AYA_ALIGNED(AYA_CACHE_LINE) u64 written;
    u64 next_ns; // not before
    u64 unused[6];
    struct aya_refusal sample[AYA_REFUSAL_SAMPLES];
};

AYA_STATIC_ASSERT(sizeof(struct aya_refusal) == 64, "one cache line");
AYA_STATIC_ASSERT(sizeof(struct aya_refusals) == 33 * 64, "counter ABI");

AYA_INLINE void aya_note_refusal(struct aya_refusals *ring, u64 now_ns, const struct aya_flow *flow,
                                 u16 service, u8 reason, u8 is_let_in)
{
    if (!ring || now_ns < ring->next_ns)
        return;
    ring->next_ns = now_ns + AYA_REFUSAL_INTERVAL_NS;
    const u64 number = ++ring->written;
    struct aya_refusal *sample = &ring->sample[number & (AYA_REFUSAL_SAMPLES - 1)];
    aya_poke_u64(&sample->number, 0);
    sample->when_ns = now_ns;
    sample->flow = *flow;
    sample->service = service;
    sample->reason = reason;
    sample->is_let_in = is_let_in;
    aya_poke_u64(&sample->number, number);
}

#endif
