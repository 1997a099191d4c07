#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a program that listens to the kernel's route messages (`ip monitor route`) hears of every route that is removed.
#
# What happens: when a link is set down or a nexthop object is deleted, its IPv4 routes disappear without a message. IPv6
# routes that disappear with a link are announced one by one. net.ipv4.nexthop_compat_mode (on by default) helps only
# half: it announces the routes of a nexthop object that is changed, not of one that is deleted.
#
# Why it matters: a control plane that follows route messages alone keeps using next hops that no longer exist. It must
# also listen to link and nexthop messages, and then read the routes again.
#
# Seen with Linux 6.18 and iproute2 6.1.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
command -v ip >/dev/null || skip "ip is required"
[[ -d /proc/sys/net/ipv6 ]] || skip "no IPv6"
ns=finding-$$
work=$(mktemp -d)
monitor=
trap '[[ ! $monitor ]] || kill "$monitor" 2>/dev/null; ip netns del "$ns" 2>/dev/null || true; rm -rf "$work"' EXIT
ip netns add "$ns" 2>/dev/null || skip "no network namespace (root is required)"
ip -n "$ns" link add eth0 type veth peer name eth1 || skip "no veth"
ip -n "$ns" link set eth1 up
ip -n "$ns" link set eth0 up
ip -n "$ns" addr add 192.0.2.1/24 dev eth0
ip -n "$ns" addr add 2001:db8::1/64 dev eth0 nodad
ip -n "$ns" route add 198.51.100.0/24 via 192.0.2.2
ip -n "$ns" route add 2001:db8:1::/64 via 2001:db8::2
ip -n "$ns" nexthop add id 7 via 192.0.2.3 dev eth0 2>/dev/null || skip "no nexthop objects"
ip -n "$ns" route add 203.0.113.0/24 nhid 7
sleep 0.5

ip -n "$ns" -o monitor route >"$work/said" &
monitor=$!
sleep 0.5
ip -n "$ns" nexthop replace id 7 via 192.0.2.4 dev eth0
ip -n "$ns" nexthop del id 7
ip -n "$ns" link set eth0 down
sleep 0.5

echo "Linux $(uname -r), nexthop_compat_mode=$(ip netns exec "$ns" cat /proc/sys/net/ipv4/nexthop_compat_mode)"
echo "Routes left: $(ip -n "$ns" route show | wc -l). Messages about them (changed, nexthop gone, link down):"
grep -E '198.51.100|203.0.113|2001:db8:1:' "$work/said" | sed 's/^/  /'
said() { grep -cE "$1" "$work/said" || true; }
changed=$(said '^203.0.113.0/24 nhid 7 via 192.0.2.4')
gone4=$(said '^Deleted (198.51.100|203.0.113)')
gone6=$(said '^Deleted 2001:db8:1::')
((changed == 1 && gone4 == 0 && gone6 == 1)) || {
    echo "changed: expected 1 change, no IPv4 deletion, 1 IPv6 deletion; got $changed, $gone4, $gone6"
    exit 1
}
