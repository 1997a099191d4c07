#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: an XDP program on a veth sees the frame that tcpdump shows, including its 802.1Q tag; if an offload strips the tag,
# `ethtool -K DEV rxvlan off` at the receiver restores it, as on a NIC.
#
# What happens: a tag that the sender's kernel added travels beside the frame, where XDP cannot see it. `rxvlan off` at the
# receiver is accepted and has no effect. `txvlan off` at the *sender* writes the tag into the frame.
#
# Why it matters: a balancer in XDP takes tagged packets for untagged ones and may forward them into the wrong network. In a
# lab of network namespaces, the setting that helps is at the other end of the link.
#
# Seen with Linux 6.18, iproute2 6.1 and clang 14.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip tc ethtool clang bpftool ping; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
ns=finding-$$
work=$(mktemp -d /tmp/finding-XXXXXX) # no dot: libbpf refuses it in the way to a pinned map
trap 'for side in a b; do ip netns del "$ns-$side" 2>/dev/null || true; done; umount "$work/bpf" 2>/dev/null || true
rm -rf "$work"' EXIT
mkdir "$work/bpf"
mount -t bpf none "$work/bpf" 2>/dev/null || skip "cannot mount a BPF file system (root is required)"
cat >"$work/x.c" <<'C'
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* [0]: IPv4 frames, [1]: 802.1Q frames. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u32);
} seen SEC(".maps");

SEC("xdp") int look(struct xdp_md *ctx) {
    struct ethhdr *eth = (void *)(long)ctx->data;
    if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
        return XDP_DROP;
    __u32 key = eth->h_proto == bpf_htons(ETH_P_8021Q);
    __u32 *count = bpf_map_lookup_elem(&seen, &key);
    if (count && (key || eth->h_proto == bpf_htons(ETH_P_IP)))
        ++*count;
    return XDP_DROP;
}

SEC("tc") int push_tag(struct __sk_buff *skb) {
    bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 100);
    return 0;
}

char _license[] SEC("license") = "GPL";
C
clang -O2 -g -target bpf -I "/usr/include/$(uname -m)-linux-gnu" -c "$work/x.c" -o "$work/x.o" ||
    skip "no BPF headers for clang"
for side in a b; do
    ip netns add "$ns-$side" 2>/dev/null || skip "no network namespace"
    ip netns exec "$ns-$side" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 || true
done
ip link add eth0 netns "$ns-a" type veth peer name eth0 netns "$ns-b" || skip "no veth"
for side in a b; do ip -n "$ns-$side" link set eth0 up; done
ip -n "$ns-a" addr add 192.0.2.1/24 dev eth0
ip -n "$ns-a" neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent
# What an 802.1Q device would do; not every kernel has one.
tc -n "$ns-a" qdisc add dev eth0 clsact 2>/dev/null || skip "no clsact"
tc -n "$ns-a" filter add dev eth0 egress bpf da obj "$work/x.o" sec tc 2>/dev/null || skip "no BPF filter"
bpftool prog loadall "$work/x.o" "$work/bpf/programs" pinmaps "$work/bpf/maps" 2>/dev/null || skip "cannot load a program"
ip -n "$ns-b" link set eth0 xdpdrv pinned "$work/bpf/programs/look" 2>/dev/null || skip "no native XDP on veth"

look() { # untagged and tagged frames of five
    for key in 0 1; do bpftool map update pinned "$work/bpf/maps/seen" key "$key" 0 0 0 value 0 0 0 0; done
    ip netns exec "$ns-a" ping -c 5 -i 0.02 -W 0.2 192.0.2.2 >/dev/null || true
    bpftool map dump pinned "$work/bpf/maps/seen" | sed -n 's/.*"value": \([0-9]*\).*/\1/p' | tr '\n' ' '
}
default=$(look)
ip netns exec "$ns-b" ethtool -K eth0 rxvlan off
receiver=$(look)
ip netns exec "$ns-b" ethtool -K eth0 rxvlan on
ip netns exec "$ns-a" ethtool -K eth0 txvlan off
sender=$(look)

echo "Linux $(uname -r); of 5 tagged frames, XDP sees (untagged, tagged)"
echo "  by default:                  $default"
echo "  rxvlan off at the receiver:  $receiver"
echo "  txvlan off at the sender:    $sender"
[[ $default == "5 0 " && $receiver == "5 0 " && $sender == "0 5 " ]] || {
    echo "changed: expected 5 0, 5 0, 0 5"
    exit 1
}
