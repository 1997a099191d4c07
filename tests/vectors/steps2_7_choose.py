# SPDX-License-Identifier: BSD-2-Clause
"""Steps 2 to 7: which service, which backend, and what is remembered of it."""

from scapy.layers.inet import IP, TCP, IPOption_NOP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt

from vector import (BY_ID, CLIENT, CLIENT6, EVICTED, NEW, NO_CONFIG, NO_SERVER, NOT_REMEMBERED, NOTHING, PREVIOUS,
                    RESCHEDULED, Vector, allow, arrives, back, came, deny, down, drain, drop, forward, goes_to, local,
                    no_replies_left, on_down_reset, prefix, punt, quic_long, quic_short, reply, syn, table, tcp, time_passes,
                    udp, up, unreachable, v4, v6)


def to_moving(packet, ttl=64):
    return came / v4(50, ttl=ttl) / packet


def leaves_moving(name, packet):
    return goes_to(name) / v4(50, ttl=63) / packet


def cut_off(first, *steps):
    """A flow of `first` on a backend that is down by now, of a service that resets such."""
    return [on_down_reset("moving"), first, forward("a", notes=NEW), down("a"), table("moving", "b"), *steps]


def reset_of_flow(ack):
    """RFC 9293 3.10.7.1, of a packet with ACK."""
    return TCP(sport=443, dport=40000, flags="R", seq=ack, ack=0, window=0)


FROM_MOVING = back / IP(src="203.0.113.50", dst=CLIENT, id=0, ttl=64, flags="DF")
FROM_MOVING6 = back / IPv6(src="2001:db8::50", dst=CLIENT6, hlim=64)


def many(make, ports):
    """Packets whose fate only has to be the same on every path."""
    return [line for port in ports for line in arrives(make(port))]


def establish(ports):
    return many(lambda port: to_moving(tcp(sport=port)), [port for port in ports for _ in range(2)])


# The draft's vectors: three passes, four passes, one block; and one in clear.
OF_A, OF_B, OF_C = "0720b1d07b359d3c", "2fcc381bc74cb4fbad2823a3d1f8fed2", "504dd2d05a7b0de9b2b9907afb5ecf8cc3"
OF_D = "67c4605e4504cc4f"


def to_quic(payload, sport=5000):
    return came / v4(120) / udp(sport=sport) / payload


VECTORS = [
    Vector("2 VIP", "address, port and protocol", came / v4() / syn(), forward("plain")),
    Vector("2 VIP", "another port", came / v4() / syn(dport=22), drop("unserved")),
    Vector("2 VIP", "another port, IPv6", came / v6() / syn(dport=22), drop("unserved")),
    Vector("2 VIP", "another port of an address that the kernel has, too", local("203.0.113.10"), local("2001:db8::10"),
           came / v4() / syn(dport=22), punt("punt_no_vip"), came / v6() / udp(dport=22), punt("punt_no_vip"),
           came / v4() / syn(), forward("plain")),
    Vector("2 VIP", "another address", came / v4(99) / syn(), punt("punt_no_vip")),
    Vector("2 VIP", "another address, IPv6", came / v6(99) / syn(), punt("punt_no_vip")),
    Vector("2 VIP", "UDP to the same port is its own VIP", came / v4() / udp(), forward("plain")),
    Vector("2 any port", "TCP to any port", came / v4(40) / syn(dport=1), forward("anyport")),
    Vector("2 any port", "UDP to any port, IPv6", came / v6(40) / udp(dport=65535), forward("anyport")),
    Vector("2 any port", "does not answer for its neighbour", came / v4(41) / syn(dport=1), punt("punt_no_vip")),

    Vector("2 wide VIP", "the ends of a prefix and of a range", came / v4(200) / syn(dport=8000), forward("net"),
           came / v4(203) / syn(dport=8999), forward("net"), came / v6(200) / syn(dport=8999), forward("net"),
           came / v6(203) / syn(dport=8000), forward("net")),
    Vector("2 wide VIP", "a port beside the range", came / v4(200) / syn(dport=7999), drop("unserved"),
           came / v6(203) / syn(dport=9000), drop("unserved"), came / v4(200) / udp(dport=8000), drop("unserved")),
    Vector("2 wide VIP", "a port beside the range, at an address that the kernel has", local("203.0.113.200"),
           came / v4(200) / syn(dport=7999), punt("punt_no_vip"), came / v4(201) / syn(dport=7999), drop("unserved"),
           came / v4(200) / syn(dport=8000), forward("net")),
    Vector("2 wide VIP", "an address beside the prefix", came / v4(199) / syn(dport=8000), punt("punt_no_vip"),
           came / v4(208) / syn(dport=8000), punt("punt_no_vip"), came / v6(208) / syn(dport=8000), punt("punt_no_vip")),
    Vector("2 wide VIP", "a range within another, and what follows it", came / v4(200) / syn(dport=8080),
           forward("within"), came / v4(200) / syn(dport=8089), forward("within"), came / v4(200) / syn(dport=8090),
           forward("net"), came / v6(200) / syn(dport=8085), forward("within")),
    Vector("2 wide VIP", "the longest prefix goes first, an address being one", came / v4(204) / syn(dport=8085),
           forward("longer"), came / v6(207) / syn(dport=1), forward("longer"), came / v4(205) / syn(dport=8085),
           forward("exact"), came / v4(206) / syn(dport=8010), forward("longer")),
    Vector("2 wide VIP", "what a longer prefix does not have, a shorter one may", came / v4(204) / udp(), forward("net"),
           came / v4(206) / udp(), forward("net"), came / v4(206) / udp(dport=8005), forward("longer")),
    Vector("2 wide VIP", "a flow keeps its backend", came / v4(201) / syn(dport=8001), forward("net", notes=NEW),
           came / v4(201) / tcp(dport=8001), forward("net", notes=NOTHING),
           came / v4(202) / tcp(dport=8001), forward("net", notes=NEW)),
    Vector("3 lists", "who is denied", deny("plain", "198.51.100.0/29"), came / v4() / syn(), drop("denied"),
           came / v4() / udp(), drop("denied"), came / v4(src="198.51.100.8") / syn(), forward("plain"),
           came / v4(14) / syn(), forward("ipip4")),
    Vector("3 lists", "who is denied, IPv6", deny("plain", "2001:db8:c::/64"), came / v6() / syn(), drop("denied"),
           came / v6(src="2001:db8:c:1::7") / syn(), forward("plain")),
    Vector("3 lists", "who is not allowed", allow("plain", "198.51.100.0/29", "2001:db8:c::7"),
           came / v4() / syn(), forward("plain"), came / v4(src="198.51.100.8") / syn(), drop("denied"),
           came / v6() / syn(), forward("plain"), came / v6(src="2001:db8:c::8") / syn(), drop("denied")),
    Vector("3 lists", "the longest prefix decides", deny("plain", "198.51.100.0/24", "198.51.100.7"),
           allow("plain", "0.0.0.0/0", "198.51.100.0/28"),
           came / v4() / syn(), drop("denied"), came / v4(src="198.51.100.8") / syn(), forward("plain"),
           came / v4(src="198.51.100.16") / syn(), drop("denied"), came / v4(src="198.51.101.1") / syn(), forward("plain")),
    Vector("3 lists", "an open connection is refused, too", to_moving(syn()), forward("a", notes=NEW), to_moving(tcp()),
           forward("a", notes=NOTHING), deny("moving", "198.51.100.7"), to_moving(tcp()), drop("denied")),

    Vector("4 hash", "one flow, one backend", table("moving", "a", "b", "c", "d"), to_moving(syn()), forward("*",
           notes=NEW),
           to_moving(tcp()), forward("same", notes=NOTHING), to_moving(tcp("PA")), forward("same", notes=NOTHING)),
    Vector("4 hash", "flows spread over a table, alike on every path", table("moving", *"aaaaabbbbbccccccddddd" * 3),
           *[step for port in range(1, 65) for step in (to_moving(syn(port)), forward("*"))]),
    Vector("4 affinity", "the client's port does not count", came / v4(60) / syn(sport=1), forward("*"),
           *[step for port in range(2, 18) for step in (came / v4(60) / syn(sport=port), forward("same", notes="*"))]),
    Vector("4 affinity", "IPv6, UDP", came / v6(60) / udp(sport=1), forward("*"),
           *[step for port in range(2, 18) for step in (came / v6(60) / udp(sport=port), forward("same", notes="*"))]),

    Vector("4 affinity", "all of a prefix are one client", prefix("source", 20, 56), came / v4(60) / syn(), forward("*"),
           *[step for i in range(1, 17)
             for step in (came / v4(60, src=f"198.51.{95 + i}.{i}") / syn(), forward("same", notes="*"))]),
    Vector("4 affinity", "all of a prefix, IPv6", prefix("source", 20, 56), came / v6(60) / syn(), forward("*"),
           *[step for i in range(1, 17)
             for step in (came / v6(60, src=f"2001:db8:c:{i:x}::{i}") / syn(), forward("same", notes="*"))]),

    Vector("5 flow table", "a flow keeps its backend when the table changes", to_moving(syn()),
           forward("a", leaves_moving("a", syn()), NEW), table("moving", "b"), to_moving(tcp()),
           forward("a", leaves_moving("a", tcp()), NOTHING)),
    Vector("5 flow table", "UDP too", to_moving(udp()), forward("a", notes=NEW), table("moving", "b"), to_moving(udp()),
           forward("a", notes=NOTHING)),
    Vector("5 flow table", "IPv6 too", came / v6(50) / syn(), forward("a", notes=NEW), table("moving", "b"),
           came / v6(50) / tcp(), forward("a", notes=NOTHING)),
    Vector("5 flow table", "each flow has its own entry", to_moving(syn()), forward("a", notes=NEW),
           to_moving(syn(sport=40001)), forward("a", notes=NEW), to_moving(tcp()), forward("a", notes=NOTHING)),
    Vector("5 draining", "keeps its flows, and gets no new ones", to_moving(syn()), forward("a", notes=NEW), drain("a"),
           table("moving", "b"), to_moving(tcp()), forward("a", leaves_moving("a", tcp()), NOTHING),
           to_moving(syn(sport=40001)), forward("b", leaves_moving("b", syn(sport=40001)), NEW)),
    Vector("5 down", "loses its flows to the table", to_moving(syn()), forward("a", notes=NEW), down("a"),
           table("moving", "b"), to_moving(tcp()), forward("b", leaves_moving("b", tcp()), f"{NEW},{RESCHEDULED}"),
           to_moving(tcp()), forward("b", notes=NOTHING)),
    Vector("5 down", "a flow that it lost does not return with it", to_moving(syn()), forward("a", notes=NEW),
           down("a"),
           up("a"), to_moving(tcp()), forward("a", notes=f"{NEW},{RESCHEDULED}")),
    Vector("5 on_down", "a connection is reset, each packet of it, and a new one is scheduled",
           *cut_off(to_moving(syn()), to_moving(tcp("PA", ack=77)), reply("reply_backend_down", FROM_MOVING / reset_of_flow(77)),
                    to_moving(tcp("FA", ack=78)), reply("reply_backend_down", FROM_MOVING / reset_of_flow(78)),
                    to_moving(syn()), forward("b", leaves_moving("b", syn()), f"{NEW},{RESCHEDULED}"),
                    to_moving(tcp()), forward("b", notes=NOTHING))),
    Vector("5 on_down", "over IPv6",
           *cut_off(came / v6(50) / syn(), came / v6(50, tc=0xb8, fl=77) / tcp("PA", ack=0xffffffff),
                    reply("reply_backend_down", FROM_MOVING6 / reset_of_flow(0xffffffff)))),
    Vector("5 on_down", "no RST answers a RST", *cut_off(to_moving(syn()), to_moving(tcp("RA")),
                                                       forward("b", notes=RESCHEDULED))),
    Vector("5 on_down", "UDP moves", *cut_off(to_moving(udp()), to_moving(udp()), forward("b", notes=f"{NEW},{RESCHEDULED}"))),
    Vector("5 on_down", "a backend that is back keeps what the table gives it",
           *cut_off(to_moving(syn()), up("a"), table("moving", "a"), to_moving(tcp()),
                    forward("a", notes=f"{NEW},{RESCHEDULED}"))),
    Vector("5 on_down", "with IP options", *cut_off(to_moving(syn()), came / v4(50, options=[IPOption_NOP()] * 4) / tcp(),
                                                  drop("backend_down"))),
    Vector("5 on_down", "behind extension headers",
           *cut_off(came / v6(50) / syn(), came / v6(50) / IPv6ExtHdrDestOpt() / tcp(), drop("backend_down"))),
    Vector("5 on_down", "beyond the limit", *cut_off(to_moving(syn()), no_replies_left(), to_moving(tcp()),
                                                   drop("backend_down"))),
    Vector("5 SYN", "of an embryonic flow is a retransmission", to_moving(syn()), forward("a", notes=NEW),
           table("moving", "b"), to_moving(syn()), forward("a", notes=NOTHING)),
    Vector("5 SYN", "on an established flow follows it: its backend tells a forgery", to_moving(syn()),
           forward("a", notes=NEW), to_moving(tcp()), forward("a", notes=NOTHING), table("moving", "b"), to_moving(syn()),
           forward("a", leaves_moving("a", syn()), NOTHING), to_moving(tcp()), forward("a", notes=NOTHING)),
    Vector("5 SYN", "on a closing flow opens a new one: clients reuse their ports", to_moving(syn()),
           forward("a", notes=NEW), to_moving(tcp("FA")), forward("a", notes=NOTHING), table("moving", "b"),
           to_moving(syn()), forward("b", leaves_moving("b", syn()), NEW), to_moving(tcp()), forward("b", notes=NOTHING)),
    Vector("5 SYN", "on a closing flow leaves a draining backend", to_moving(syn()), forward("a", notes=NEW),
           to_moving(tcp("RA")), forward("a", notes=NOTHING), drain("a"), table("moving", "b"), to_moving(syn()),
           forward("b", notes=NEW), to_moving(tcp()), forward("b", notes=NOTHING)),
    Vector("5 SYN", "on a flow that was silent for too long opens a new one", to_moving(syn()), forward("a", notes=NEW),
           to_moving(tcp()), forward("a", notes=NOTHING), table("moving", "b"), time_passes(900), to_moving(syn()),
           forward("b", notes=NEW)),
    Vector("5 close", "forged, is undone by data", to_moving(syn()), forward("a", notes=NEW), to_moving(tcp()),
           forward("a", notes=NOTHING), to_moving(tcp("R")), forward("a", notes=NOTHING), to_moving(tcp("PA")),
           forward("a", notes=NOTHING), drain("a"), table("moving", "b"), time_passes(4), to_moving(syn()),
           forward("a", notes=NOTHING)),
    Vector("5 close", "of a flow that is not there is not remembered", to_moving(tcp("R")), forward("a", notes=NOTHING),
           to_moving(tcp("FA")), forward("a", notes=NOTHING), to_moving(tcp()), forward("a", notes=NEW)),
    Vector("5 idle", "an embryonic flow is forgotten", to_moving(syn()), forward("a", notes=NEW), table("moving", "b"),
           time_passes(10), to_moving(syn()), forward("b", notes=NEW)),
    Vector("5 idle", "an established flow lives on", to_moving(syn()), forward("a", notes=NEW), to_moving(tcp()),
           forward("a"),
           table("moving", "b"), time_passes(899), to_moving(tcp()), forward("a", notes=NOTHING)),
    Vector("5 idle", "an expired entry that is still there is a better guess than the hash", to_moving(syn()),
           forward("a", notes=NEW), to_moving(tcp()), forward("a"), table("moving", "b"), table("moving", "b"),
           time_passes(900), to_moving(tcp()), forward("a", notes=NOTHING)),

    Vector("5 QUIC", "each form of connection id names its backend",
           *[step for backend, connection_id in (("qb", OF_B), ("qc", OF_C), ("qd", OF_D), ("qa", OF_A))
             for step in (to_quic(quic_short(connection_id)), forward(backend),
                          to_quic(quic_long(connection_id)), forward(backend))]),
    Vector("5 QUIC", "the packet is not changed", to_quic(quic_short(OF_D)),
           forward("qd", goes_to("d") / v4(120, ttl=63) / udp() / quic_short(OF_D), f"{NEW},{BY_ID}")),
    Vector("5 QUIC", "IPv6", came / v6(120) / udp() / quic_short(OF_C), forward("qc", notes=f"{NEW},{BY_ID}")),
    Vector("5 QUIC", "from another address and port the backend is the same", to_quic(quic_short(OF_D)), forward("qd"),
           to_quic(quic_short(OF_D), 5001), forward("qd", notes=f"{NEW},{BY_ID}"),
           came / v4(120, src="198.51.100.99") / udp() / quic_short(OF_D), forward("qd", notes=f"{NEW},{BY_ID}"),
           to_quic(quic_short(OF_D), 5001), forward("qd", notes=NOTHING)),
    Vector("5 QUIC", "other ids go by their flow", to_quic(quic_long("e7c4605e4504cc4f")), forward("qa", notes=NEW),
           to_quic(quic_short("c7c4605e4504cc4f")), forward("qa", notes=NO_CONFIG),
           to_quic(quic_short("67c4605f4504cc4f")), forward("qa", notes=NO_SERVER),
           to_quic(quic_short(OF_D, 11)), forward("qa", notes=NOTHING), to_quic(quic_long(OF_D[:-2])),
           forward("qa", notes=NO_CONFIG)),
    Vector("5 QUIC", "an id of another backend leaves the flow alone", to_quic(quic_long("")), forward("qa", notes=NEW),
           to_quic(quic_short(OF_D)), forward("qd", notes=BY_ID), to_quic(quic_long("")), forward("qa", notes=NOTHING)),
    Vector("5 QUIC", "a draining backend keeps its connections", drain("qd"), to_quic(quic_short(OF_D)), forward("qd")),
    Vector("5 QUIC", "without its backend a connection goes by the table, and returns with it", to_quic(quic_short(OF_D)),
           forward("qd"), down("qd"), to_quic(quic_short(OF_D)),
           forward("qa", notes=f"{NEW},{RESCHEDULED},{NO_SERVER}"), up("qd"), to_quic(quic_short(OF_D)),
           forward("qd", notes=BY_ID)),
    Vector("6 schedule", "a service without backends", came / v4(80) / syn(), drop("no_backend", NOTHING)),
    Vector("6 schedule", "a table that names a backend that is down", down("plain"), came / v4() / syn(),
           drop("no_backend", NOTHING)),
    Vector("6 schedule", "a backend without a next hop", unreachable("plain"), came / v4() / syn(),
           drop("backend_unreachable")),
    Vector("6 draw", "a flow keeps what was drawn for it",
           *[step for port in range(1, 5)
             for step in (came / v4(90) / syn(port), forward("*", notes="*"), came / v4(90) / syn(port),
                          forward("same", notes=NOTHING), came / v4(90) / tcp(sport=port), forward("same", notes=NOTHING))]),
    Vector("6 draw", "of UDP, IPv6",
           *[step for port in range(1, 5)
             for step in (came / v6(90) / udp(port), forward("*", notes="*"), came / v6(90) / udp(port),
                          forward("same", notes=NOTHING))]),
    Vector("6 draw", "the lighter of two, with flows that end in between",
           *[step for port in range(1, 12)
             for step in (came / v4(110) / syn(port), forward("*", notes="*"), came / v4(110) / tcp(sport=port),
                          forward("same", notes=NOTHING), came / v4(110) / tcp("FA", sport=port // 2), forward("*"))]),
    Vector("6 draw", "nothing for an unknown connection: it goes by the hash, as before the change",
           table("random", "ra"), table("random", "rb", "rc"), came / v4(90) / tcp(), forward("ra", notes=f"{NEW},{PREVIOUS}"),
           came / v4(90) / syn(1), forward("*"), came / v4(90) / tcp(sport=1), forward("same", notes=NOTHING)),

    Vector("6 previous", "an unknown connection goes where it went before the change", table("moving", "b"),
           to_moving(tcp()), forward("a", leaves_moving("a", tcp()), f"{NEW},{PREVIOUS}"), to_moving(tcp()),
           forward("a", notes=NOTHING)),
    Vector("6 previous", "IPv6", table("moving", "b"), came / v6(50) / tcp(), forward("a", notes=f"{NEW},{PREVIOUS}")),
    Vector("6 previous", "a new connection does not", table("moving", "b"), to_moving(syn()), forward("b", notes=NEW)),
    Vector("6 previous", "UDP does not", table("moving", "b"), to_moving(udp()), forward("b", notes=NEW)),
    Vector("6 previous", "to a draining backend", table("moving", "b"), drain("a"), to_moving(tcp()),
           forward("a", notes=f"{NEW},{PREVIOUS}")),
    Vector("6 previous", "not to one that is down", table("moving", "b"), down("a"), to_moving(tcp()),
           forward("b", notes=NEW)),
    Vector("6 previous", "only one change back", table("moving", "b"), table("moving", "c"), to_moving(tcp()),
           forward("b", notes=f"{NEW},{PREVIOUS}")),

    Vector("7 remember", "not for a stateless service, all of whose packets go by one table", came / v4(70) / syn(),
           forward("ta", notes=NOTHING), table("stateless", "tb"), came / v4(70) / tcp(), forward("tb", notes=NOTHING),
           came / v4(70) / syn(), forward("tb", notes=NOTHING)),
    Vector("7 remember", "a first packet pushes out another first packet", many(lambda p: to_moving(syn(p)), range(1,
           100)),
           to_moving(syn(sport=100)), forward("a", notes=f"{NEW},{EVICTED}")),
    Vector("7 remember", "but no established flow", establish(range(1, 200)), to_moving(syn(sport=200)),
           forward("a", notes=NOT_REMEMBERED)),
    Vector("7 remember", "which a flood of first packets cannot touch", to_moving(syn()), forward("a", notes=NEW),
           to_moving(tcp()), forward("a", notes=NOTHING), table("moving", "b"),
           many(lambda p: to_moving(syn(p)), range(1, 200)), to_moving(tcp()), forward("a", notes="*")),
    Vector("7 remember", "nor does an unknown connection in midstream take its place", establish(range(1, 200)),
           to_moving(tcp(sport=200)), forward("a", notes=NOT_REMEMBERED)),
    Vector("7 remember", "a SYN that is not remembered goes where its next packets will", establish(range(1, 200)),
           table("moving", "b"), table("moving", "c"), to_moving(syn(sport=200)),
           forward("b", notes=f"{PREVIOUS},{NOT_REMEMBERED}"), to_moving(tcp(sport=200)), forward("b", notes="*")),
]
