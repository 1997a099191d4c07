#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: `dpdk-testpmd --forward-mode=txonly --txonly-multi-flow` sends enough flows to measure a flow table.
#
# What happens: it varies the last byte of the source address and nothing else: 256 flows. `--forward-mode=flowgen` has more
# (--flowgen-flows), but varies the *destination* address, which for a load balancer is the VIP and has to stay.
#
# Why it matters: with 256 flows the flow table is never filled and stays in the nearest cache, so the rate says little
# about real traffic. Replay a file, or use another generator.
#
# Seen with DPDK 22.11.11.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in dpdk-testpmd python3 pkg-config; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
[[ $(id -u) == 0 ]] || skip "root is required"
version=$(pkg-config --modversion libdpdk 2>/dev/null) || skip "libdpdk is required"
[[ $version == 22.11.* ]] || skip "this is about DPDK 22.11, not $version"
work=$(mktemp -d)
prefix=finding-$$
trap 'rm -rf "$work" "/var/run/dpdk/$prefix"' EXIT

flows() { # MODE...: packets, and how many different sources, destinations and pairs of ports they have
    mkfifo "$work/fifo"
    # testpmd runs until its standard input ends.
    timeout --foreground 20 dpdk-testpmd --lcores '0@0,1@0' --no-huge -m 256 --no-pci --no-telemetry --file-prefix "$prefix" \
        --vdev "net_pcap0,tx_pcap=$work/out" -- --total-num-mbufs=4096 "$@" <"$work/fifo" >"$work/log" 2>&1 &
    local testpmd=$!
    sleep 1.5 >"$work/fifo"
    wait "$testpmd" || skip "testpmd does not run: $(tail -n 1 "$work/log")"
    rm "$work/fifo"
    python3 - "$work/out" <<'PYTHON'
import struct
import sys

FIELDS = {"sources": (26, 30), "destinations": (30, 34), "port pairs": (34, 38)}
packets = 0
seen = {name: set() for name in FIELDS}
with open(sys.argv[1], "rb") as file:
    file.read(24)
    while packets < 20000 and len(head := file.read(16)) == 16:
        packet = file.read(struct.unpack("<8xI4x", head)[0])
        packets += 1
        for name, (first, last) in FIELDS.items():
            seen[name].add(packet[first:last])
print(", ".join([f"{packets} packets"] + [f"{len(values)} {name}" for name, values in seen.items()]))
PYTHON
}
txonly=$(flows --forward-mode=txonly --txonly-multi-flow)
flowgen=$(flows --forward-mode=flowgen --flowgen-flows=4096)
echo "DPDK $version"
echo "  txonly --txonly-multi-flow:      $txonly"
echo "  flowgen --flowgen-flows=4096:    $flowgen"
[[ $txonly == *"256 sources, 1 destinations, 1 port pairs" && $flowgen == *"1 sources, 4096 destinations, 1 port pairs" ]] || {
    echo "changed: expected 256 sources, and 4096 destinations"
    exit 1
}
