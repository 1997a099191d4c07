#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a neighbour entry that was added as `permanent` stays until somebody deletes it.
#
# What happens: Linux deletes all entries of an interface, including permanent ones, when the MAC address of the interface
# is set (even to the same address), when ARP is turned off, and when the interface is set down. They do not come back.
# Loss of carrier and `ip neigh flush` leave them alone.
#
# Why it matters: a balancer with static next hops loses them when its port goes down and up. DPDK's net_af_packet driver sets
# the MAC address of its interface whenever the port starts, so starting the program is enough.
#
# Seen with Linux 6.18 and iproute2 6.1.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
command -v ip >/dev/null || skip "ip is required"
ns=finding-$$
trap 'for side in a b; do ip netns del "$ns-$side" 2>/dev/null || true; done' EXIT
for side in a b; do
    ip netns add "$ns-$side" 2>/dev/null || skip "no network namespace (root is required)"
done
ip link add eth0 netns "$ns-a" type veth peer name eth0 netns "$ns-b" || skip "no veth"
for side in a b; do ip -n "$ns-$side" link set eth0 up; done
ip -n "$ns-a" addr add 192.0.2.1/24 dev eth0

on_port() { ip -n "$ns-a" link set eth0 "$@"; }
lose_carrier() {
    ip -n "$ns-b" link set eth0 down
    sleep 0.2
    ip -n "$ns-b" link set eth0 up
    sleep 0.2
}
flush() { ip -n "$ns-a" neigh flush dev eth0; }
set_same_mac() { on_port address "$(ip netns exec "$ns-a" cat /sys/class/net/eth0/address)"; }
arp_off_and_on() { on_port arp off && on_port arp on; }
down_and_up() { on_port down && on_port up; }

echo "Linux $(uname -r); a permanent entry after:"
seen=
for event in lose_carrier flush set_same_mac arp_off_and_on down_and_up; do
    ip -n "$ns-a" neigh replace 192.0.2.50 lladdr 02:00:00:00:00:50 dev eth0 nud permanent
    "$event"
    if [[ $(ip -n "$ns-a" neigh show 192.0.2.50) == *PERMANENT* ]]; then after=kept; else after=gone; fi
    printf '  %-15s %s\n' "$event" "$after"
    seen+="$after "
done
[[ $seen == "kept kept gone gone gone " ]] || {
    echo "changed: expected kept kept gone gone gone"
    exit 1
}
