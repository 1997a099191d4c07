# SPDX-License-Identifier: BSD-2-Clause
"""ICMP and fragments."""

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, fragment
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6PacketTooBig,
                                ICMPv6TimeExceeded, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, fragment6)
from scapy.layers.l2 import Dot1Q
from scapy.packet import Raw

from vector import (CLIENT, CLIENT6, NEW, NOTHING, PAYLOAD, Vector, back, came, down, drop, forward, goes, goes_to, gue,
                    local, no_replies_left, outer4, outer6, punt, reply, resets, syn, table, tcp, time_passes, udp, v4, v6)


def echo4(**fields):
    return ICMP(id=77, seq=3, **fields)


def answer4(number=10, client=CLIENT):
    """What the VIP's backend once sent to the client, as a router on the way quotes it."""
    return IP(src=f"203.0.113.{number}", dst=client) / TCP(sport=443, dport=40000)


def answer6(number=10):
    return IPv6(src=f"2001:db8::{number}", dst=CLIENT6) / TCP(sport=443, dport=40000)


def router4(number=10, ttl=60):
    return IP(src="192.0.2.9", dst=f"203.0.113.{number}", ttl=ttl)


def router6(number=10, hlim=60):
    return IPv6(src="2001:db8:f::1", dst=f"2001:db8::{number}", hlim=hlim)


def refusal(ack=2):
    """RFC 9293 3.10.7.1."""
    return TCP(sport=81, dport=40000, flags="RA", seq=0, ack=ack, window=0)


FRAG_NEEDED = ICMP(type=3, code=4, nexthopmtu=1400)
TOO_BIG6 = ICMPv6PacketTooBig(mtu=1300)


def lower(piece):
    """One TTL less."""
    lowered = piece.copy()
    if IP in lowered:
        lowered[IP].ttl, lowered[IP].chksum = 63, None
    else:
        lowered[IPv6].hlim = 63
    return lowered


def pieces4(number, transport):
    return fragment(v4(number) / transport / Raw(bytes(4000)), 1200)


def pieces6(number, transport):
    return fragment6(v6(number) / IPv6ExtHdrFragment(id=9) / transport / Raw(bytes(4000)), 1200)


def all_follow(pieces, backend, outer=None):
    steps = []
    for piece in pieces:
        out = goes / outer / lower(piece) if outer else goes / lower(piece)
        steps += [came / piece, forward(backend, out)]
    return steps


FIRST4, SECOND4, *_, LAST4 = pieces4(50, udp())
FIRST6, SECOND6, *_, LAST6 = pieces6(50, udp())

VECTORS = [
    Vector("echo", "to an address of a prefix", came / v4(201, ttl=9) / echo4() / PAYLOAD,
           reply("reply_echo", back / IP(src="203.0.113.201", dst=CLIENT, id=4660, ttl=64) / echo4(type=0) / PAYLOAD)),
    Vector("echo", "to a VIP", came / v4(ttl=9) / echo4() / PAYLOAD,
           reply("reply_echo", back / IP(src="203.0.113.10", dst=CLIENT, id=4660, ttl=64) / echo4(type=0) / PAYLOAD)),
    Vector("echo", "to an IPv6 VIP", came / v6(hlim=9) / ICMPv6EchoRequest(id=77, seq=3, data=b"abc"),
           reply("reply_echo", back / IPv6(src="2001:db8::10", dst=CLIENT6, hlim=64)
                 / ICMPv6EchoReply(id=77, seq=3, data=b"abc"))),
    Vector("echo", "behind two tags", came / Dot1Q(vlan=7) / Dot1Q(vlan=8) / v4() / echo4(),
           reply("reply_echo", back / Dot1Q(vlan=7) / Dot1Q(vlan=8) / IP(src="203.0.113.10", dst=CLIENT, id=4660,
           ttl=64)
                 / echo4(type=0))),
    Vector("echo", "to the address of an any-port VIP", came / v4(40) / echo4(),
           reply("reply_echo", back / IP(src="203.0.113.40", dst=CLIENT, id=4660, ttl=64) / echo4(type=0))),
    Vector("echo", "to another address", came / v4(99) / echo4() / PAYLOAD, punt("punt_no_vip")),
    Vector("echo", "with IP options", came / v4(options=[IPOption_NOP()] * 4) / echo4(), drop("unserved")),
    Vector("echo", "with IP options, to an address that the kernel has, too", local("203.0.113.10"),
           came / v4(options=[IPOption_NOP()] * 4) / echo4(), punt("punt_icmp"),
           came / v4(ttl=9) / echo4(), reply("reply_echo", back / IP(src="203.0.113.10", dst=CLIENT, id=4660, ttl=64)
                                             / echo4(type=0))),
    Vector("echo", "from a source that nobody has", came / v4(src="127.0.0.1") / echo4(), drop("bad_address")),
    Vector("echo", "beyond the limit of replies", no_replies_left(), came / v4() / echo4(), drop("reply_limit")),
    Vector("echo", "reply to a VIP", came / v4() / echo4(type=0), drop("unserved")),
    Vector("echo", "reply to an address that is no VIP", came / v4(99) / echo4(type=0), punt("punt_icmp")),

    Vector("reset", "of a SYN to a port without service", resets(), came / v4() / syn(dport=81),
           reply("reply_reset", back / IP(src="203.0.113.10", dst=CLIENT, id=0, ttl=64, flags="DF") / refusal())),
    Vector("reset", "of one in a VLAN, with DSCP and data", resets(),
           came / Dot1Q(vlan=7) / v4(tos=0xb8) / syn(dport=81) / PAYLOAD,
           reply("reply_reset", back / Dot1Q(vlan=7) / IP(src="203.0.113.10", dst=CLIENT, id=0, ttl=64, flags="DF")
                 / refusal(ack=2 + len(PAYLOAD)))),
    Vector("reset", "of one over IPv6", resets(), came / v6(tc=0xb8, fl=77) / syn(dport=81),
           reply("reply_reset", back / IPv6(src="2001:db8::10", dst=CLIENT6, hlim=64) / refusal())),
    Vector("reset", "is not asked for", came / v4() / syn(dport=81), drop("unserved")),
    Vector("reset", "of what opens no connection", resets(), came / v4() / tcp("A", dport=81), drop("unserved"),
           came / v4() / tcp("SA", dport=81), drop("unserved"), came / v4() / tcp("R", dport=81), drop("unserved"),
           came / v4() / udp(dport=81) / PAYLOAD, drop("unserved")),
    Vector("reset", "of a SYN to an address that is no VIP", resets(), came / v4(99) / syn(dport=81), punt("punt_no_vip")),
    Vector("reset", "of one to an address that the kernel has, too", resets(), local("203.0.113.10"),
           came / v4() / syn(dport=81), punt("punt_no_vip")),
    Vector("reset", "of one with IP options", resets(), came / v4(options=[IPOption_NOP()] * 4) / syn(dport=81), drop("unserved")),
    Vector("reset", "of one behind extension headers", resets(), came / v6() / IPv6ExtHdrDestOpt() / syn(dport=81),
           drop("unserved")),
    Vector("reset", "beyond the limit", resets(), no_replies_left(), came / v4() / syn(dport=81), drop("unserved")),

    Vector("ICMP error", "about an answer goes to the backend, through its tunnel",
           came / router4(14) / FRAG_NEEDED / answer4(14),
           forward("ipip4", goes / outer4() / router4(14, 59) / FRAG_NEEDED / answer4(14), NOTHING)),
    Vector("ICMP error", "about an answer from an address of a prefix", came / router4(202) / FRAG_NEEDED / answer4(202),
           forward("net", goes / router4(202, 59) / FRAG_NEEDED / answer4(202), NOTHING), came / router6(202) / TOO_BIG6 / answer6(202), forward("net")),
    Vector("ICMP error", "IPv6: packet too big", came / router6() / TOO_BIG6 / answer6(),
           forward("plain", goes / router6(hlim=59) / TOO_BIG6 / answer6(), NOTHING)),
    Vector("ICMP error", "IPv6: time exceeded", came / router6() / ICMPv6TimeExceeded() / answer6(), forward("plain")),
    Vector("ICMP error", "follows the flow, not the table", came / v4(50) / syn(), forward("a", notes=NEW),
           table("moving", "b"), came / router4(50) / FRAG_NEEDED / answer4(50),
           forward("a", goes_to("a") / router4(50, 59) / FRAG_NEEDED / answer4(50), NOTHING)),
    Vector("ICMP error", "follows an IPv6 flow", came / v6(50) / syn(), forward("a", notes=NEW), table("moving", "b"),
           came / router6(50) / TOO_BIG6 / answer6(50),
           forward("a", goes_to("a") / router6(50, 59) / TOO_BIG6 / answer6(50), NOTHING)),
    Vector("ICMP error", "about an answer with extension headers", came / v6(50) / udp(sport=40000),
           forward("a", notes=NEW), table("moving", "b"),
           came / router6(50) / TOO_BIG6 / IPv6(src="2001:db8::50", dst=CLIENT6) / IPv6ExtHdrDestOpt()
           / IPv6ExtHdrFragment(id=3, m=1) / UDP(sport=443, dport=40000) / PAYLOAD, forward("a", notes=NOTHING)),
    Vector("ICMP error", "about UDP", came / v4(50) / udp(sport=40000), forward("a", notes=NEW), table("moving", "b"),
           came / router4(50) / ICMP(type=3, code=3) / IP(src="203.0.113.50", dst=CLIENT) / UDP(sport=443, dport=40000),
           forward("a", notes=NOTHING)),
    Vector("ICMP error", "about another's packet", came / router4() / FRAG_NEEDED / answer4(99), drop("unserved")),
    Vector("ICMP error", "about another's IPv6 packet", came / router6() / ICMPv6DestUnreach() / answer6(99),
           drop("unserved")),
    Vector("ICMP error", "about a later fragment", came / router4() / ICMP(type=11, code=1)
           / IP(src="203.0.113.10", dst=CLIENT, frag=100, proto=6) / PAYLOAD, drop("unserved")),
    Vector("ICMP error", "that quotes too little", came / router4() / FRAG_NEEDED / Raw(bytes(answer4())[:27]),
           drop("unserved")),
    Vector("ICMP error", "to an address that is no VIP", came / router4(99) / FRAG_NEEDED / answer4(10),
           punt("punt_icmp")),
    Vector("ICMP error", "whose TTL ran out gets no error", came / router4(ttl=1) / FRAG_NEEDED / answer4(),
           drop("ttl_expired")),
    Vector("ICMP error", "that is too big gets no error", came / router4() / FRAG_NEEDED / answer4() / Raw(bytes(1440)),
           drop("too_big")),
    Vector("ICMP other", "timestamp request", came / v4(99) / ICMP(type=13), punt("punt_icmp")),
    Vector("ICMP other", "timestamp request to a VIP", came / v4() / ICMP(type=13), drop("unserved")),
    Vector("ICMP other", "neighbour solicitation", came / v6(hlim=255) / ICMPv6ND_NS(tgt="2001:db8::10"),
           punt("punt_neighbour")),
    Vector("ICMP other", "neighbour solicitation that came through a router", came / v6(hlim=254)
           / ICMPv6ND_NS(tgt="2001:db8::10"), drop("unserved")),

    Vector("fragments", "follow their first, IPv4", *all_follow(pieces4(10, udp()), "plain")),
    Vector("fragments", "follow their first, IPv6", *all_follow(pieces6(10, udp()), "plain")),
    Vector("fragments", "to an address of a prefix", *all_follow(pieces4(202, udp()), "net"),
           *all_follow(pieces6(202, udp()), "net")),
    Vector("fragments", "of TCP", *all_follow(pieces4(10, tcp()), "plain")),
    Vector("fragments", "through a tunnel, 4in4", *all_follow(pieces4(14, udp()), "ipip4", outer4())),
    Vector("fragments", "through a tunnel, 6in6", *all_follow(pieces6(16, udp()), "ipip6", outer6())),
    Vector("fragments", "through UDP", *all_follow(pieces4(24, udp()), "gue4", outer4() / gue())),
    Vector("fragments", "follow their first, not the table", came / FIRST4, forward("a"), table("moving", "b"),
           came / SECOND4, forward("a", goes_to("a") / lower(SECOND4))),
    Vector("fragments", "follow their first, not the table, IPv6", came / FIRST6, forward("a"), table("moving", "b"),
           came / SECOND6, forward("a", goes_to("a") / lower(SECOND6))),
    Vector("fragments", "of a flow that is known already", came / v4(50) / udp(), forward("a", notes=NEW),
           came / FIRST4,
           forward("a", notes=NOTHING), came / SECOND4, forward("a", goes_to("a") / lower(SECOND4))),
    Vector("fragments", "that arrive before their first are dropped", came / SECOND4, drop("fragment"), came / FIRST4,
           forward("a"), came / LAST4, forward("a")),
    Vector("fragments", "that arrive before their first are dropped, IPv6", came / SECOND6, drop("fragment"),
           came / FIRST6,
           forward("a"), came / LAST6, forward("a")),
    Vector("fragments", "of another packet do not follow", came / FIRST4, forward("a"),
           came / v4(50, id=1, frag=100, proto=17) / PAYLOAD, drop("fragment")),
    Vector("fragments", "too late", came / FIRST4, forward("a"), time_passes(28), came / SECOND4, drop("fragment")),
    Vector("fragments", "of a backend that went down", came / FIRST4, forward("a"), down("a"), table("moving", "b"),
           came / SECOND4, drop("fragment")),
    Vector("fragments", "to no VIP are the kernel's", came / v4(99, frag=100, proto=17) / PAYLOAD, punt("punt_no_vip")),
    Vector("fragments", "of ICMP", came / v4(flags="MF") / echo4() / PAYLOAD, drop("unserved"),
           came / v4(frag=100, proto=1) / PAYLOAD, drop("fragment")),
    Vector("fragments", "of ICMP to an address that the kernel has, too", local("203.0.113.10"),
           came / v4(flags="MF") / echo4() / PAYLOAD, punt("punt_protocol"),
           came / v4(frag=100, proto=1) / PAYLOAD, punt("punt_fragment")),
    Vector("fragments", "to a port that the kernel serves", local("203.0.113.50"), local("2001:db8::50"),
           came / v4(50, flags="MF") / udp(dport=9) / PAYLOAD, punt("punt_no_vip"),
           came / v4(50, frag=100, proto=17) / PAYLOAD, punt("punt_fragment"),
           came / v6(50) / IPv6ExtHdrFragment(id=3, offset=100, nh=17) / PAYLOAD, punt("punt_fragment"),
           came / FIRST4, forward("a"), came / SECOND4, forward("a", goes_to("a") / lower(SECOND4))),
    Vector("fragments", "later one whose TTL ran out gets no error", came / FIRST4, forward("a"),
           came / v4(50, ttl=1, frag=150, proto=17) / PAYLOAD, drop("ttl_expired")),
    Vector("fragments", "behind a destination options header", came / v6() / IPv6ExtHdrDestOpt()
           / IPv6ExtHdrFragment(id=3, m=1) / udp() / PAYLOAD, forward("plain")),
]
