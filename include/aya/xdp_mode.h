// SPDX-License-Identifier: BSD-2-Clause
// What the control plane tells the forwarding program beside the tables.
#ifndef AYA_XDP_MODE_H
#define AYA_XDP_MODE_H

#include "aya/types.h"

struct aya_xdp_mode {
    u32 bypass_sockets; // not 0: forward here, whatever sockets there are: no data plane wants packets now
    u32 unused;
};

enum {
    AYA_XSKS = 64,        // queues that may have an AF_XDP socket
    AYA_XDP_QUEUES = 256, // RX queues of a port at most
};

AYA_STATIC_ASSERT(sizeof(struct aya_xdp_mode) == 8, "map ABI");

#endif
