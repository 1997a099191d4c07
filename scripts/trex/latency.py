# SPDX-License-Identifier: BSD-2-Clause
"""A thousand packets per second whose latency TRex measures, whatever the rate of other profiles."""

from aya_streams import Profile, packet_of, udp
from trex.stl.api import STLFlowLatencyStats, STLPktBuilder, STLStream, STLTXCont

GROUP = 7


def streams(options):
    return [STLStream(packet=STLPktBuilder(pkt=packet_of(max(options.size, 128), udp())), mode=STLTXCont(pps=1000),
                      flow_stats=STLFlowLatencyStats(pg_id=GROUP))]


def register():
    return Profile(streams)
