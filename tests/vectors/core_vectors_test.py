#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Packet vectors: what comes in, and what must come of it. Both sides are built by scapy, so lengths, checksums and
header layouts are judged by a third party. The tables behind them stand at the top of core_vectors.cpp."""

import logging
import os
import random
import subprocess
import unittest

logging.getLogger("scapy").setLevel(logging.ERROR)
# pylint: disable=wrong-import-position
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, fragment  # noqa: E402
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig,  # noqa: E402
                                ICMPv6TimeExceeded, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, fragment6)
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

ROUTER, OWN, BACKEND = "02:00:00:00:00:02", "02:00:00:00:00:01", "02:00:00:00:0b:01"
CLIENT, CLIENT6 = "198.51.100.7", "2001:db8:c::7"
PAYLOAD = Raw(bytes(range(48)))

came = Ether(dst=OWN, src=ROUTER)
goes = Ether(dst=BACKEND, src=OWN)
back = Ether(dst=ROUTER, src=OWN)


def v4(number=10, ttl=64, **fields):
    return IP(src=CLIENT, dst=f"203.0.113.{number}", ttl=ttl, id=4660, **fields)


def v6(number=10, hlim=64, **fields):
    return IPv6(src=CLIENT6, dst=f"2001:db8::{number}", hlim=hlim, **fields)


def syn(**fields):
    return TCP(sport=40000, dport=443, flags="S", seq=1, options=[("MSS", 1460), ("SAckOK", b"")], **fields)


def query():
    return UDP(sport=5000, dport=443)


def outer4(tos=0):
    return IP(src="192.0.2.1", dst="10.0.1.11", id=0, flags="DF", ttl=64, tos=tos)


def outer6(tc=0):
    return IPv6(src="2001:db8:b::1", dst="2001:db8:b::11", hlim=64, tc=tc)


def error4(number, **icmp):
    return IP(src=f"203.0.113.{number}", dst=CLIENT, id=0, flags="DF", ttl=64) / ICMP(**icmp)


def error6(number):
    return IPv6(src=f"2001:db8::{number}", dst=CLIENT6, hlim=64)


def ip_bytes(packet, count):
    return Raw(bytes(packet)[:count])


# (description, packet in, verdict, packet out). Outer flow labels are compared by tests of their own.
VECTORS = [
    ("TCP over IPv4, l2: new MACs, TTL one less",
     came / v4() / syn() / PAYLOAD, "forward forwarded plain", goes / v4(ttl=63) / syn() / PAYLOAD),
    ("UDP over IPv4, l2", came / v4() / query() / PAYLOAD, "forward forwarded plain",
     goes / v4(ttl=63) / query() / PAYLOAD),
    ("TCP over IPv6, l2", came / v6() / syn(), "forward forwarded plain", goes / v6(hlim=63) / syn()),
    ("UDP over IPv6, l2", came / v6() / query() / PAYLOAD, "forward forwarded plain",
     goes / v6(hlim=63) / query() / PAYLOAD),
    ("4in4", came / v4(14) / syn() / PAYLOAD, "forward forwarded ipv4",
     goes / outer4() / v4(14, ttl=63) / syn() / PAYLOAD),
    ("6in4", came / v6(14) / syn() / PAYLOAD, "forward forwarded ipv4",
     goes / outer4() / v6(14, hlim=63) / syn() / PAYLOAD),
    ("4in6", came / v4(16) / syn() / PAYLOAD, "forward forwarded ipv6",
     goes / outer6() / v4(16, ttl=63) / syn() / PAYLOAD),
    ("6in6", came / v6(16) / syn() / PAYLOAD, "forward forwarded ipv6",
     goes / outer6() / v6(16, hlim=63) / syn() / PAYLOAD),
    ("DSCP and ECN are copied outward, IPv4 in IPv4", came / v4(14, tos=0xBB) / syn(), "forward forwarded ipv4",
     goes / outer4(tos=0xBB) / v4(14, ttl=63, tos=0xBB) / syn()),
    ("DSCP and ECN are copied outward, IPv6 in IPv6", came / v6(16, tc=0xBB) / syn(), "forward forwarded ipv6",
     goes / outer6(tc=0xBB) / v6(16, hlim=63, tc=0xBB) / syn()),
    ("one VLAN tag is kept", came / Dot1Q(vlan=7, prio=3) / v4() / syn(), "forward forwarded plain",
     goes / Dot1Q(vlan=7, prio=3) / v4(ttl=63) / syn()),
    ("one VLAN tag is kept before the outer header", came / Dot1Q(vlan=7) / v4(14) / syn(), "forward forwarded ipv4",
     goes / Dot1Q(vlan=7) / outer4() / v4(14, ttl=63) / syn()),
    ("the type behind the tag changes with the family", came / Dot1Q(vlan=7) / v6(14) / syn(),
     "forward forwarded ipv4", goes / Dot1Q(vlan=7) / outer4() / v6(14, hlim=63) / syn()),
    ("two VLAN tags are kept", came / Dot1AD(vlan=5) / Dot1Q(vlan=7) / v4(16) / syn(), "forward forwarded ipv6",
     goes / Dot1AD(vlan=5) / Dot1Q(vlan=7) / outer6() / v4(16, ttl=63) / syn()),
    ("three VLAN tags are too many", came / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / v4() / syn(),
     "drop vlan_depth -", None),
    ("IPv4 options stay", came / v4(14, options=[IPOption_NOP()] * 8) / syn(), "forward forwarded ipv4",
     goes / outer4() / v4(14, ttl=63, options=[IPOption_NOP()] * 8) / syn()),
    ("IPv6 extension headers stay",
     came / v6(14) / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"1234")]) / IPv6ExtHdrDestOpt() / syn(),
     "forward forwarded ipv4",
     goes / outer4() / v6(14, hlim=63) / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"1234")]) / IPv6ExtHdrDestOpt()
     / syn()),
    ("an IPv6 routing header without segments left is stepped over", came / v6() / IPv6ExtHdrRouting() / syn(),
     "forward forwarded plain", goes / v6(hlim=63) / IPv6ExtHdrRouting() / syn()),
    ("UDP without a checksum stays without", came / v4() / UDP(sport=5000, dport=443, chksum=0) / PAYLOAD,
     "forward forwarded plain", goes / v4(ttl=63) / UDP(sport=5000, dport=443, chksum=0) / PAYLOAD),
    ("echo request to a VIP", came / v4(ttl=9) / ICMP(id=77, seq=3) / PAYLOAD, "reply reply_echo -",
     back / IP(src="203.0.113.10", dst=CLIENT, id=4660, ttl=64) / ICMP(type=0, id=77, seq=3) / PAYLOAD),
    ("echo request to an IPv6 VIP", came / v6() / ICMPv6EchoRequest(id=77, seq=3, data=b"abc"), "reply reply_echo -",
     back / IPv6(src="2001:db8::10", dst=CLIENT6, hlim=64) / ICMPv6EchoReply(id=77, seq=3, data=b"abc")),
    ("echo request to another address", came / v4(99) / ICMP() / PAYLOAD, "punt punt_no_vip -", None),
    ("TTL runs out", came / v4(ttl=1) / query() / PAYLOAD, "reply reply_time_exceeded plain",
     back / error4(10, type=11) / ip_bytes(v4(ttl=1) / query() / PAYLOAD, 76)),
    ("hop limit runs out", came / v6(hlim=1) / query() / PAYLOAD, "reply reply_time_exceeded plain",
     back / error6(10) / ICMPv6TimeExceeded() / ip_bytes(v6(hlim=1) / query() / PAYLOAD, 96)),
    ("too big for the way through the tunnel", came / v4(14) / query() / Raw(bytes(1460)),
     "reply reply_too_big ipv4",
     back / error4(14, type=3, code=4, nexthopmtu=1480) / ip_bytes(v4(14) / query() / Raw(bytes(1460)), 128)),
    ("too big for the way through the tunnel, IPv6", came / v6(16) / query() / Raw(bytes(1413)),
     "reply reply_too_big ipv6",
     back / error6(16) / ICMPv6PacketTooBig(mtu=1460) / ip_bytes(v6(16) / query() / Raw(bytes(1413)), 128)),
    ("as big as fits", came / v4(14) / query() / Raw(bytes(1452)), "forward forwarded ipv4",
     goes / outer4() / v4(14, ttl=63) / query() / Raw(bytes(1452))),
    ("ICMP error about an answer goes to the backend",
     came / IP(src="192.0.2.9", dst="203.0.113.14", ttl=60) / ICMP(type=3, code=4, nexthopmtu=1400)
     / IP(src="203.0.113.14", dst=CLIENT) / TCP(sport=443, dport=40000),
     "forward forwarded ipv4",
     goes / outer4() / IP(src="192.0.2.9", dst="203.0.113.14", ttl=59) / ICMP(type=3, code=4, nexthopmtu=1400)
     / IP(src="203.0.113.14", dst=CLIENT) / TCP(sport=443, dport=40000)),
    ("ICMPv6 error about an answer goes to the backend",
     came / IPv6(src="2001:db8:f::1", dst="2001:db8::10") / ICMPv6PacketTooBig(mtu=1300)
     / IPv6(src="2001:db8::10", dst=CLIENT6) / TCP(sport=443, dport=40000),
     "forward forwarded plain",
     goes / IPv6(src="2001:db8:f::1", dst="2001:db8::10", hlim=63) / ICMPv6PacketTooBig(mtu=1300)
     / IPv6(src="2001:db8::10", dst=CLIENT6) / TCP(sport=443, dport=40000)),
    ("ICMPv6 error about another's packet",
     came / IPv6(src="2001:db8:f::1", dst="2001:db8::10") / ICMPv6DestUnreach()
     / IPv6(src="2001:db8::99", dst=CLIENT6) / TCP(sport=443, dport=40000), "punt punt_icmp -", None),
    ("ARP", Ether(dst=OWN, src=ROUTER) / ARP(pdst="192.0.2.1"), "punt punt_not_ip -", None),
    ("another port of the VIP", came / v4() / TCP(sport=1, dport=22), "punt punt_no_vip -", None),
    ("another protocol", came / v4(proto=47) / PAYLOAD, "punt punt_protocol -", None),
    ("broadcast", Ether(dst="ff:ff:ff:ff:ff:ff", src=ROUTER) / v4() / syn(), "punt punt_multicast -", None),
    ("loopback as source", came / IP(src="127.0.0.1", dst="203.0.113.10") / syn(), "drop bad_address -", None),
    ("a later fragment without its first", came / v4(frag=100, flags=0, proto=17) / PAYLOAD, "drop fragment -", None),
    ("IPv4 length beyond the frame", came / v4(len=1000) / syn(), "drop bad_ip_length -", None),
    ("IPv6 length beyond the frame", came / v6(plen=1000) / syn(), "drop bad_ip_length -", None),
    ("IPv4 header length of four words", came / v4(ihl=4) / syn(), "drop bad_ip_header -", None),
    ("version 5", came / v4(version=5) / syn(), "drop bad_ip_version -", None),
    ("TCP data offset beyond the packet", came / v4() / syn(dataofs=15), "drop bad_l4_header -", None),
    ("UDP length of seven", came / v4() / UDP(sport=1, dport=443, len=7) / PAYLOAD, "drop bad_l4_header -", None),
]


class Core:
    """The core, behind its little protocol."""

    def __init__(self):
        self.process = subprocess.Popen([os.environ["CORE_VECTORS"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def run(self, packet):
        """-> "ACTION REASON BACKEND", bytes out or None."""
        self.tell("frame " + bytes(packet).hex())
        *verdict, out = self.process.stdout.readline().split()
        return " ".join(verdict), None if out == "-" else bytes.fromhex(out)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def without_label(frame):
    """The outer IPv6 flow label, and the frame with a label of 0."""
    packet = Ether(frame)
    outer = packet.getlayer(IPv6)
    if outer is None or bytes(outer.src, "ascii") != b"2001:db8:b::1":
        return None, frame
    at = len(frame) - len(bytes(outer)) + 1
    label = int.from_bytes(frame[at:at + 3], "big") & 0xFFFFF
    return label, frame[:at] + bytes([frame[at] & 0xF0, 0, 0]) + frame[at + 3:]


def rebuilt(frame):
    """The same frame with every length and checksum computed anew by scapy."""
    packet = Ether(frame)
    layer = packet
    is_quoted = False
    while layer:
        if not is_quoted:
            for field in ("len", "plen", "chksum", "cksum", "ihl"):
                is_absent_udp_checksum = isinstance(layer, UDP) and field == "chksum" and layer.chksum == 0
                if field in layer.fields and not is_absent_udp_checksum:
                    del layer.fields[field]
        is_quoted = is_quoted or isinstance(layer, (ICMP, ICMPv6TimeExceeded, ICMPv6PacketTooBig))
        layer = layer.payload
    return bytes(packet)


class Vectors(unittest.TestCase):
    def setUp(self):
        self.core = Core()
        self.addCleanup(self.core.close)

    def expect(self, packet, verdict, out):
        got_verdict, got_out = self.core.run(packet)
        self.assertEqual(got_verdict, verdict)
        if out is None:
            self.assertIsNone(got_out)
            return
        _, got_out = without_label(got_out)
        if got_out != bytes(out):
            self.fail(f"\n--- expected\n{Ether(bytes(out)).show(dump=True)}\n--- got\n{Ether(got_out).show(dump=True)}")

    def test_every_vector(self):
        for description, packet, verdict, out in VECTORS:
            with self.subTest(description):
                self.core.tell("new")
                self.expect(packet, verdict, out)

    def test_fragments_follow_their_first(self):
        for number, backend, outer in ((10, "plain", None), (14, "ipv4", outer4()), (16, "ipv6", outer6())):
            for pieces in (fragment(v4(number) / query() / Raw(bytes(4000)), 1200),
                           fragment6(v6(number) / IPv6ExtHdrFragment(id=9) / query() / Raw(bytes(4000)), 1200)):
                self.assertGreater(len(pieces), 3)
                for piece in pieces:
                    lowered = piece.copy()
                    if IP in lowered:
                        lowered[IP].ttl, lowered[IP].chksum = 63, None
                    else:
                        lowered[IPv6].hlim = 63
                    out = goes / outer / lowered if outer else goes / lowered
                    self.expect(came / piece, f"forward forwarded {backend}", out)

    def test_backends_that_leave(self):
        self.expect(came / v4() / syn(), "forward forwarded plain", goes / v4(ttl=63) / syn())
        ack = v4() / TCP(sport=40000, dport=443, flags="A")
        self.core.tell("drain plain")
        self.assertEqual(self.core.run(came / ack)[0], "forward forwarded plain")
        self.core.tell("down plain")
        self.assertEqual(self.core.run(came / ack)[0], "drop no_backend -")

    def test_outer_flow_labels_are_constant_for_a_flow_and_differ_between_flows(self):
        labels = set()
        for port in range(1, 200):
            flow = came / v4(16) / TCP(sport=port, dport=443, flags="S")
            first, _ = without_label(self.core.run(flow)[1])
            again, _ = without_label(self.core.run(flow)[1])
            self.assertEqual(first, again)
            labels.add(first)
        self.assertGreater(len(labels), 190)

    def test_scapy_finds_nothing_to_correct_in_what_leaves(self):
        dice = random.Random(20261121)
        sent = 0
        for _ in range(1500):
            number = dice.choice((10, 14, 16))
            ttl, length = dice.choice((64, 64, 64, 2, 1)), dice.choice((0, 1, 7, 100, 1380, 1470))
            packet = came.copy()
            for _ in range(dice.choice((0, 0, 0, 1, 2))):
                packet /= Dot1Q(vlan=dice.randrange(4096), prio=dice.randrange(8))
            if dice.random() < 0.5:
                packet /= v4(number, ttl=ttl, tos=dice.randrange(256))
                echo = ICMP(id=dice.randrange(65536), seq=dice.randrange(65536))
            else:
                packet /= v6(number, hlim=ttl, tc=dice.randrange(256), fl=dice.randrange(1 << 20))
                echo = ICMPv6EchoRequest(id=dice.randrange(65536), seq=dice.randrange(65536))
            packet /= dice.choice((TCP(sport=dice.randrange(65536), dport=443, flags=dice.randrange(256)),
                                   UDP(sport=dice.randrange(65536), dport=443), echo))
            packet /= Raw(dice.randbytes(length))
            _, out = self.core.run(packet)
            if out is not None:
                sent += 1
                self.assertEqual(out.hex(), rebuilt(out).hex(), packet.summary())
        self.assertGreater(sent, 1400)


if __name__ == "__main__":
    unittest.main()
