# SPDX-License-Identifier: BSD-2-Clause
"""Steps 8 and 9: the bytes that leave, and what is said to a client whose packet cannot."""

from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6PacketTooBig, ICMPv6TimeExceeded
from scapy.layers.l2 import Dot1Q
from scapy.packet import Raw

from vector import (NEW, PAYLOAD, Vector, back, came, drop, error4, error6, forward, goes, gue, no_replies_left, outer4,
                    outer6, quoted, reply, syn, udp, v4, v6)


def data(count):
    return Raw(bytes(count))


def too_big4(number, mtu, packet):
    reason = "reply_too_big" if packet[IP].flags.DF else "reply_no_df"
    return reply(reason, back / error4(number) / ICMP(type=3, code=4, nexthopmtu=mtu) / quoted(packet))


def too_big6(number, mtu, packet):
    return reply("reply_too_big", back / error6(number) / ICMPv6PacketTooBig(mtu=mtu) / quoted(packet))


VECTORS = [
    Vector("8 l2", "IPv4: new MACs, TTL one less", came / v4() / syn() / PAYLOAD,
           forward("plain", goes / v4(ttl=63) / syn() / PAYLOAD, NEW, "0")),
    Vector("8 l2", "IPv6: new MACs, hop limit one less", came / v6() / syn() / PAYLOAD,
           forward("plain", goes / v6(hlim=63) / syn() / PAYLOAD, NEW, "0")),
    Vector("8 l2", "by another port", came / v4(30) / syn(), forward("far", goes / v4(30, ttl=63) / syn(), NEW, "1")),
    Vector("8 ipip", "4in4", came / v4(14) / syn() / PAYLOAD, forward("ipip4", goes / outer4() / v4(14, ttl=63) / syn()
                                                                      / PAYLOAD)),
    Vector("8 ipip", "6in4", came / v6(14) / syn() / PAYLOAD, forward("ipip4", goes / outer4() / v6(14, hlim=63) / syn()
                                                                      / PAYLOAD)),
    Vector("8 ipip", "4in6", came / v4(16) / syn() / PAYLOAD, forward("ipip6", goes / outer6() / v4(16, ttl=63) / syn()
                                                                      / PAYLOAD)),
    Vector("8 ipip", "6in6", came / v6(16) / syn() / PAYLOAD, forward("ipip6", goes / outer6() / v6(16, hlim=63) / syn()
                                                                      / PAYLOAD)),
    Vector("8 gue", "IPv4 in UDP over IPv4", came / v4(24) / syn() / PAYLOAD,
           forward("gue4", goes / outer4() / gue() / v4(24, ttl=63) / syn() / PAYLOAD)),
    Vector("8 gue", "IPv6 in UDP over IPv4", came / v6(24) / syn() / PAYLOAD,
           forward("gue4", goes / outer4() / gue() / v6(24, hlim=63) / syn() / PAYLOAD)),
    Vector("8 gue", "IPv4 in UDP over IPv6", came / v4(26) / udp() / PAYLOAD,
           forward("gue6", goes / outer6() / gue() / v4(26, ttl=63) / udp() / PAYLOAD)),
    Vector("8 gue", "IPv6 in UDP over IPv6, behind a tag", came / Dot1Q(vlan=7) / v6(26) / udp() / PAYLOAD,
           forward("gue6", goes / Dot1Q(vlan=7) / outer6() / gue() / v6(26, hlim=63) / udp() / PAYLOAD)),
    Vector("8 DSCP", "and ECN are copied outward, IPv4 in IPv4", came / v4(14, tos=0xBB) / syn(),
           forward("ipip4", goes / outer4(tos=0xBB) / v4(14, ttl=63, tos=0xBB) / syn())),
    Vector("8 DSCP", "IPv6 in IPv6", came / v6(16, tc=0xBB) / syn(),
           forward("ipip6", goes / outer6(tc=0xBB) / v6(16, hlim=63, tc=0xBB) / syn())),
    Vector("8 DSCP", "IPv4 in IPv6", came / v4(16, tos=0xBB) / syn(),
           forward("ipip6", goes / outer6(tc=0xBB) / v4(16, ttl=63, tos=0xBB) / syn())),
    Vector("8 DSCP", "IPv6 in IPv4", came / v6(14, tc=0xBB) / syn(),
           forward("ipip4", goes / outer4(tos=0xBB) / v6(14, hlim=63, tc=0xBB) / syn())),
    Vector("8 DSCP", "IPv4 in UDP", came / v4(24, tos=0xBB) / syn(),
           forward("gue4", goes / outer4(tos=0xBB) / gue() / v4(24, ttl=63, tos=0xBB) / syn())),
    Vector("8 TTL", "of 2 leaves as 1", came / v4(ttl=2) / syn(), forward("plain", goes / v4(ttl=1) / syn())),
    Vector("8 TTL", "runs out: time exceeded", came / v4(ttl=1) / udp() / PAYLOAD,
           reply("reply_time_exceeded", back / error4(10) / ICMP(type=11) / quoted(v4(ttl=1) / udp() / PAYLOAD))),
    Vector("8 TTL", "is 0 already", came / v4(ttl=0) / udp() / PAYLOAD,
           reply("reply_time_exceeded", back / error4(10) / ICMP(type=11) / quoted(v4(ttl=0) / udp() / PAYLOAD))),
    Vector("8 TTL", "hop limit runs out", came / v6(hlim=1) / udp() / PAYLOAD,
           reply("reply_time_exceeded",
           back / error6(10) / ICMPv6TimeExceeded() / quoted(v6(hlim=1) / udp() / PAYLOAD))),
    Vector("8 TTL", "runs out behind a tag", came / Dot1Q(vlan=7) / v4(ttl=1) / udp() / PAYLOAD,
           reply("reply_time_exceeded",
                 back / Dot1Q(vlan=7) / error4(10) / ICMP(type=11) / quoted(v4(ttl=1) / udp() / PAYLOAD))),
    Vector("8 TTL", "no answer beyond the limit of replies", no_replies_left(), came / v4(ttl=1) / udp(),
           drop("ttl_expired")),
    Vector("8 TTL", "no answer beyond the limit of replies, IPv6", no_replies_left(), came / v6(hlim=1) / udp(),
           drop("ttl_expired")),

    Vector("9 MTU", "l2: as big as fits", came / v4() / udp() / data(1472),
           forward("plain", goes / v4(ttl=63) / udp() / data(1472))),
    Vector("9 MTU", "l2: one byte more", came / v4() / udp() / data(1473), too_big4(10, 1500,
           v4() / udp() / data(1473))),
    Vector("9 MTU", "l2: one byte more, and not to be fragmented", came / v4(flags="DF") / udp() / data(1473),
           too_big4(10, 1500, v4(flags="DF") / udp() / data(1473))),
    Vector("9 MTU", "IPIP: as big as fits", came / v4(14) / udp() / data(1452),
           forward("ipip4", goes / outer4() / v4(14, ttl=63) / udp() / data(1452))),
    Vector("9 MTU", "IPIP: one byte more", came / v4(14) / udp() / data(1453),
           too_big4(14, 1480, v4(14) / udp() / data(1453))),
    Vector("9 MTU", "IPIP over IPv6: as big as fits", came / v6(16) / udp() / data(1412),
           forward("ipip6", goes / outer6() / v6(16, hlim=63) / udp() / data(1412))),
    Vector("9 MTU", "IPIP over IPv6: one byte more, packet too big", came / v6(16) / udp() / data(1413),
           too_big6(16, 1460, v6(16) / udp() / data(1413))),
    Vector("9 MTU", "IPv4 in IPv6: one byte more", came / v4(16) / udp() / data(1433),
           too_big4(16, 1460, v4(16) / udp() / data(1433))),
    Vector("9 MTU", "GUE: as big as fits", came / v4(24) / udp() / data(1444),
           forward("gue4", goes / outer4() / gue() / v4(24, ttl=63) / udp() / data(1444))),
    Vector("9 MTU", "GUE: one byte more", came / v4(24) / udp() / data(1445), too_big4(24, 1472,
           v4(24) / udp() / data(1445))),
    Vector("9 MTU", "GUE over IPv6: one byte more", came / v6(26) / udp() / data(1405),
           too_big6(26, 1452, v6(26) / udp() / data(1405))),
    Vector("9 MTU", "no answer beyond the limit of replies", no_replies_left(), came / v4() / udp() / data(1473),
           drop("too_big")),
]
