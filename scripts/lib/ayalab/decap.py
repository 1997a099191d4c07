# SPDX-License-Identifier: BSD-2-Clause
"""Decapsulation at the backends: ebpf/decap.bpf.c at tc ingress (or XDP), loaded with bpftool."""

import ipaddress
import json
import sys

from .shell import LabError, run
from .topology import VIP4, VIP6


def mount_bpf(lab):
    """A BPF file system of the lab's own, so that nothing is pinned outside of it."""
    directory = lab.directory / "bpf"
    if not directory.is_mount():
        directory.mkdir(exist_ok=True)
        run("mount", "-t", "bpf", "bpf", str(directory))
    return directory


EVERYONE = "everyone"


def mapped(address):
    parsed = ipaddress.ip_address(address)
    return ipaddress.ip_address(f"::ffff:{address}") if parsed.version == 4 else parsed


def prefix_key(text):
    """struct aya_decap_prefix"""
    if text == EVERYONE:
        return bytes(24)
    network = ipaddress.ip_network(text)
    length = 32 + network.prefixlen + (96 if network.version == 4 else 0)
    return length.to_bytes(4, sys.byteorder) + network.version.to_bytes(4, "big") + mapped(network.network_address).packed


class Decap:
    """One set of the programs and maps of decap.bpf.c. Takes packets for these VIPs, from these networks."""

    def __init__(self, lab, name, object_file, vips=(VIP4, VIP6), balancers=(EVERYONE,)):
        self.pins = mount_bpf(lab) / name
        if not object_file.exists():
            raise LabError(f"{object_file}: no such file; build it with ninja (meson option bpf)")
        run("bpftool", "prog", "loadall", str(object_file), str(self.pins), "pinmaps", str(self.pins))
        for vip in vips:
            self.update("decap_vips", mapped(vip).packed, bytes(4))
        for balancer in balancers:
            self.update("decap_balancers", prefix_key(balancer), bytes(4))

    def update(self, name, key, value):
        run("bpftool", "map", "update", "pinned", f"{self.pins}/{name}",
            "key", *(str(byte) for byte in key), "value", *(str(byte) for byte in value))

    def add_address(self, address, gue_port=6080):
        """Strip what is tunnelled to this address: IP in IP, and GUE at this port (0: not)."""
        self.update("decap_local", mapped(address).packed, gue_port.to_bytes(2, "big") + bytes(2))

    def attach_tc(self, host, interface="eth0"):
        host.run("tc", "qdisc", "replace", "dev", interface, "clsact")
        host.run("tc", "filter", "replace", "dev", interface, "ingress", "prio", "1", "handle", "1",
                 "bpf", "direct-action", "object-pinned", f"{self.pins}/decap_tc")

    def attach_xdp(self, host, interface="eth0"):
        host.run("ip", "link", "set", "dev", interface, "xdpdrv", "pinned", f"{self.pins}/decap_xdp")

    def counter(self, index):
        """One counter (enum aya_decap_outcome), all CPUs together."""
        shown = json.loads(run("bpftool", "-j", "map", "lookup", "pinned", f"{self.pins}/decap_counters",
                               "key", str(index), "0", "0", "0").stdout)
        return sum(int.from_bytes(bytes(int(b, 16) for b in cpu["value"]), "little") for cpu in shown["values"])


def install(lab, object_file):
    """decap_tc on every backend, for its own addresses and from the balancer alone."""
    installed = []
    for backend in lab.backends:
        decap = Decap(lab, backend.name, object_file, balancers=(lab.balancer.ip4, lab.balancer.ip6))
        decap.add_address(backend.ip4)
        decap.add_address(backend.ip6)
        decap.attach_tc(backend)
        installed.append(decap)
    return installed


def make_peers_poll(lab, object_file):
    """What a native XDP program sends over a veth is taken by the other end only while that has an XDP program as well,
    and else lies there, unseen and uncounted. One that knows no address lets everything pass."""
    pins = mount_bpf(lab) / "peer"
    if not pins.exists():
        Decap(lab, "peer", object_file)
    for peer in lab.balancer_peers:
        lab.switch.run("ip", "-force", "link", "set", "dev", peer, "xdpdrv", "pinned", f"{pins}/decap_xdp")
