#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Packets that no client sends, as many as the machine gives: `junk.py INTERFACE RATE CONFIGURATION`, a JSON object with
`vip4`, `vip6`, `box4`, `box6`, `box_mac`, `mac`, `service_port`, `box_port` and `link` (24 bits of the link's network).

Sends until SIGTERM, then prints a JSON object: packets sent, seconds, kinds. RATE 0: without a limit.
"""

import ctypes
import json
import random
import signal
import socket
import sys
import time

from scapy.all import ARP, ICMP, IP, TCP, UDP, Ether, ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment, Raw

SAMPLES = 100  # frames of each kind, no two alike
BATCH = 64     # frames per system call
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20  # linux/if_packet.h; not in Python


class Kinds:
    """One function per kind of junk; each call makes another frame."""

    def __init__(self, c):
        self.c = c
        self.random = random.Random(7)

    def _port(self):
        return self.random.randrange(1024, 65536)

    def _eth(self, dst=None, **fields):
        return Ether(dst=dst or self.c["box_mac"], src=self.c["mac"], **fields)

    def _v4(self, dst, **fields):
        source = f"100.{self.random.randrange(64, 128)}.{self.random.randrange(256)}.{self.random.randrange(1, 255)}"
        return self._eth() / IP(src=source, dst=dst, id=self._port(), **fields)

    def _v6(self, dst, **fields):
        return self._eth() / IPv6(src=f"2001:db8:bad::{self._port():x}", dst=dst, **fields)

    def _to(self, name):
        return self._v4(self.c[name + "4"]) if self.random.random() < 0.5 else self._v6(self.c[name + "6"])

    def udp_to_unserved_port(self):
        return self._to("vip") / UDP(sport=self._port(), dport=self._port()) / bytes(100)

    def syn_to_unserved_port(self):
        return self._to("vip") / TCP(sport=self._port(), dport=self._port(), flags="S")

    def udp_to_box(self):
        return self._to("box") / UDP(sport=self._port(), dport=self._port()) / bytes(100)

    def syn_to_box(self):
        return self._to("box") / TCP(sport=self._port(), dport=self._port(), flags="S")

    def syn_to_box_service(self):
        return self._to("box") / TCP(sport=self._port(), dport=self.c["box_port"], flags="S")

    def expired(self):
        return self._v4(self.c["vip4"], ttl=1) / TCP(sport=self._port(), dport=self.c["service_port"], flags="S")

    def too_big(self):
        return (self._v4(self.c["vip4"], flags="DF") /
                TCP(sport=self._port(), dport=self.c["service_port"], flags="A") / bytes(1460))

    def echo_to_vip(self):
        return self._v4(self.c["vip4"]) / ICMP(id=self._port()) / bytes(56)

    def echo_to_box(self):
        if self.random.random() < 0.5:
            return self._v4(self.c["box4"]) / ICMP(id=self._port()) / bytes(56)
        return self._v6(self.c["box6"]) / ICMPv6EchoRequest(id=self._port()) / bytes(56)

    def fragment(self):
        name = self.random.choice(("vip", "box"))
        later = self.random.choice((0, 4))
        payload = UDP(sport=self._port(), dport=self._port(), len=1000) / bytes(24) if not later else Raw(bytes(32))
        if self.random.random() < 0.5:
            return self._v4(self.c[name + "4"], flags="MF", frag=later, proto=17) / payload
        return self._v6(self.c[name + "6"]) / IPv6ExtHdrFragment(nh=17, offset=later, m=1, id=self._port()) / payload

    def arp(self):
        source = f"{self.c['link']}.{self.random.randrange(200, 250)}"
        target = self.random.choice((self.c["box4"], f"{self.c['link']}.{self.random.randrange(60, 99)}"))
        return self._eth("ff:ff:ff:ff:ff:ff") / ARP(psrc=source, pdst=target, hwsrc=self.c["mac"])

    def unknown_type(self):
        station = self.random.choice((self.c["box_mac"], "ff:ff:ff:ff:ff:ff", "01:00:5e:00:01:02"))
        return self._eth(station, type=self.random.choice((0x88b5, 0x1234, 0x8137))) / bytes(60)

    def other_station(self):
        return (self._eth(f"02:00:00:00:77:{self.random.randrange(256):02x}") /
                IP(src="100.64.1.1", dst=self.c["vip4"]) /
                TCP(sport=self._port(), dport=self.c["service_port"], flags="S"))

    def make(self):
        """A mixture of all kinds, and their names."""
        kinds = [name for name in vars(Kinds) if not name.startswith("_") and name != "make"]
        frames = [bytes(getattr(self, name)()) for name in kinds for _ in range(SAMPLES)]
        self.random.shuffle(frames)
        return frames, kinds


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class Header(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32), ("iovec", ctypes.POINTER(Iovec)),
                ("iovecs", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Message(ctypes.Structure):
    """struct mmsghdr of sendmmsg(2)."""

    _fields_ = [("header", Header), ("sent", ctypes.c_uint32)]


def batches_of(frames):
    batches = []
    for first in range(0, len(frames) - BATCH + 1, BATCH):
        messages = (Message * BATCH)()
        for message, frame in zip(messages, frames[first:]):
            message.header.iovec = ctypes.pointer(Iovec(frame, len(frame)))
            message.header.iovecs = 1
        batches.append(messages)
    return batches


def main():
    interface, rate, configuration = sys.argv[1], float(sys.argv[2]), json.loads(sys.argv[3])
    frames, kinds = Kinds(configuration).make()
    batches = batches_of(frames)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind((interface, 0))
    wire.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
    libc = ctypes.CDLL(None, use_errno=True)
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
    print("ready", flush=True)
    sent, turn, began = 0, 0, time.monotonic()
    while not stopped:
        ahead = sent / rate - (time.monotonic() - began) if rate else 0
        if ahead > 0.001:
            time.sleep(ahead)
        sent += max(0, libc.sendmmsg(wire.fileno(), batches[turn % len(batches)], BATCH, 0))
        turn += 1
    print(json.dumps({"sent": sent, "seconds": time.monotonic() - began, "kinds": kinds}), flush=True)


if __name__ == "__main__":
    main()
