#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: an agent that answers HAProxy's agent-check with `down#disk full` takes its server out of service and gives the
# reason, since the manual allows a description after a sharp.
#
# What happens: `down#disk` is one unknown word, and the server stays up. The sharp needs a blank before it:
# `down #disk full`. The statistics page says "agent reports an error", and the state of the server does not change.
#
# Why it matters: the server keeps its traffic exactly when its agent asks for none. A balancer that reads the same lines
# from agents written for HAProxy must decide whether to be as strict.
#
# Seen with HAProxy 2.6.12.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip python3 apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
ns=finding-$$
work=$(mktemp -d)
haproxy=
agents=
cleanup() {
    for process in $haproxy $agents; do kill "$process" 2>/dev/null && wait "$process"; done
    ip netns del "$ns" 2>/dev/null
    rm -rf "$work"
}
trap 'cleanup || true' EXIT
packages=(haproxy=2.6.12-1+deb12u4 liblua5.3-0=5.3.6-2 libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4)
(cd "$work" && apt-get -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null 2>&1) ||
    skip "cannot download ${packages[*]}"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
LD_LIBRARY_PATH=$work/root/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH
program=$work/root/usr/sbin/haproxy
version=$("$program" -v 2>/dev/null | sed -n 1p) || skip "HAProxy does not start: $(ldd "$program" | grep 'not found' || true)"
ip netns add "$ns" 2>/dev/null || skip "no network namespace (root is required)"
ip -n "$ns" link set lo up

answers=('up' 'down' 'down #disk full' 'down#disk full' 'stopped#upgrade')
ip netns exec "$ns" python3 - "${answers[@]}" <<'PYTHON' &
import socket
import sys
import threading


def agent(port, answer):
    server = socket.create_server(("127.0.0.1", port))
    while True:
        client, _ = server.accept()
        client.sendall(answer.encode() + b"\n")
        client.close()


agents = [threading.Thread(target=agent, args=(9000 + i, answer)) for i, answer in enumerate(sys.argv[1:])]
for one in agents:
    one.start()
PYTHON
agents=$!
{
    echo "global"
    echo "    stats socket $work/stats"
    echo "defaults"
    echo "    timeout connect 1s"
    echo "    timeout server 1s"
    echo "backend servers"
    for i in "${!answers[@]}"; do
        echo "    server s$i 127.0.0.1:1 agent-check agent-port $((9000 + i)) agent-inter 200ms"
    done
} >"$work/haproxy.cfg"
ip netns exec "$ns" "$program" -f "$work/haproxy.cfg" >"$work/log" 2>&1 &
haproxy=$!
sleep 2

states() {
    python3 - "$work/stats" <<'PYTHON'
import csv
import socket
import sys

control = socket.socket(socket.AF_UNIX)
control.connect(sys.argv[1])
control.sendall(b"show stat\n")
for row in csv.DictReader(control.makefile().read().lstrip("# ").splitlines()):
    if row["svname"].startswith("s"):
        print("down" if row["status"].startswith("DOWN") else "up", row["last_agt"] or "-", sep="\t")
PYTHON
}
mapfile -t rows < <(states)
echo "$version"
seen=
for i in "${!answers[@]}"; do
    printf '  agent says %-17s  server is %-4s  %s\n' "${answers[i]}" "${rows[i]%%$'\t'*}" "${rows[i]#*$'\t'}"
    seen+="${rows[i]%%$'\t'*} "
done
[[ $seen == "up down down up up " ]] || {
    echo "changed: expected up down down up up"
    exit 1
}
