#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: an address on `lo` makes only that address local, whatever its prefix length.
#
# What happens: for IPv4, Linux makes the whole prefix local when the device is a loopback. With 192.0.2.1/24 on `lo` the
# host answers for all of 192.0.2.0/24. For IPv6 the same command makes one address local.
#
# Why it matters: a backend under direct server return carries the VIP on `lo`. With the mask of the VIP's network instead
# of /32 it can no longer reach any other host there, and it accepts traffic for VIPs that it does not serve.
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
trap 'ip netns del "$ns" 2>/dev/null || true' EXIT
ip netns add "$ns" 2>/dev/null || skip "no network namespace (root is required)"
ip -n "$ns" link set lo up

ip -n "$ns" addr add 192.0.2.1/24 dev lo
ip -n "$ns" addr add 2001:db8::1/64 dev lo

answers() {
    if ip netns exec "$ns" ping -c 1 -W 1 "$1" >/dev/null 2>&1; then echo yes; else echo no; fi
}

echo "Linux $(uname -r); on lo: 192.0.2.1/24 and 2001:db8::1/64"
ip -n "$ns" route show table local | grep 192.0.2
seen=
for address in 192.0.2.1 192.0.2.77 2001:db8::1 2001:db8::77; do
    answer=$(answers "$address")
    echo "  does $address answer? $answer"
    seen+="$answer "
done
[[ $seen == "yes yes yes no " ]] || {
    echo "changed: expected yes yes yes no"
    exit 1
}
