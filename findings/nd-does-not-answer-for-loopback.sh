#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: Linux answers ARP on every link for an address that is on `lo` (which is why the backends of a load balancer need
# `arp_ignore`), and it does the same in IPv6's neighbour discovery, so IPv6 needs a similar setting.
#
# What happens: Linux answers a neighbour solicitation only for addresses of the interface on which it arrived. It stays
# silent about an IPv6 address on `lo`, without any setting.
#
# Why it matters: the ARP settings of a backend have no IPv6 counterpart, and need none. But a *balancer* with its VIPs on
# `lo` is reachable from its own network over IPv4 only; over IPv6 the neighbours need a route to it.
#
# Seen with Linux 6.18 and iproute2 6.1.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip ping; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
[[ -d /proc/sys/net/ipv6 ]] || skip "no IPv6"
ns=finding-$$
trap 'for side in a b; do ip netns del "$ns-$side" 2>/dev/null || true; done' EXIT
for side in a b; do
    ip netns add "$ns-$side" 2>/dev/null || skip "no network namespace (root is required)"
done
ip link add eth0 netns "$ns-a" type veth peer name eth0 netns "$ns-b" || skip "no veth"
for side in a b; do
    ip -n "$ns-$side" link set lo up
    ip -n "$ns-$side" link set eth0 up
done
ip -n "$ns-a" addr add 192.0.2.1/24 dev eth0
ip -n "$ns-a" addr add 2001:db8::1/64 dev eth0 nodad
ip -n "$ns-b" addr add 192.0.2.2/24 dev eth0
ip -n "$ns-b" addr add 2001:db8::2/64 dev eth0 nodad
ip -n "$ns-b" addr add 192.0.2.99/32 dev lo
ip -n "$ns-b" addr add 2001:db8::99/128 dev lo

echo "Linux $(uname -r); the neighbour has .2 on eth0, .99 on lo"
seen=
for address in 192.0.2.2 192.0.2.99 2001:db8::2 2001:db8::99; do
    ip netns exec "$ns-a" ping -c 1 -W 2 "$address" >/dev/null 2>&1 || true
    entry=$(ip -n "$ns-a" neigh show "$address")
    echo "  $entry"
    if [[ $entry == *lladdr* ]]; then seen+="found "; else seen+="silent "; fi
done
[[ $seen == "found found found silent " ]] || {
    echo "changed: expected found found found silent, not $seen"
    exit 1
}
