# SPDX-License-Identifier: BSD-2-Clause
"""The streams of the profiles in this folder. They run in TRex's console and in scripts/trex/run:

    start -f scripts/trex/flows.py -m 100% -t --flows 1000000,--vips 16

Addresses and sizes are those of scripts/lib/ayalab/traffic.py, so that one configuration of the balancer fits both generators.
"""

import argparse
import math
import pathlib
import sys

from trex.stl.api import (IP, TCP, UDP, Ether, STLPktBuilder, STLScVmRaw, STLStream, STLTXCont, STLVmFixIpv4, STLVmFlowVar,
                          STLVmWrFlowVar)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from ayalab import traffic  # noqa: E402

FIRST_PORT, PORTS = 1024, 64512


def spread(flows, vips):
    """How many VIPs and source ports, for at least `flows` flows. Both go up with every packet, so that all pairs come only
    if the counts have no common divisor."""
    if not 1 <= vips <= 250:
        raise ValueError(f"{vips} VIPs: must be 1 to 250")
    ports = math.ceil(flows / vips)
    while math.gcd(ports, vips) != 1:
        ports += 1
    if ports > PORTS:
        raise ValueError(f"{flows} flows over {vips} VIPs: at most {PORTS} per VIP")
    return vips, ports


def packet_of(size, l4):
    """A frame of `size` bytes with FCS to the first VIP."""
    packet = Ether() / IP(src=traffic.CLIENT, dst=traffic.vip(0)) / l4
    return packet / (b"x" * (size - traffic.FCS - len(packet)))


def stream(size, flows, vips, l4, pps=1):
    """Frames of `size` bytes with FCS over that many flows. The UDP checksum is 0, that is none; TCP's is left wrong, which a
    Layer-4 balancer does not look at."""
    vips, ports = spread(flows, vips)
    name = type(l4).__name__
    program = STLScVmRaw([
        STLVmFlowVar(name="vip", min_value=traffic.vip(0), max_value=traffic.vip(vips - 1), size=4, op="inc", split_to_cores=False),
        STLVmFlowVar(name="port", min_value=FIRST_PORT, max_value=FIRST_PORT + ports - 1, size=2, op="inc", split_to_cores=False),
        STLVmWrFlowVar(fv_name="vip", pkt_offset="IP.dst"),
        STLVmWrFlowVar(fv_name="port", pkt_offset=f"{name}.sport"),
        STLVmFixIpv4(offset="IP")])
    return STLStream(packet=STLPktBuilder(pkt=packet_of(size, l4), vm=program), mode=STLTXCont(pps=pps))


def udp():
    return UDP(sport=FIRST_PORT, dport=traffic.PORT, chksum=0)


def syn():
    return TCP(sport=FIRST_PORT, dport=traffic.PORT, flags="S")


class Profile:
    """What TRex calls a profile: its tunables are --flows, --vips and, if there is one size, --size."""

    def __init__(self, streams):
        self.streams = streams

    def get_streams(self, direction=0, tunables=(), **_):
        parser = argparse.ArgumentParser(prog="profile")
        parser.add_argument("--flows", type=int, default=65536)
        parser.add_argument("--vips", type=int, default=16)
        parser.add_argument("--size", type=int, default=64)
        return self.streams(parser.parse_args(list(tunables)))
