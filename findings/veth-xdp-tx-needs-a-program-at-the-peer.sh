#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a native XDP program on a veth may return XDP_TX, and the packet arrives at the other end.
#
# What happens: that depends on the *other* end. With neither GRO nor an XDP program there, the packet is dropped and counted
# in rx_queue_N_xdp_tx_errors of `ethtool -S`. With GRO alone it is counted as sent, and waits in the peer's ring until
# something else wakes the peer. With any XDP program there, it arrives.
#
# Why it matters: a balancer that returns packets by XDP_TX looks dead in a lab of network namespaces, and starts to work
# when a program is attached to the peer to find out why. With GRO, its packets arrive late and in bursts.
#
# Seen with Linux 6.18, iproute2 6.1 and clang 14.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip ethtool clang ping tcpdump; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
ns=finding-$$
work=$(mktemp -d)
trap 'for side in a b; do ip netns del "$ns-$side" 2>/dev/null || true; done; rm -rf "$work"' EXIT
cat >"$work/x.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp.pass") int pass(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp.back") int back(struct xdp_md *ctx) { return XDP_TX; }
C
clang -O2 -g -target bpf -I "/usr/include/$(uname -m)-linux-gnu" -c "$work/x.c" -o "$work/x.o" ||
    skip "no BPF headers for clang"
for side in a b; do
    ip netns add "$ns-$side" 2>/dev/null || skip "no network namespace (root is required)"
    ip netns exec "$ns-$side" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 || true
done
ip link add eth0 netns "$ns-a" type veth peer name eth0 netns "$ns-b" || skip "no veth"
for side in a b; do ip -n "$ns-$side" link set eth0 up; done
ip -n "$ns-a" addr add 192.0.2.1/24 dev eth0
ip -n "$ns-a" neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent
ip -n "$ns-b" link set eth0 xdpdrv obj "$work/x.o" sec xdp.back 2>/dev/null || skip "no native XDP on veth"

sent_back() { # packets of five that come back
    rm -f "$work/log"
    ip netns exec "$ns-a" tcpdump -Q in -l -nn -i eth0 icmp >"$work/in" 2>"$work/log" &
    local capture=$!
    until grep -qs listening "$work/log"; do sleep 0.1; done
    ip netns exec "$ns-a" ping -c 5 -i 0.02 -W 0.2 192.0.2.2 >/dev/null || true
    sleep 0.2
    kill "$capture"
    wait "$capture" || true
    grep -c 'ICMP echo request' "$work/in" || true
}
tx_statistic() { ip netns exec "$ns-b" ethtool -S eth0 | sed -n "s/.*rx_queue_0_$1: //p"; }
nothing=$(sent_back)
errors=$(tx_statistic xdp_tx_errors)
ip netns exec "$ns-a" ethtool -K eth0 gro on
gro=$(sent_back)
counted=$(tx_statistic xdp_tx)
ip -n "$ns-a" link set eth0 xdpdrv obj "$work/x.o" sec xdp.pass
program=$(sent_back)

echo "Linux $(uname -r); 5 packets in each round; XDP_TX brings back, with at the other end"
echo "  nothing:          $nothing (rx_queue_0_xdp_tx_errors: $errors)"
echo "  GRO:              $gro (rx_queue_0_xdp_tx: $counted)"
echo "  any XDP program:  $program, those of the round before among them"
[[ "$nothing $errors $gro $counted $program" == "0 5 0 5 10" ]] || {
    echo "changed: expected 0 (5), 0 (5), 10"
    exit 1
}
