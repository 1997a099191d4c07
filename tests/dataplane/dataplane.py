# SPDX-License-Identifier: BSD-2-Clause
"""What the tests here share: the daemon on virtual ports, tables without a control plane, counters.

Every test is a program: run as root, one line a check, exit code 0 (all held), 1 (not), 77 (cannot run here).
AYA_BUILD_DIR names the build directory (default: build/).
"""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lib"))

from ayalab.checks import checking, need_root_and, skip  # noqa: E402, F401
from ayalab.daemons import Build  # noqa: E402
from ayalab.shell import LabError, run, stop, tail, wait_until  # noqa: E402, F401

VIP4 = "203.0.113.10"
VIP6 = "2001:db8::10"
UP, DRAINING, DOWN = 3, 2, 1


def cores():
    return sorted(os.sched_getaffinity(0))


def workers(count):
    """Lcore numbers for `count` workers; the last cores, since the main lcore takes the first free one."""
    if len(cores()) < count:
        skip(f"needs {count} cores")
    return cores()[-count:]


def need_huge_pages(megabytes):
    base = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
    free = int((base / "free_hugepages").read_text()) * 2 if base.exists() else 0
    if free < megabytes:
        skip(f"needs {megabytes} MB of free huge pages, there are {free}; sysctl vm.nr_hugepages=N")


def hugetlbfs_mounts():
    return [pathlib.Path(fields[1]) for fields in map(str.split, pathlib.Path("/proc/mounts").read_text().splitlines())
            if fields[2] == "hugetlbfs"]


class Tables:
    """A tables segment, published by tests/dataplane/write_tables."""

    def __init__(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen([str(Build().file("tests/dataplane/write_tables")), str(path)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def publish(self, services):
        return self.say(services)

    def spoil(self, **header):
        return self.say(header)

    def say(self, what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise LabError("write_tables ended")
        return int(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Instance:
    """One data plane with a directory of its own. `netns`: a name, or None for this one."""

    def __init__(self, prefix="dp", netns=None, parent=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"aya-{prefix}-", dir=parent))
        self.name = f"{prefix}{os.getpid()}"
        self.run_dir = self.directory / "run"
        self.config_file = self.directory / "aya.json"
        self.netns = netns
        self.process = None
        self.log = None
        self._tables = []
        self._starts = 0

    @property
    def instance_dir(self):
        return self.run_dir / self.name

    def write_config(self, ports, lcores=None, **options):
        section = {"workers": workers(1) if lcores is None else lcores, "ports": ports, "huge_pages": False,
                   "memory": "128MB", "flows_per_worker": 65536, **options}
        self.config_file.write_text(json.dumps({"dataplane": section}))

    def tables(self):
        """A new segment, in place of any older one."""
        made = Tables(self.instance_dir / "tables")
        self._tables.append(made)
        return made

    def command(self, *more):
        inside = ("ip", "netns", "exec", self.netns) if self.netns else ()
        return [*inside, str(Build().dataplane), "--config", str(self.config_file), "--run-dir", str(self.run_dir),
                "--instance", self.name, *more]

    def start(self):
        self._starts += 1
        self.log = self.directory / f"log{self._starts}"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command("--log-level", "debug"), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        wait_until(self._runs, "the data plane runs", timeout=30)

    def refuse(self, *more):
        """Starts it, which must be refused: (exit code, what it said). Nothing but its own lines is there to read."""
        done = subprocess.run(self.command(*more), capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, (done.stdout + done.stderr).strip()

    def _runs(self):
        if self.process.poll() is not None:
            raise LabError(f"exit code {self.process.returncode}:\n{tail(self.log)}")
        shown = self.show(check=False)
        return shown and shown["pid"] == self.process.pid and all(w["state"] == 1 for w in shown["workers"])

    def show(self, check=True):
        done = run(str(Build().file("tests/dataplane/show_dataplane")), str(self.instance_dir / "dataplane"),
                   check=check)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def counters(self):
        """Totals of all workers."""
        total = {"rx_packets": 0, "tx_packets": 0, "reasons": {}}
        for worker in self.show()["workers"]:
            total["rx_packets"] += worker["rx_packets"]
            total["tx_packets"] += worker["tx_packets"]
            for name, value in worker["reasons"].items():
                total["reasons"][name] = total["reasons"].get(name, 0) + value
        return total

    def wait_for_packets(self, count, timeout=60):
        """Until `count` packets were received; some are still on their way out until the counters agree."""
        wait_until(lambda: self._alive() and self.counters()["rx_packets"] >= count,
                   f"{count} packets are received, {self.counters()['rx_packets']} were", timeout)
        wait_until(lambda: unaccounted(self.counters()) == 0, "all packets are accounted for", timeout)

    def _alive(self):
        if self.process.poll() is not None:
            raise LabError(f"the data plane ended with {self.process.returncode}:\n{tail(self.log)}")
        return True

    def stop(self):
        return stop(self.process)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def buffers_in_use_at_the_end(self):
        found = re.search(r"packet buffers in use at the end: (\d+) of", self.log.read_text())
        return int(found.group(1)) if found else None

    def close(self, failed):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if failed and self.log and self.log.exists():
            print(f"  log:\n{tail(self.log)}")
        for made in self._tables:
            made.close()
        for mount in hugetlbfs_mounts():
            for left in mount.glob(f"aya-{self.name}-flows-*"):
                left.unlink()
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def instance(checks, prefix="dp", netns=None):
    made = Instance(prefix, netns)
    failed = True
    try:
        yield made
        failed = checks.failed > 0
    finally:
        made.close(failed)


# Counters


def kind_of(reason):
    if reason == "forwarded":
        return "forwarded"
    if reason.startswith("flow_"):
        return "note"
    if reason.startswith("reply_") and reason != "reply_limit":
        return "replied"
    if reason.startswith("punt_") and reason not in ("punt_full", "punt_limit", "punt_source_limit", "punt_none"):
        return "punted"
    return "dropped"


def unaccounted(counters):
    """Received packets that no reason explains."""
    return counters["rx_packets"] - sum(value for name, value in counters["reasons"].items()
                                        if kind_of(name) != "note")


# Network namespaces


@contextlib.contextmanager
def veth_pair(name, queues=1):
    """Namespaces NAME-a (with eth0, for the data plane) and NAME-b (with eth0, for a client), connected."""
    a, b = f"{name}-a", f"{name}-b"
    try:
        for namespace in (a, b):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
            for family in ("all", "default"):
                run("ip", "netns", "exec", namespace, "sysctl", "-qw", f"net.ipv6.conf.{family}.disable_ipv6=1")
        run("ip", "link", "add", "eth0", "netns", a, "numrxqueues", str(queues), "numtxqueues", str(queues),
            "address", "02:00:00:00:00:0a", "type", "veth", "peer", "name", "eth0", "netns", b,
            "numrxqueues", str(queues), "numtxqueues", str(queues), "address", "02:00:00:00:00:0b")
        for namespace in (a, b):
            run("ip", "-n", namespace, "link", "set", "eth0", "up")
        run("ip", "netns", "exec", b, "ethtool", "-K", "eth0", "tx", "off")
        yield a, b
    finally:
        for namespace in (a, b):
            run("ip", "netns", "delete", namespace, check=False)


def open_link(interface, netns=None):
    """A packet socket on an interface, in another namespace where one is named."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if netns:
            _enter(f"/run/netns/{netns}")
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        link.bind((interface, 0))
        link.settimeout(5)
        return link
    finally:
        _enter(here)
        os.close(here)


def _enter(namespace):
    """setns(2), which Python has from 3.12 on."""
    descriptor = os.open(namespace, os.O_RDONLY) if isinstance(namespace, str) else namespace
    failed = ctypes.CDLL(None, use_errno=True).setns(descriptor, 0x40000000)  # CLONE_NEWNET
    if isinstance(namespace, str):
        os.close(descriptor)
    if failed:
        raise LabError(f"setns {namespace}: {os.strerror(ctypes.get_errno())}")


def send_and_count(link, frames, wanted):
    """Sends frames, in portions that a small ring takes; how many `wanted` ones come back."""
    count = 0
    for at in range(0, len(frames), 100):
        for frame in frames[at:at + 100]:
            link.send(frame)
        while count < min(at + 100, len(frames)):
            try:
                frame, address = link.recvfrom(65536)
            except TimeoutError:
                return count
            count += address[2] != socket.PACKET_OUTGOING and bool(wanted(frame))
    return count


def services(*backends, vips=(f"{VIP4}:443/tcp", f"{VIP4}:443/udp", f"[{VIP6}]:443/tcp", f"[{VIP6}]:443/udp"), **more):
    return [{"vips": list(vips), "backends": list(backends), **more}]
