#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: all packets of a TCP connection over IPv6 carry the same flow label, because RFC 6437 lets routers hash on it.
#
# What happens: Linux picks a new label each time the retransmission timer fires (net.core.txrehash, on by default), in the
# hope of leaving a lossy path. Every copy of an unanswered SYN has its own label, with the same ports and sequence number.
#
# Why it matters: a router that hashes on the label may send the copies of one SYN, or the rest of a connection after a
# time-out, to different balancers. They must all choose the same backend for a five-tuple, and a balancer must not use
# the label in a hash of its own.
#
# Seen with Linux 6.18.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip tcpdump; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
[[ -d /proc/sys/net/ipv6 ]] || skip "no IPv6"
ns=finding-$$
work=$(mktemp -d)
trap 'for side in a b; do ip netns del "$ns-$side" 2>/dev/null || true; done; rm -rf "$work"' EXIT
for side in a b; do
    ip netns add "$ns-$side" 2>/dev/null || skip "no network namespace (root is required)"
done
ip link add eth0 netns "$ns-a" type veth peer name eth0 netns "$ns-b" || skip "no veth"
for side in a b; do ip -n "$ns-$side" link set eth0 up; done
ip -n "$ns-a" addr add 2001:db8::1/64 dev eth0 nodad
# Nobody is 2001:db8::2, so every SYN goes unanswered.
ip -n "$ns-a" neigh add 2001:db8::2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent

ip netns exec "$ns-b" timeout 10 tcpdump -c 3 -l -v -nn -i eth0 'ip6 and tcp port 80' >"$work/seen" 2>"$work/log" &
capture=$!
until grep -qs listening "$work/log"; do sleep 0.1; done
ip netns exec "$ns-a" timeout 5 bash -c ': </dev/tcp/2001:db8::2/80' 2>/dev/null || true
wait "$capture" || skip "fewer than three SYNs in 10 s"

echo "Linux $(uname -r), net.core.txrehash=$(ip netns exec "$ns-a" cat /proc/sys/net/core/txrehash); three copies of one SYN:"
sed -E 's/.*(flowlabel 0x[0-9a-f]+).*payload length: [0-9]+\) (.*): Flags.*(seq [0-9]+).*/  \1  \2  \3/' "$work/seen"
labels=$(grep -oE 'flowlabel 0x[0-9a-f]+' "$work/seen" | sort -u | wc -l)
numbers=$(grep -oE 'seq [0-9]+' "$work/seen" | sort -u | wc -l)
((labels == 3 && numbers == 1)) || {
    echo "changed: expected 3 labels and 1 sequence number, got $labels and $numbers"
    exit 1
}
