// SPDX-License-Identifier: BSD-2-Clause
//
// What probe.bpf.c and the program that loads it share.
#ifndef AYA_EBPF_PROBE_H
#define AYA_EBPF_PROBE_H

#include "aya/tables.h"

enum { AYA_PROBE_MOST = 1 << 20 }; // ways: what the marks of one instance can tell apart

// Value of map `probe_ways`: how a health probe reaches its backend. Its key is the mark of the probe's
// packets.
struct aya_probe_way {
    struct aya_backend backend; // as the data planes have it
    struct aya_tunnel tunnel;
    u32 interface; // index of the kernel's, which leads to the data plane's egress port
    u32 unused;
};

AYA_STATIC_ASSERT(sizeof(struct aya_probe_way) ==
                      sizeof(struct aya_backend) + sizeof(struct aya_tunnel) + 2 * sizeof(u32),
                  "compared as bytes");

#endif
