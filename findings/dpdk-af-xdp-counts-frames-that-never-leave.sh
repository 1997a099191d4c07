#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a net_af_xdp port refuses a frame that is longer than the interface's MTU, or counts it as an error.
#
# What happens: the port counts it as sent, tx_errors stays 0, and it never leaves. The driver counts what it puts into the
# kernel's ring; the kernel drops the frame there, which only the interface's own tx_dropped shows.
#
# Why it matters: a balancer that adds a tunnel header to full-sized packets counts them all as forwarded while uploads
# hang. It must check lengths itself, or read the interface's statistics as well as those of DPDK.
#
# Seen with DPDK 22.11.11, libxdp 1.3.1 and Linux 6.18.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip dpdk-testpmd pkg-config; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
[[ $(id -u) == 0 ]] || skip "root is required"
version=$(pkg-config --modversion libdpdk 2>/dev/null) || skip "libdpdk is required"
[[ $version == 22.11.* ]] || skip "this is about DPDK 22.11, not $version"
ns=finding-$$
work=$(mktemp -d)
cleanup() {
    for side in a b; do ip netns del "$ns-$side" 2>/dev/null; done
    rm -rf "$work" "/var/run/dpdk/$ns"
}
trap 'cleanup || true' EXIT
for side in a b; do
    ip netns add "$ns-$side" 2>/dev/null || skip "no network namespace"
    ip netns exec "$ns-$side" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 || true
done
ip link add eth0 netns "$ns-a" type veth peer name eth0 netns "$ns-b" || skip "no veth"
for side in a b; do ip -n "$ns-$side" link set eth0 up; done
statistic() { ip netns exec "$ns-$1" cat "/sys/class/net/eth0/statistics/$2"; }

# Some bursts (as many as fit between "start" and "stop"), then the port's counters.
cat >"$work/commands" <<'TESTPMD'
set fwd txonly
set txpkts LENGTH
start
stop
show port xstats 0
quit
TESTPMD

send() { # LENGTH: sent and failed as DPDK counts, arrived at the other end, dropped as the kernel counts
    local arrived_before dropped_before
    arrived_before=$(statistic b rx_packets)
    dropped_before=$(statistic a tx_dropped)
    sed "s/LENGTH/$1/" "$work/commands" | ip netns exec "$ns-a" timeout --foreground 30 dpdk-testpmd --lcores '0@0,1@0' --no-huge -m 256 \
        --no-pci --no-telemetry --file-prefix "$ns" --vdev net_af_xdp0,iface=eth0,busy_budget=0 -- \
        --interactive --total-num-mbufs=8192 >"$work/log" 2>&1 || skip "testpmd does not run: $(tail -n 1 "$work/log")"
    sent=$(sed -n 's/^tx_good_packets: //p' "$work/log")
    failed=$(sed -n 's/^tx_errors: //p' "$work/log")
    came=$(($(statistic b rx_packets) - arrived_before))
    dropped=$(($(statistic a tx_dropped) - dropped_before))
    echo "  frames of $1 bytes: sent $sent, tx_errors $failed, arrived $came, the interface's tx_dropped $dropped"
}
echo "DPDK $version, Linux $(uname -r), MTU 1500"
send 1514
((sent > 0 && failed == 0 && came == sent)) || skip "frames that fit do not arrive"
send 1600
((sent > 0 && failed == 0 && came == 0 && dropped == sent)) || {
    echo "changed: expected some sent, no errors, none arrived, all dropped by the interface"
    exit 1
}
