# SPDX-License-Identifier: BSD-2-Clause
"""What packet vectors are made of: the tables behind them, packets as scapy builds them, steps, and the way to the
script that replay_vectors plays."""

import logging
from dataclasses import dataclass

logging.getLogger("scapy").setLevel(logging.ERROR)
# pylint: disable=wrong-import-position
from scapy.layers.inet import IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.packet import Packet, Raw, bind_layers  # noqa: E402

CLIENT, CLIENT6 = "198.51.100.7", "2001:db8:c::7"
ROUTER, OWN = "02:00:00:00:00:02", "02:00:00:00:00:01"
BALANCER, BALANCER6 = "192.0.2.1", "2001:db8:b::1"
GUE_PORT = 6080

AFFINITY_SOURCE, STATELESS, RANDOM, IN_TURN, LEAST_FLOWS = 2, 4, 8, 16, 32


class InGue(Packet):
    """Whatever IP packet follows the outer UDP header."""

    @classmethod
    def dispatch_hook(cls, data=b"", **_):
        return IPv6 if data and data[0] >> 4 == 6 else IP


bind_layers(UDP, InGue, dport=GUE_PORT)


@dataclass
class Backend:
    name: str
    mac: str
    encap: str = "l2"
    mtu: int = 1500
    port: int = 0


@dataclass
class Service:
    """On TCP and UDP port `port` (0: any) of 203.0.113.NUMBER and 2001:db8::NUMBER, or with these VIPs; its table has
    one slot for each backend."""

    name: str
    number: int
    backends: list
    flags: int = 0
    port: int = 443
    vips: tuple = ()

    def all_vips(self):
        if self.vips:
            return self.vips
        return [f"{address}:{self.port}/{protocol}" for protocol in ("tcp", "udp")
                for address in (f"203.0.113.{self.number}", f"[2001:db8::{self.number}]")]


IPIP4, IPIP6 = f"ipip {BALANCER} 10.0.1.11", f"ipip {BALANCER6} 2001:db8:b::11"
GUE4, GUE6 = f"gue {BALANCER} 10.0.1.11", f"gue {BALANCER6} 2001:db8:b::11"
BACKEND = "02:00:00:00:0b:01"
MACS = {name: f"02:00:00:00:0b:0{name}" for name in "abcd"}

SERVICES = [
    Service("plain", 10, [Backend("plain", BACKEND)]),
    Service("ipip4", 14, [Backend("ipip4", BACKEND, IPIP4)]),
    Service("ipip6", 16, [Backend("ipip6", BACKEND, IPIP6)]),
    Service("gue4", 24, [Backend("gue4", BACKEND, GUE4)]),
    Service("gue6", 26, [Backend("gue6", BACKEND, GUE6)]),
    Service("far", 30, [Backend("far", BACKEND, port=1)]),
    Service("anyport", 40, [Backend("anyport", BACKEND)], port=0),
    # Tables that vectors change start with the first backend alone.
    Service("moving", 50, [Backend(name, MACS[name]) for name in "abcd"]),
    Service("source", 60, [Backend("s" + name, MACS[name]) for name in "abcd"], AFFINITY_SOURCE),
    Service("stateless", 70, [Backend("t" + name, MACS[name]) for name in "abcd"], STATELESS),
    Service("empty", 80, []),
    Service("random", 90, [Backend("r" + name, MACS[name]) for name in "abcd"], RANDOM),
    Service("turns", 100, [Backend("u" + name, MACS[name]) for name in "abcd"], IN_TURN),
    Service("least", 110, [Backend("l" + name, MACS[name]) for name in "abcd"], LEAST_FLOWS),
    Service("quic", 120, [Backend("q" + name, MACS[name]) for name in "abcd"]),
    # 203.0.113.200 to .207 and 2001:db8::200 to ::207.
    Service("net", 200, [Backend("net", BACKEND)],
            vips=("203.0.113.200/29:8000-8999/tcp", "203.0.113.200/29:443/udp", "203.0.113.200/29:443/tcp",
                  "[2001:db8::200/125]:8000-8999/tcp", "[2001:db8::200/125]:443/udp", "[2001:db8::200/125]:443/tcp")),
    Service("within", 200, [Backend("within", BACKEND)],
            vips=("203.0.113.200/29:8080-8089/tcp", "[2001:db8::200/125]:8080-8089/tcp")),
    Service("longer", 204, [Backend("longer", BACKEND)],
            vips=("203.0.113.204/30:0/tcp", "[2001:db8::204/126]:0/tcp", "203.0.113.206:8000-8010/tcp",
                  "203.0.113.206:8005/udp")),
    Service("exact", 205, [Backend("exact", BACKEND)], port=8085),
]

# Connection ids of service quic: config id, lengths of server id and nonce, key. The draft's key and server ids.
QUIC_KEY = "8f95f09245765f80256934e50c66207f"
QUIC_CONFIGS = [(0, 3, 4, QUIC_KEY), (1, 10, 5, QUIC_KEY), (2, 8, 8, QUIC_KEY), (3, 3, 4, "-")]
QUIC_SERVERS = {"qa": "ed793a", "qb": "ed793a51d49b8f5fab65", "qc": "ed793a51d49b8f5f", "qd": "c4605e"}


def preamble():
    lines = []
    for service in SERVICES:
        lines.append(f"service {service.name} {service.flags}")
        lines += [f"vip {service.name} {vip}" for vip in service.all_vips()]
        for backend in service.backends:
            lines.append(f"backend {service.name} {backend.name} {backend.mac} {backend.port} {backend.mtu} "
                         f"{backend.encap}")
        in_table = service.backends[:1] if service.name in ("moving", "stateless", "quic") else service.backends
        lines.append(" ".join(["lookup", service.name] + [backend.name for backend in in_table]))
    lines += [f"quic quic {' '.join(str(word) for word in config)}" for config in QUIC_CONFIGS]
    lines += [f"server {backend} {server_id}" for backend, server_id in QUIC_SERVERS.items()]
    return lines


# Packets.

came = Ether(dst=OWN, src=ROUTER)
goes = Ether(dst=BACKEND, src=OWN)
back = Ether(dst=ROUTER, src=OWN)
PAYLOAD = Raw(bytes(range(48)))


def goes_to(name):
    return Ether(dst=MACS[name], src=OWN)


def v4(number=10, ttl=64, **fields):
    return IP(src=fields.pop("src", CLIENT), dst=f"203.0.113.{number}", ttl=ttl, id=fields.pop("id", 4660), **fields)


def v6(number=10, hlim=64, **fields):
    return IPv6(src=fields.pop("src", CLIENT6), dst=f"2001:db8::{number}", hlim=hlim, **fields)


def tcp(flags="A", sport=40000, dport=443, **fields):
    return TCP(sport=sport, dport=dport, flags=flags, seq=1, **fields)


def syn(sport=40000, dport=443, **fields):
    return tcp("S", sport, dport, options=[("MSS", 1460), ("SAckOK", b"")], **fields)


def udp(sport=5000, dport=443, **fields):
    return UDP(sport=sport, dport=dport, **fields)


def quic_short(connection_id, length=24):
    """The payload of a packet with a short header: RFC 8999 5.2."""
    return Raw(bytes.fromhex("40" + connection_id) + bytes(range(length)))


def quic_long(connection_id):
    """With a long header of QUIC version 1: RFC 8999 5.1."""
    octets = bytes.fromhex(connection_id)
    return Raw(bytes.fromhex("c000000001") + bytes([len(octets)]) + octets + bytes(range(64)))


def outer4(tos=0):
    return IP(src=BALANCER, dst="10.0.1.11", id=0, flags="DF", ttl=64, tos=tos)


def outer6(tc=0):
    return IPv6(src=BALANCER6, dst="2001:db8:b::11", hlim=64, tc=tc)


def gue():
    """Generic UDP encapsulation, variant 1: the IP packet itself follows. The source port is compared with nothing."""
    return UDP(sport=0, dport=GUE_PORT, chksum=0)


def error4(number, **fields):
    """The IPv4 header of an ICMP error that the VIP sends."""
    return IP(src=f"203.0.113.{number}", dst=CLIENT, id=0, flags="DF", ttl=64, **fields)


def error6(number):
    return IPv6(src=f"2001:db8::{number}", dst=CLIENT6, hlim=64)


def quoted(packet, count=128):
    """The first bytes of an IP packet, as an ICMP error quotes them."""
    whole = bytes(packet)
    return Raw(whole[:min(count, len(whole)) & ~3])


# Steps.

NEW, PREVIOUS, RESCHEDULED = "flow_new", "flow_previous", "flow_rescheduled"
EVICTED, NOT_REMEMBERED, NOTHING = "flow_evicted", "flow_not_remembered", "-"
BY_ID, NO_CONFIG, NO_SERVER = "quic_by_id", "quic_no_config", "quic_no_server"


def digits(packet):
    """The frame in hex, with `?` for what the flow's hash decides: the flow label of the outer IPv6 header and GUE's
    source port."""
    if packet is None:
        return "*"
    if isinstance(packet, bytes):
        return packet.hex()
    text = list(bytes(packet).hex())
    outer = packet.payload
    while outer and not isinstance(outer, (IP, IPv6)):
        outer = outer.payload
    at = len(bytes(packet)) - len(bytes(outer)) if outer else 0
    if isinstance(outer, IPv6) and outer.src == BALANCER6:
        text[2 * at + 3:2 * at + 8] = "?????"
    if outer and isinstance(outer.payload, UDP) and outer.payload.dport == GUE_PORT:
        at += 40 if isinstance(outer, IPv6) else 20
        text[2 * at:2 * at + 4] = "????"
    return "".join(text)


def arrives(packet):
    return [f"frame {bytes(packet).hex() or '-'}"]


def forward(backend, out=None, notes="*", port="*"):
    """To `backend`: a name, `same` as the packet before, or `*`."""
    return [f"expect forward forwarded {backend} {port} {notes} {digits(out)}"]


def punt(reason):
    return [f"expect punt {reason} - - - -"]


def drop(reason, notes="*"):
    return [f"expect drop {reason} - - {notes} -"]


def reply(reason, out):
    return [f"expect reply {reason} - - * {digits(out)}"]


def table(service, *backends):
    return ["lookup " + " ".join((service,) + backends)]


def down(backend):
    return [f"down {backend}"]


def drain(backend):
    return [f"drain {backend}"]


def up(backend):
    return [f"up {backend}"]


def unreachable(backend):
    return [f"unreachable {backend}"]


def prefix(service, ipv4, ipv6):
    """Source affinity looks at so many bits of a client's address."""
    return [f"prefix {service} {ipv4} {ipv6}"]


def allow(service, *prefixes):
    """Of the service's clients only these are let in."""
    return [f"allow {service} {' '.join(prefixes)}"]


def deny(service, *prefixes):
    return [f"deny {service} {' '.join(prefixes)}"]


def local(address):
    """The kernel has the address of this VIP, too."""
    return [f"local {address}"]


def resets():
    """A SYN that no service takes is answered."""
    return ["resets on"]


def on_down_reset(service):
    """A packet of a TCP connection whose backend is down is answered by a RST."""
    return [f"on_down_reset {service}"]


def no_replies_left():
    return ["replies off"]


def time_passes(ticks):
    return [f"age {ticks}"]


class Vector:
    """`row`: of DESIGN's section on the decision, see README.md. `steps`: a packet, then what becomes of it, and
    changes of the tables."""

    def __init__(self, row, description, *steps):
        self.row, self.description = row, description
        self.lines = []
        for step in steps:
            self.lines += arrives(step) if isinstance(step, (Packet, bytes)) else step

    def script(self):
        return [f"vector {self.row}: {self.description}"] + self.lines
