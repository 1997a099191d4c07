#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a packet that an XDP program drops is counted as dropped by its interface.
#
# What happens: `ip -s link` counts it as received, and 0 as dropped. In native mode, veth counts it in `ethtool -S`, as
# other drivers do under other names; in generic mode nothing counts it.
#
# Why it matters: when XDP filters a flood, or a faulty program drops everything, the usual graphs show traffic arriving as
# always. A program must count its own drops, by reason.
#
# Seen with Linux 6.18, iproute2 6.1 and clang 14.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip ethtool clang ping; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
ns=finding-$$
work=$(mktemp -d)
trap 'for side in a b; do ip netns del "$ns-$side" 2>/dev/null || true; done; rm -rf "$work"' EXIT
cat >"$work/x.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp") int drop(struct xdp_md *ctx) { return XDP_DROP; }
C
clang -O2 -g -target bpf -I "/usr/include/$(uname -m)-linux-gnu" -c "$work/x.c" -o "$work/x.o" ||
    skip "no BPF headers for clang"

seen=
for mode in xdpdrv xdpgeneric; do
    for side in a b; do
        ip netns add "$ns-$side" 2>/dev/null || skip "no network namespace (root is required)"
        ip netns exec "$ns-$side" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 || true
    done
    ip link add eth0 netns "$ns-a" type veth peer name eth0 netns "$ns-b" || skip "no veth"
    for side in a b; do ip -n "$ns-$side" link set eth0 up; done
    ip -n "$ns-a" addr add 192.0.2.1/24 dev eth0
    ip -n "$ns-a" neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent
    ip -n "$ns-b" link set eth0 "$mode" obj "$work/x.o" sec xdp 2>/dev/null || skip "no $mode on veth"
    ip netns exec "$ns-a" ping -c 5 -i 0.02 -W 0.2 192.0.2.2 >/dev/null || true
    statistic() { ip netns exec "$ns-b" cat "/sys/class/net/eth0/statistics/$1"; }
    driver=$(ip netns exec "$ns-b" ethtool -S eth0 | awk '/xdp_drops:/ { sum += $2 } END { print sum + 0 }')
    row="$mode: rx_packets $(statistic rx_packets), rx_dropped $(statistic rx_dropped), driver's xdp_drops $driver"
    seen+="$row; "
    rows+=("$row")
    for side in a b; do ip netns del "$ns-$side"; done
done

echo "Linux $(uname -r); 5 packets that XDP drops"
printf '  %s\n' "${rows[@]}"
expected="xdpdrv: rx_packets 5, rx_dropped 0, driver's xdp_drops 5; xdpgeneric: rx_packets 5, rx_dropped 0, driver's xdp_drops 0; "
[[ $seen == "$expected" ]] || {
    echo "changed: expected $expected"
    exit 1
}
