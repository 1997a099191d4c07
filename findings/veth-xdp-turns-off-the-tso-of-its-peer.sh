#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: an XDP program on one end of a veth pair changes nothing at the other end.
#
# What happens: a native program turns off segmentation offload at the *other* end, which may be in another network
# namespace, without a message, and it cannot be turned on there. It returns when the program is removed.
#
# Why it matters: the throughput of a client or server drops when a balancer is started at the other end of its link, since
# its kernel now makes every segment itself. That is the price of veth, not of the balancer: a benchmark that compares
# the two must turn the offload off in both cases.
#
# Seen with Linux 6.18, iproute2 6.1 and clang 14.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip ethtool clang; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
ns=finding-$$
work=$(mktemp -d)
trap 'for side in a b; do ip netns del "$ns-$side" 2>/dev/null || true; done; rm -rf "$work"' EXIT
cat >"$work/x.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }
C
clang -O2 -g -target bpf -I "/usr/include/$(uname -m)-linux-gnu" -c "$work/x.c" -o "$work/x.o" ||
    skip "no BPF headers for clang"
for side in a b; do
    ip netns add "$ns-$side" 2>/dev/null || skip "no network namespace (root is required)"
done
ip link add eth0 netns "$ns-a" type veth peer name eth0 netns "$ns-b" || skip "no veth"
for side in a b; do ip -n "$ns-$side" link set eth0 up; done

peer_tso() { ip netns exec "$ns-b" ethtool -k eth0 | sed -n 's/^tcp-segmentation-offload: //p'; }
before=$(peer_tso)
ip -n "$ns-a" link set eth0 xdpdrv obj "$work/x.o" sec xdp 2>/dev/null || skip "no native XDP on veth"
native=$(peer_tso)
ip netns exec "$ns-b" ethtool -K eth0 tso on >/dev/null 2>&1 || true
asked=$(peer_tso)
ip -n "$ns-a" link set eth0 xdpdrv off
after=$(peer_tso)
ip -n "$ns-a" link set eth0 xdpgeneric obj "$work/x.o" sec xdp
generic=$(peer_tso)
echo "Linux $(uname -r); TCP segmentation offload of the end that has no program"
echo "  no program at the other:     $before"
echo "  native:                      $native; after ethtool -K tso on: $asked"
echo "  native, taken off again:     $after"
echo "  generic:                     $generic"
[[ "$before $native $asked $after $generic" == "on off off on on" ]] || {
    echo "changed: expected on, off, off, on, on"
    exit 1
}
