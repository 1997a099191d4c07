# SPDX-License-Identifier: BSD-2-Clause
"""Step 1: Ethernet, VLAN tags, IP, extension headers, TCP, UDP and ICMP are read, or refused by name."""

from scapy.layers.inet import ICMP, IP, IPOption_NOP
from scapy.layers.inet6 import (ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting, PadN)
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether

from vector import (BACKEND, CLIENT6, OWN, PAYLOAD, ROUTER, Vector, came, drop, forward, goes, local, outer4,
                    outer6, punt, syn, tcp, udp, v4, v6)


def cut(packet, count):
    return bytes(packet)[:count]


def hop_by_hop():
    return IPv6ExtHdrHopByHop(options=[PadN(optdata=b"1234")])


WHOLE4 = came / v4() / syn() / PAYLOAD
WHOLE6 = came / v6() / syn() / PAYLOAD

VECTORS = [
    Vector("1 Ethernet", "to the box itself", WHOLE4, forward("plain", goes / v4(ttl=63) / syn() / PAYLOAD)),
    Vector("1 Ethernet", "broadcast", Ether(dst="ff:ff:ff:ff:ff:ff", src=ROUTER) / v4() / syn(),
           punt("punt_multicast")),
    Vector("1 Ethernet", "multicast", Ether(dst="33:33:00:00:00:01", src=ROUTER) / v6() / syn(),
           punt("punt_multicast")),
    Vector("1 Ethernet", "ARP", Ether(dst=OWN, src=ROUTER) / ARP(pdst="192.0.2.1"), punt("punt_not_ip")),
    Vector("1 Ethernet", "LLDP", Ether(dst=OWN, src=ROUTER, type=0x88CC) / PAYLOAD, punt("punt_not_ip")),
    Vector("1 Ethernet", "no bytes at all", b"", drop("truncated")),
    Vector("1 Ethernet", "ends in the header", cut(WHOLE4, 13), drop("truncated")),
    Vector("1 Ethernet", "ends behind the header", cut(WHOLE4, 14), drop("truncated")),
    Vector("1 Ethernet", "padding behind the packet stays", bytes(came / v4() / syn()) + b"padding",
           forward("plain", bytes(goes / v4(ttl=63) / syn()) + b"padding")),

    Vector("1 VLAN", "one tag is kept", came / Dot1Q(vlan=7, prio=3) / v4() / syn(),
           forward("plain", goes / Dot1Q(vlan=7, prio=3) / v4(ttl=63) / syn())),
    Vector("1 VLAN", "one tag, IPv6", came / Dot1Q(vlan=7) / v6() / syn(),
           forward("plain", goes / Dot1Q(vlan=7) / v6(hlim=63) / syn())),
    Vector("1 VLAN", "one tag is kept before the outer header", came / Dot1Q(vlan=7) / v4(14) / syn(),
           forward("ipip4", goes / Dot1Q(vlan=7) / outer4() / v4(14, ttl=63) / syn())),
    Vector("1 VLAN", "the type behind the tag changes with the family", came / Dot1Q(vlan=7) / v6(14) / syn(),
           forward("ipip4", goes / Dot1Q(vlan=7) / outer4() / v6(14, hlim=63) / syn())),
    Vector("1 VLAN", "two tags are kept", came / Dot1AD(vlan=5) / Dot1Q(vlan=7) / v4() / syn(),
           forward("plain", goes / Dot1AD(vlan=5) / Dot1Q(vlan=7) / v4(ttl=63) / syn())),
    Vector("1 VLAN", "two tags are kept before the outer header",
           came / Dot1AD(vlan=5) / Dot1Q(vlan=7) / v4(16) / syn(),
           forward("ipip6", goes / Dot1AD(vlan=5) / Dot1Q(vlan=7) / outer6() / v4(16, ttl=63) / syn())),
    Vector("1 VLAN", "three tags are too many", came / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / v4() / syn(),
           drop("vlan_depth")),
    Vector("1 VLAN", "ARP behind a tag", Ether(dst=OWN, src=ROUTER) / Dot1Q(vlan=7) / ARP(), punt("punt_not_ip")),
    Vector("1 VLAN", "ends in the first tag", cut(came / Dot1Q(vlan=7) / v4() / syn(), 17), drop("truncated")),
    Vector("1 VLAN", "ends in the second tag", cut(came / Dot1Q(vlan=7) / Dot1Q(vlan=8) / v4() / syn(), 21),
           drop("truncated")),

    Vector("1 IPv4", "options stay", came / v4(14, options=[IPOption_NOP()] * 8) / syn(),
           forward("ipip4", goes / outer4() / v4(14, ttl=63, options=[IPOption_NOP()] * 8) / syn())),
    Vector("1 IPv4", "as many options as there can be", came / v4(options=[IPOption_NOP()] * 40) / syn(),
           forward("plain", goes / v4(ttl=63, options=[IPOption_NOP()] * 40) / syn())),
    Vector("1 IPv4", "ends in the header", cut(WHOLE4, 14 + 19), drop("truncated")),
    Vector("1 IPv4", "version 5", came / v4(version=5) / syn(), drop("bad_ip_version")),
    Vector("1 IPv4", "version 6 behind IPv4's type", came / v4(version=6) / syn(), drop("bad_ip_version")),
    Vector("1 IPv4", "header length of four words", came / v4(ihl=4) / syn(), drop("bad_ip_header")),
    Vector("1 IPv4", "length beyond the frame", came / v4(len=1000) / syn(), drop("bad_ip_length")),
    Vector("1 IPv4", "length one beyond the frame", came / v4(len=20 + 28 + 48 + 1) / syn() / PAYLOAD,
           drop("bad_ip_length")),
    Vector("1 IPv4", "length shorter than the header", came / v4(len=19) / syn(), drop("bad_ip_length")),
    Vector("1 IPv4", "loopback as source", came / v4(src="127.0.0.1") / syn(), drop("bad_address")),
    Vector("1 IPv4", "multicast as source", came / v4(src="224.0.0.1") / syn(), drop("bad_address")),
    Vector("1 IPv4", "no address as source", came / v4(src="0.0.0.0") / syn(), drop("bad_address")),
    Vector("1 IPv4", "broadcast as source", came / v4(src="255.255.255.255") / syn(), drop("bad_address")),

    Vector("1 IPv6", "extension headers stay", came / v6(14) / hop_by_hop() / IPv6ExtHdrDestOpt() / syn(),
           forward("ipip4", goes / outer4() / v6(14, hlim=63) / hop_by_hop() / IPv6ExtHdrDestOpt() / syn())),
    Vector("1 IPv6", "a routing header without segments left is stepped over",
           came / v6() / IPv6ExtHdrRouting() / syn(),
           forward("plain", goes / v6(hlim=63) / IPv6ExtHdrRouting() / syn())),
    Vector("1 IPv6", "four extension headers", came / v6() / hop_by_hop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting()
           / IPv6ExtHdrDestOpt() / udp(),
           forward("plain", goes / v6(hlim=63) / hop_by_hop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting()
                   / IPv6ExtHdrDestOpt() / udp())),
    Vector("1 IPv6", "five are too many", came / v6() / hop_by_hop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting()
           / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / udp(), drop("ipv6_extensions")),
    Vector("1 IPv6", "a fragment header around a whole packet", came / v6() / IPv6ExtHdrFragment(id=9) / syn(),
           forward("plain", goes / v6(hlim=63) / IPv6ExtHdrFragment(id=9) / syn())),
    Vector("1 IPv6", "ends in the header", cut(WHOLE6, 14 + 39), drop("truncated")),
    Vector("1 IPv6", "ends in an extension header", cut(came / v6(plen=5) / hop_by_hop(), 14 + 40 + 5),
           drop("truncated")),
    Vector("1 IPv6", "version 4 behind IPv6's type", came / v6(version=4) / syn(), drop("bad_ip_version")),
    Vector("1 IPv6", "length beyond the frame", came / v6(plen=1000) / syn(), drop("bad_ip_length")),
    Vector("1 IPv6", "length shorter than the extension headers", came / v6(plen=4) / hop_by_hop() / syn(),
           drop("bad_ip_length")),
    Vector("1 IPv6", "loopback as source", came / v6(src="::1") / syn(), drop("bad_address")),
    Vector("1 IPv6", "no address as source", came / v6(src="::") / syn(), drop("bad_address")),
    Vector("1 IPv6", "multicast as source", came / v6(src="ff02::1") / syn(), drop("bad_address")),
    Vector("1 IPv6", "an IPv4 address in disguise as source", came / v6(src="::ffff:198.51.100.7") / syn(),
           drop("bad_address")),

    Vector("1 TCP", "over IPv4", came / v4() / tcp() / PAYLOAD, forward("plain", goes / v4(ttl=63) / tcp() / PAYLOAD)),
    Vector("1 TCP", "over IPv6", WHOLE6, forward("plain", goes / v6(hlim=63) / syn() / PAYLOAD)),
    Vector("1 TCP", "ends in the header, IPv4", cut(came / v4(len=39) / tcp(), 14 + 39), drop("truncated")),
    Vector("1 TCP", "ends in the header, IPv6", cut(came / v6(plen=19) / tcp(), 14 + 59), drop("truncated")),
    Vector("1 TCP", "data offset of four words", came / v4() / tcp(dataofs=4), drop("bad_l4_header")),
    Vector("1 TCP", "data offset beyond the packet", came / v4() / tcp(dataofs=15), drop("bad_l4_header")),

    Vector("1 UDP", "over IPv4", came / v4() / udp() / PAYLOAD, forward("plain", goes / v4(ttl=63) / udp() / PAYLOAD)),
    Vector("1 UDP", "over IPv6", came / v6() / udp() / PAYLOAD, forward("plain", goes / v6(hlim=63) / udp() / PAYLOAD)),
    Vector("1 UDP", "without a checksum stays without", came / v4() / udp(chksum=0) / PAYLOAD,
           forward("plain", goes / v4(ttl=63) / udp(chksum=0) / PAYLOAD)),
    Vector("1 UDP", "without data", came / v4() / udp(), forward("plain", goes / v4(ttl=63) / udp())),
    Vector("1 UDP", "ends in the header", cut(came / v4(len=27) / udp(), 14 + 27), drop("truncated")),
    Vector("1 UDP", "length of seven", came / v4() / udp(len=7) / PAYLOAD, drop("bad_l4_header")),
    Vector("1 UDP", "length beyond the packet", came / v4() / udp(len=57) / PAYLOAD, drop("bad_l4_header")),

    Vector("1 ICMP", "ends in the header, IPv4", cut(came / v4(len=27) / ICMP(), 14 + 27), drop("truncated")),
    Vector("1 ICMP", "ends in the header, IPv6", cut(came / v6(plen=7) / ICMPv6EchoRequest(), 14 + 47),
           drop("truncated")),
    Vector("1 ICMP", "longer than the IP packet", came / v4(len=24) / ICMP() / PAYLOAD, drop("bad_ip_length")),

    Vector("1 other", "GRE", came / v4(99, proto=47) / PAYLOAD, punt("punt_protocol")),
    Vector("1 other", "no next header", came / v6(99, nh=59) / PAYLOAD, punt("punt_protocol")),
    Vector("1 other", "GRE to a VIP", came / v4(proto=47) / PAYLOAD, drop("unserved")),
    Vector("1 other", "AH to a VIP", came / v4(proto=51) / PAYLOAD, drop("unserved")),
    Vector("1 other", "no next header, to a VIP", came / v6(nh=59) / PAYLOAD, drop("unserved")),
    Vector("1 other", "GRE to a VIP whose address the kernel has, too", local("203.0.113.10"),
           came / v4(proto=47) / PAYLOAD, punt("punt_protocol")),
    Vector("1 other", "IPv6 to an address that is no VIP", came / IPv6(src=CLIENT6, dst="2001:db8::99") / syn(),
           punt("punt_no_vip")),
    Vector("1 other", "IPv4 to the next hop's MAC alone", Ether(dst=BACKEND, src=ROUTER) / IP(src="198.51.100.7",
           dst="203.0.113.10", ttl=64) / syn(), forward("plain")),
]
