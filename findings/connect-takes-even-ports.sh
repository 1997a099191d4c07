#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: the source ports that Linux picks for outgoing connections are spread over the whole of ip_local_port_range.
#
# What happens: TCP's connect() picks ports of one parity, that of the lower end of the range (even by default), until they
# run out. A bind() to port 0 picks the other parity. UDP uses both.
#
# Why it matters: the lowest bit of a client's port holds almost no information. With `port % backends`, or a hash that does
# not mix its bits, half of the backends or table slots get nothing.
#
# Seen with Linux 6.18.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
command -v python3 >/dev/null || skip "python3 is required"
echo "Linux $(uname -r), ip_local_port_range $(tr '\t' ' ' </proc/sys/net/ipv4/ip_local_port_range)"
timeout 30 python3 - <<'PYTHON'
import socket

SAMPLES = 200
lowest = int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(SAMPLES)
kept = []


def by_connect(kind):
    client = socket.socket(type=kind)
    client.connect(server.getsockname())
    return client


def by_bind():
    client = socket.socket()
    client.bind(("127.0.0.1", 0))
    return client


def like_lowest(make, *args):
    made = [make(*args) for _ in range(SAMPLES)]
    kept.extend(made)
    return sum(s.getsockname()[1] % 2 == lowest % 2 for s in made)


tcp = like_lowest(by_connect, socket.SOCK_STREAM)
bind = like_lowest(by_bind)
udp = like_lowest(by_connect, socket.SOCK_DGRAM)
parity = "odd" if lowest % 2 else "even"
print(f"  {parity} ports of {SAMPLES}: TCP connect {tcp}, TCP bind to 0 {bind}, UDP connect {udp}")
# Ports that others hold may push a few to the other half.
if not (tcp > 0.95 * SAMPLES and bind < 0.05 * SAMPLES and 0.3 * SAMPLES < udp < 0.7 * SAMPLES):
    raise SystemExit("changed: expected nearly all, nearly none, about half")
PYTHON
