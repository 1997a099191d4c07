#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random packets that the core has sent, handed to scapy for correction: it must find nothing to correct. The tables
behind them stand at the top of core_vectors.cpp."""

import os
import random
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
# pylint: disable=wrong-import-position
from vector import BALANCER6, came, v4, v6  # noqa: E402
from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6  # noqa: E402
from scapy.layers.l2 import Dot1Q, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402


class Core:
    """The core, behind its little protocol."""

    def __init__(self):
        self.process = subprocess.Popen([os.environ["CORE_VECTORS"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def run(self, packet):
        """Bytes out, or None."""
        self.process.stdin.write(bytes(packet).hex() + "\n")
        self.process.stdin.flush()
        out = self.process.stdout.readline().strip()
        return None if out == "-" else bytes.fromhex(out)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def flow_label(frame):
    outer = Ether(frame)[IPv6]
    assert outer.src == BALANCER6
    return outer.fl


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


class Judged(unittest.TestCase):
    def setUp(self):
        self.core = Core()
        self.addCleanup(self.core.close)

    def test_outer_flow_labels_are_constant_for_a_flow_and_differ_between_flows(self):
        labels = set()
        for port in range(1, 200):
            flow = came / v4(16) / TCP(sport=port, dport=443, flags="S")
            first = flow_label(self.core.run(flow))
            self.assertEqual(first, flow_label(self.core.run(flow)))
            labels.add(first)
        self.assertGreater(len(labels), 190)

    def test_scapy_finds_nothing_to_correct_in_what_leaves(self):
        dice = random.Random(20261121)
        sent = 0
        for _ in range(1500):
            number = dice.choice((10, 14, 16, 24, 26))
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
            out = self.core.run(packet)
            if out is not None:
                sent += 1
                self.assertEqual(out.hex(), rebuilt(out).hex(), packet.summary())
        self.assertGreater(sent, 1400)


if __name__ == "__main__":
    unittest.main()
