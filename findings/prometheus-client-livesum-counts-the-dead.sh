#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: in prometheus_client's multiprocess mode, a gauge with `multiprocess_mode="livesum"` (the sum over live processes)
# leaves out a worker that was killed.
#
# What happens: the library does not check whether a process is alive. The last value of a worker counts until somebody
# calls mark_process_dead() with its process id, which a killed worker cannot do itself. "livesum" differs from "sum" only
# in what that call deletes.
#
# Why it matters: inference servers with several API processes use this mode for the pages that show their load. After one
# of them crashes, its last queue length may stay in the sum for good, and a balancer that weighs by load sends too little.
#
# Seen with python3-prometheus-client 0.16.0.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in apt-get dpkg-deb /usr/bin/python3; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages=(python3-prometheus-client=0.16.0-0.1 python3-decorator=5.1.1-3)
(cd "$work" && apt-get -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null 2>&1) ||
    skip "cannot download ${packages[*]}"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
mkdir "$work/values"
export PYTHONPATH=$work/root/usr/lib/python3/dist-packages PROMETHEUS_MULTIPROC_DIR=$work/values
/usr/bin/python3 -c 'import prometheus_client' 2>"$work/log" || skip "$(tail -n 1 "$work/log")"

timeout 30 /usr/bin/python3 - <<'PYTHON'
import os
import signal
import sys

from prometheus_client import CollectorRegistry, Gauge, generate_latest, multiprocess


def worker(queued):
    """A process that shows its queue and then waits; returns its number."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        Gauge("queued", "Requests.", multiprocess_mode="livesum").set(queued)
        os.write(told, b"x")
        signal.alarm(20)  # ends it in any case
        signal.pause()
    os.read(ready, 1)
    return pid


def shown():
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    page = generate_latest(registry).decode().splitlines()
    return [float(line.split()[1]) for line in page if line.startswith("queued")][0]


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


first, second = worker(30), worker(4)
both = shown()
kill(first)
one_dead = shown()
multiprocess.mark_process_dead(first)
told = shown()
kill(second)
print("prometheus_client; two workers with 30 and 4 requests queued; livesum is")
print(f"  both alive:                              {both:g}")
print(f"  the first killed and waited for:         {one_dead:g}")
print(f"  after mark_process_dead of its number:   {told:g}")
if (both, one_dead, told) != (34, 34, 4):
    sys.exit("changed: expected 34, 34, 4")
PYTHON
