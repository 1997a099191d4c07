# SPDX-License-Identifier: BSD-2-Clause
"""The direct-server-return topology in network namespaces.

       client ----+
     10.11.0.10   |
                  +---- switch (bridge br0) ----+---- gpu-1  10.11.0.11 --+
     10.11.0.2    |                             +---- gpu-2  10.11.0.12   +-- each: VIP on lo
      balancer ---+                             +---- gpu-3  10.11.0.13 --+

The client routes the VIP via the balancer; a backend answers the client directly. IPv6 is the same with
2001:db8:11::/64. With path dpdk the balancer's own address lives on the punt interface, because the data plane owns
eth0; with paths xdp and auto it is eth0's.
"""

import atexit
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from .shell import LabError, run, wait_until

ROOT = pathlib.Path("/run/aya-lab")  # one directory a lab: what is in it tells --clean what to remove

VIP4 = "203.0.113.10"
VIP6 = "2001:db8:ff::10"


@dataclasses.dataclass(frozen=True)
class Host:
    name: str
    number: int
    namespace: str

    @property
    def ip4(self):
        return f"10.11.0.{self.number}"

    @property
    def ip6(self):
        return f"2001:db8:11::{self.number}"

    @property
    def mac(self):
        return f"02:00:00:00:00:{self.number:02x}"

    def command(self, *command):
        """The command line that runs a command in this host's namespace, as the same process."""
        return ("ip", "netns", "exec", self.namespace, *command)

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def sysctl(self, **values):
        self.run("sysctl", "-qw", *(f"{key.replace('__', '.')}={value}" for key, value in values.items()))


class Lab:
    """Namespaces and links; starts processes in them; takes everything down again, whatever happens."""

    def __init__(self, name, backends=3, mtu=1500, path="dpdk", queues=1):
        if os.geteuid() != 0:
            raise LabError("not root: network namespaces need root; run it with sudo")
        if len(name) > 24:
            raise LabError(f"lab name {name}: {len(name)} characters, at most 24")
        self.name = name
        self.path = path
        self.queues = queues  # of the balancer's eth0
        self.balancer_peers = ["balancer"]  # the switch's ends of the balancer's links
        self.mtu = mtu  # of the links between balancer and backends; the client always has 1500
        self.directory = ROOT / name
        self.client = Host("client", 10, f"{name}-client")
        self.balancer = Host("balancer", 2, f"{name}-balancer")
        self.switch = Host("switch", 1, f"{name}-switch")
        self.backends = [Host(f"gpu-{i + 1}", 11 + i, f"{name}-gpu-{i + 1}") for i in range(backends)]
        self.keep = False
        self.processes = []
        self._closed = False

    @property
    def hosts(self):
        return [self.client, self.balancer, *self.backends]

    # Up and down

    def __enter__(self):
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _leave)
        ROOT.mkdir(mode=0o755, exist_ok=True)
        try:
            self.directory.mkdir(mode=0o755)
        except FileExistsError:
            raise LabError(f"lab {self.name} is there already: {self.directory}") from None
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Remove the lab. Runs once, also at exit; a second signal does not interrupt it."""
        if self._closed or not self.directory.exists():
            return
        self._closed = True
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self.keep:
            return
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        remove(self.name)
        for process in self.processes:
            process.wait()

    def _build(self):
        (self.directory / "owner").write_text(f"{os.getpid()}\n")
        for host in [self.switch, *self.hosts]:
            run("ip", "netns", "add", host.namespace)
            host.run("ip", "link", "set", "lo", "up")
        self.switch.sysctl(net__ipv6__conf__all__disable_ipv6=1)
        # Learn at once and flood everything: no spanning tree, no multicast snooping (it delays IPv6 neighbours).
        self.switch.run("ip", "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0",
                        "mcast_snooping", "0")
        self.switch.run("ip", "link", "set", "br0", "mtu", str(self.mtu), "up")
        for host in self.hosts:
            self._connect(host)
        self._set_up_client()
        self._set_up_balancer()
        for backend in self.backends:
            self._set_up_backend(backend)

    def _connect(self, host, *more):
        mtu = 1500 if host is self.client else self.mtu
        queues = str(self.queues if host is self.balancer else 1)
        run("ip", "link", "add", "eth0", "netns", host.namespace, *more, "address", host.mac, "mtu", str(mtu),
            "numrxqueues", queues, "numtxqueues", queues, "type", "veth", "peer", "name", host.name,
            "netns", self.switch.namespace, "mtu", str(mtu), "numrxqueues", queues, "numtxqueues", queues)
        host.sysctl(net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__default__rp_filter=0,
                    net__ipv4__conf__eth0__rp_filter=0, net__ipv6__conf__all__accept_ra=0,
                    net__ipv6__conf__default__accept_ra=0, net__ipv6__conf__eth0__accept_ra=0)
        host.run("ip", "link", "set", "eth0", "up")
        self.switch.run("ip", "link", "set", host.name, "master", "br0", "up")
        if host is not self.balancer:
            add_addresses(host, "eth0")

    def _set_up_client(self):
        # Thousands of short connections: all ports, and none kept busy.
        self.client.sysctl(net__ipv4__ip_local_port_range="1024 65535")
        self.client.run("ip", "route", "add", VIP4, "via", self.balancer.ip4)
        self.client.run("ip", "-6", "route", "add", VIP6, "via", self.balancer.ip6)

    def _set_up_balancer(self):
        # veth hands packets over with the checksum still to be filled in, and in segments of 64 KiB, as long
        # as the sender may believe in offloads. Whoever reads raw frames (AF_XDP) needs them finished.
        self.switch.run("ethtool", "-K", self.balancer.name, "tx", "off")
        if self.path != "dpdk":
            add_addresses(self.balancer, "eth0")
        else:
            # The punt interface carries eth0's MAC and the addresses; eth0 itself shall not take part.
            self.balancer.sysctl(net__ipv6__conf__eth0__disable_ipv6=1, net__ipv4__conf__all__arp_ignore=1)

    def _set_up_backend(self, backend):
        backend.sysctl(net__ipv4__conf__all__arp_ignore=1, net__ipv4__conf__all__arp_announce=2,
                       net__core__somaxconn=4096, net__ipv4__tcp_max_syn_backlog=4096)
        backend.run("ip", "address", "add", f"{VIP4}/32", "dev", "lo")
        backend.run("ip", "address", "add", f"{VIP6}/128", "dev", "lo", "nodad")

    def unplug_balancer(self):
        """Its interface vanishes, and the switch's end with it."""
        self.balancer.run("ip", "link", "delete", "eth0")

    def plug_balancer(self):
        """An interface of the same name and MAC address is there again."""
        self._connect(self.balancer)
        self._set_up_balancer()

    def swap_balancer(self):
        """Its interface moves to another namespace, and at once another one has its name, MAC address and index."""
        index = self.balancer.run("cat", "/sys/class/net/eth0/ifindex").stdout.strip()
        self.balancer.run("ip", "link", "set", "eth0", "netns", self.switch.namespace, "name", "moved")
        self.switch.run("ip", "link", "set", self.balancer.name, "nomaster", "down")
        self.switch.run("ip", "link", "set", self.balancer.name, "name", "moved-peer")
        self._connect(self.balancer, "index", index)
        self._set_up_balancer()

    def add_second_network(self, backend):
        """br1 with 10.12.0.0/24: eth1 of the balancer (10.12.0.2), and of a backend, whose address there is returned."""
        self.switch.run("ip", "link", "add", "br1", "type", "bridge", "stp_state", "0", "forward_delay", "0",
                        "mcast_snooping", "0")
        self.switch.run("ip", "link", "set", "br1", "up")
        for host in (self.balancer, backend):
            peer = f"{host.name}-1"
            run("ip", "link", "add", "eth1", "netns", host.namespace, "type", "veth",
                "peer", "name", peer, "netns", self.switch.namespace)
            self.switch.run("ip", "link", "set", peer, "master", "br1", "up")
            self.switch.run("ethtool", "-K", peer, "tx", "off")
            host.sysctl(net__ipv4__conf__eth1__rp_filter=0)
            host.run("ip", "address", "add", f"10.12.0.{host.number}/24", "dev", "eth1")
            host.run("ip", "link", "set", "eth1", "up")
        self.balancer_peers.append(f"{self.balancer.name}-1")
        return f"10.12.0.{backend.number}"

    # Processes

    def start(self, host, *command, log=None, **options):
        """Start a process in a host's namespace; it ends with the lab. `log`: a file name in the lab's directory."""
        out = open(self.directory / log, "ab") if log else subprocess.DEVNULL  # noqa: SIM115
        options.setdefault("stdout", out)
        options.setdefault("stderr", out)
        options.setdefault("stdin", subprocess.DEVNULL)
        # A session of its own: Ctrl-C reaches this program only, which then takes the lab down in order.
        process = subprocess.Popen(host.command(*command), start_new_session=True, **options)
        if log:
            out.close()
        self.processes.append(process)
        return process


def _leave(number, _frame):
    sys.exit(128 + number)


def add_addresses(host, interface):
    """The host's own addresses, usable at once (no duplicate address detection), and the interface up."""
    host.run("ip", "link", "set", interface, "up")
    host.run("ip", "address", "replace", f"{host.ip4}/24", "dev", interface)
    host.run("ip", "address", "replace", f"{host.ip6}/64", "dev", interface, "nodad")


def _namespaces(name):
    present = run("ip", "netns", "list").stdout.splitlines()
    names = [line.split()[0] for line in present if line.strip()]
    ours = {f"{name}-{host}" for host in ("client", "balancer", "switch")}
    return [n for n in names if n in ours or n.startswith(f"{name}-gpu-")]


def _pids(namespaces):
    return [int(pid) for ns in namespaces for pid in run("ip", "netns", "pids", ns).stdout.split()]


def remove(name):
    """Remove a lab by name, also one whose owner died: its processes, namespaces, mounts and directory."""
    namespaces = _namespaces(name)
    for number, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        for pid in _pids(namespaces):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        try:
            wait_until(lambda: not [p for p in _pids(namespaces) if not _is_zombie(p)], "processes end", patience)
            break
        except LabError:
            continue
    for namespace in namespaces:
        run("ip", "netns", "delete", namespace)
    directory = ROOT / name
    bpf = directory / "bpf"
    if bpf.is_mount():
        run("umount", str(bpf))
    shutil.rmtree(directory, ignore_errors=True)
    try:
        ROOT.rmdir()
    except OSError:
        pass  # other labs


def _is_zombie(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def all_labs():
    """(name, owner is alive) of every lab on this machine."""
    labs = []
    for directory in sorted(ROOT.iterdir()) if ROOT.exists() else []:
        try:
            alive = pathlib.Path(f"/proc/{int((directory / 'owner').read_text())}").exists()
        except (OSError, ValueError):
            alive = False
        labs.append((directory.name, alive))
    return labs


def unique_name(prefix):
    """A name that no other lab has: the process id is in it."""
    return f"{prefix}{os.getpid()}{int(time.time()) % 1000:03d}"
