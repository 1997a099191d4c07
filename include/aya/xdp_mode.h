// SPDX-License-Identifier: BSD-2-Clause
// What the control plane tells the forwarding program in addition to the tables.
#ifndef AYA_XDP_MODE_H
#define AYA_XDP_MODE_H

#include "aya/flow.h"
#include "aya/types.h"

struct aya_xdp_mode {
    u32 bypass_sockets; // not 0: no data plane takes packets now, so forward here and ignore the sockets
    u32 punt_limit;     // of class rest, per second and queue; 0: no limits
    struct aya_stations stations; // of the port
};

enum {
    AYA_XSKS = 64,        // queues that may have an AF_XDP socket
    AYA_XDP_QUEUES = 256, // RX queues per port at most
};

AYA_STATIC_ASSERT(sizeof(struct aya_xdp_mode) == 128, "map ABI");

#endif
