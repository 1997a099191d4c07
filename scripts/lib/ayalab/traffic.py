# SPDX-License-Identifier: BSD-2-Clause
"""What the traffic generators (scripts/pktgen, scripts/trex) send, whether a frame is what they should send, and the
balancer that it is for."""

import itertools
import os

# RFC 2544, C.2.2 and RFC 6815: addresses for benchmarks.
CLIENT, VIP_NETWORK, PORT = "198.18.0.1", "198.19.0.", 443
STAMPED = 1028  # where Pktgen sends the packets whose latency it measures
SIZES = (64, 128, 256, 512, 1024, 1280, 1518)  # RFC 2544, 9.1; with FCS, as all sizes here
IMIX = {64: 7, 594: 4, 1518: 1}
FCS = 4
BACKEND_NETWORK, BALANCER = "10.11.0.", "10.11.0.2"
BACKENDS = 4


def vip(number):
    return f"{VIP_NETWORK}{number + 1}"


def services(vips, generator_mac):
    """One service per VIP. All backends are the generator, which counts what comes back: no probes, and its MAC."""
    backends = [{"name": f"generator-{n}", "address": f"{BACKEND_NETWORK}{21 + n}", "mac": generator_mac}
                for n in range(BACKENDS)]
    return [{"name": f"vip-{n}", "vips": [f"{vip(n)}:{PORT}/tcp", f"{vip(n)}:{PORT}/udp", f"{vip(n)}:{STAMPED}/udp"], "encap": "l2",
             "health": {"type": "none"}, "backends": backends} for n in range(vips)]


def configuration(vips, generator_mac, device, workers, flows):
    """Of a balancer with a NIC."""
    return {"seed": os.urandom(16).hex(),
            "dataplane": {"workers": workers, "flows_per_worker": max(1024, flows),
                          "ports": [{"device": device, "punt": "aya0"}]},
            "services": services(vips, generator_mac)}


def complaint(frame, balancer_mac, vips, flags=None, sizes=SIZES):
    """What is wrong with a frame that a generator sent; empty: nothing. `flags`: of TCP; None: UDP without a checksum."""
    from scapy.layers.inet import IP, TCP, UDP  # takes a second; only the checks need it
    from scapy.layers.l2 import Ether

    packet = Ether(frame)
    if packet.dst != balancer_mac:
        return f"goes to {packet.dst}"
    if IP not in packet:
        return "not IPv4"
    ip = packet[IP]
    again = IP(bytes(ip))
    del again.chksum
    if IP(bytes(again)).chksum != ip.chksum:
        return "IP checksum"
    if len(frame) + FCS not in sizes or ip.len + 14 != len(frame):
        return f"frame of {len(frame)} bytes, IP packet of {ip.len}"
    if ip.src != CLIENT or ip.dst not in {vip(n) for n in range(vips)}:
        return f"from {ip.src} to {ip.dst}"
    kind = UDP if flags is None else TCP
    if kind not in packet:
        return f"not {kind.__name__}"
    l4 = packet[kind]
    if l4.dport != PORT:
        return f"to port {l4.dport}"
    if flags is not None and str(l4.flags) != flags:
        return f"TCP flags {l4.flags}"
    if flags is None and l4.chksum != 0:
        return "UDP checksum"
    return ""


def flow_of(frame):
    """Source port and VIP: all that differs between flows."""
    return frame[34:36] + frame[30:34]


COLUMNS = ("test", "size", "flows", "rate %", "sent/s", "received/s", "lost", "lost %", "Mbit/s", "latency us: least", "mean", "most")


def row(test, size, flows, sent, received, seconds, rate=None, latency=None):
    """A line of the table. Mbit/s on the wire, with preamble and gap, of what came back."""
    bits = received / seconds * (int(size) + 20) * 8 / 1e6 if str(size).isdigit() else None
    numbers = latency if latency and any(latency) else ("-",) * 3
    return (test, str(size), f"{flows}", "-" if rate is None else f"{rate:g}", f"{sent / seconds:.0f}",
            f"{received / seconds:.0f}", f"{sent - received}", f"{100 * (sent - received) / sent:.3f}" if sent else "-",
            "-" if bits is None else f"{bits:.0f}", *(n if n == "-" else f"{n:.1f}" for n in numbers))


WIDTHS = (8, 5, 8, 7, 10, 10, 9, 7, 7, 17, 8, 8)


def print_table(rows):
    """Each line as soon as it is there: a test takes minutes."""
    for line in itertools.chain([COLUMNS], rows):
        print("  ".join(text.ljust(width) if i == 0 else text.rjust(width)
                        for i, (text, width) in enumerate(zip(line, WIDTHS))), flush=True)


def print_reasons(balancer):
    """What became of the packets, in the balancer's own words."""
    reasons = [r for r in balancer.ctl("counters")["reasons"] if r["value"]]
    print("\nThe balancer's counters:")
    for reason in reasons:
        print(f"  {reason['name']:20} {reason['value']:>12}  {reason['help']}")
