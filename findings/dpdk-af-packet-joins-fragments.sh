#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a net_af_packet port of DPDK receives the frames that arrive on its interface, one by one.
#
# What happens: even with one queue the driver joins a fanout group with PACKET_FANOUT_FLAG_DEFRAG, and the kernel puts IPv4
# fragments together first. Three fragments come in as one packet that was never on the wire. A fragment whose companions
# are missing does not come in at all, and no counter of the port shows it.
#
# Why it matters: such a port cannot show how a balancer treats fragments, and a joined packet can be larger than the MTU
# on its way out. Use net_af_xdp where that matters.
#
# Seen with DPDK 22.11.11 and Linux 6.18.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip dpdk-testpmd tcpdump python3 pkg-config; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
[[ $(id -u) == 0 ]] || skip "root is required"
version=$(pkg-config --modversion libdpdk 2>/dev/null) || skip "libdpdk is required"
[[ $version == 22.11.* ]] || skip "this is about DPDK 22.11, not $version"
ns=finding-$$
work=$(mktemp -d)
testpmd=
capture=
cleanup() {
    for process in $testpmd $capture; do kill -INT "$process" 2>/dev/null && wait "$process"; done
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

# testpmd sends every frame back as it came in.
ip netns exec "$ns-b" dpdk-testpmd --lcores '0@0,1@0' --no-huge -m 256 --no-pci --no-telemetry --file-prefix "$ns" \
    --vdev net_af_packet0,iface=eth0 -- --forward-mode=io --auto-start --stats-period 60 --total-num-mbufs=4096 \
    >"$work/testpmd" 2>&1 &
testpmd=$!
for ((i = 0; i < 100; ++i)); do
    grep -q 'start packet forwarding' "$work/testpmd" && break
    kill -0 "$testpmd" 2>/dev/null || skip "testpmd does not start: $(tail -n 1 "$work/testpmd")"
    sleep 0.1
done
ip netns exec "$ns-a" tcpdump -Q in -l -v -nn -i eth0 ip >"$work/back" 2>"$work/log" &
capture=$!
until grep -qs listening "$work/log"; do sleep 0.1; done

ip netns exec "$ns-a" python3 - <<'PYTHON'
import socket
import struct

wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))


def send(ident, offset, payload, more):
    fields = 0x45, 0, 20 + len(payload), ident, offset // 8 | more << 13, 64, 17, 0
    header = struct.pack(">BBHHHBBH", *fields) + bytes((192, 0, 2, 1, 192, 0, 2, 2))
    total = sum(struct.unpack(">10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    header = header[:10] + struct.pack(">H", checksum) + header[12:]
    wire.send(bytes.fromhex("020000000002" "020000000001" "0800") + header + payload)


datagram = struct.pack(">HHHH", 1111, 2222, 1008, 0) + bytes(1000)
send(1, 0, datagram[:400], True)
send(1, 400, datagram[400:800], True)
send(1, 800, datagram[800:], False)
send(2, 400, datagram[400:800], True)  # alone
PYTHON
sleep 1
kill -INT "$capture"
wait "$capture" || true
capture=

echo "DPDK $version, Linux $(uname -r); sent: 3 fragments of one datagram (id 1), 1 of another (id 2); came back:"
sed -nE 's/.*(id [0-9]+, offset [0-9]+, flags \[[^]]*\]).*(length [0-9]+)\)/  \1, \2/p' "$work/back" | tee "$work/frames"
[[ $(wc -l <"$work/frames") == 1 && $(<"$work/frames") == *"id 1, offset 0, flags [none], length 1028" ]] || {
    echo "changed: expected one whole packet of 1028 bytes"
    exit 1
}
