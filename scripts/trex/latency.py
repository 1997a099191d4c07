# SPDX-License-Identifier: BSD-2-Clause
"""A thousand packets per second whose latency TRex measures, whatever the rate of other profiles."""

from aya_streams import Profile, STLPktBuilder, STLStream, STLTXCont, Ether, IP, traffic, udp
from trex.stl.api import STLFlowLatencyStats

GROUP = 7


def streams(options):
    packet = Ether() / IP(src=traffic.CLIENT, dst=traffic.vip(0)) / udp()
    packet = packet / (b"x" * (max(options.size, 128) - traffic.FCS - len(packet)))
    return [STLStream(packet=STLPktBuilder(pkt=packet), mode=STLTXCont(pps=1000),
                      flow_stats=STLFlowLatencyStats(pg_id=GROUP))]


def register():
    return Profile(streams)
