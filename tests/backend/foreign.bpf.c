// SPDX-License-Identifier: BSD-2-Clause
//
// Somebody else's programs at the hooks of aya-backend: one that lets everything pass and one that drops
// everything.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int foreign_xdp(struct xdp_md *ctx)
{
    (void)ctx;
    return XDP_PASS;
}

SEC("tc")
int foreign_drop(struct __sk_buff *skb)
{
    (void)skb;
    return 2; // TC_ACT_SHOT
}

char foreign_license[] SEC("license") = "BSD-2-Clause";
