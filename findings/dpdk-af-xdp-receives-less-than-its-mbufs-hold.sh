#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a net_af_xdp port with an MTU of 2000 and mbufs with 2048 bytes of data room receives frames of up to 2014 bytes, or
# refuses to start; testpmd shows 3560 as the maximum configurable length of a received packet.
#
# What happens: the kernel keeps 256 bytes of each buffer's data room for XDP, and drops frames of more than 1792 bytes.
# Nothing is refused or logged.
#
# Why it matters: with the larger MTU of a tunnel or with jumbo frames, small packets pass and large ones vanish, which looks
# like broken path MTU discovery. An mbuf needs its headroom of 128 bytes, another 256, and the length of the frame.
#
# Seen with DPDK 22.11.11, libxdp 1.3.1 and Linux 6.18.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip dpdk-testpmd python3 pkg-config; do
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
for side in a b; do ip -n "$ns-$side" link set eth0 mtu 2000 up; done

received() { # MBUF_SIZE: which of ten frames of 1792 and ten of 1793 bytes arrive
    rm -f "$work/fifo" "$work/log"
    mkfifo "$work/fifo"
    ip netns exec "$ns-b" timeout --foreground 30 dpdk-testpmd --lcores '0@0,1@0' --no-huge -m 256 --no-pci --no-telemetry \
        --file-prefix "$ns" --vdev net_af_xdp0,iface=eth0,busy_budget=0 -- --forward-mode=rxonly --auto-start \
        --mbuf-size="$1" --total-num-mbufs=8192 --stats-period 0 <"$work/fifo" >"$work/log" 2>&1 &
    local testpmd=$!
    exec 3>"$work/fifo"
    for ((i = 0; i < 100; ++i)); do
        grep -qs 'start packet forwarding' "$work/log" && break
        kill -0 "$testpmd" 2>/dev/null || skip "testpmd does not start: $(tail -n 1 "$work/log")"
        sleep 0.1
    done
    sleep 0.3
    local counts=() before after
    for length in 1792 1793; do
        before=$(ip netns exec "$ns-b" ethtool -S eth0 | sed -n 's/.*rx_queue_0_xdp_redirect: //p')
        ip netns exec "$ns-a" python3 -c '
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
for _ in range(10):
    wire.send(bytes.fromhex("02000000000202000000000188b5").ljust(int(sys.argv[1]), b"\0"))
' "$length"
        sleep 0.2
        after=$(ip netns exec "$ns-b" ethtool -S eth0 | sed -n 's/.*rx_queue_0_xdp_redirect: //p')
        counts+=($((after - before)))
    done
    exec 3>&-
    wait "$testpmd" || true
    echo "${counts[*]}, testpmd: $(sed -nE 's/^  (RX-packets: [0-9]+).*/\1/p' "$work/log" | sed -n 1p)"
}
small=$(received 2176)
large=$(received 3712)
echo "DPDK $version, Linux $(uname -r), MTU 2000; of ten frames of 1792 and ten of 1793 bytes arrive with mbufs of"
echo "  2048 bytes data room:  $small"
echo "  3584 bytes data room:  $large"
[[ $small == "10 0, testpmd: RX-packets: 10" && $large == "10 10, testpmd: RX-packets: 20" ]] || {
    echo "changed: expected 10 0, then 10 10"
    exit 1
}
