# SPDX-License-Identifier: BSD-2-Clause
"""The simple IMIX, 7 : 4 : 1 of 64, 594 and 1518 bytes, each over many flows and VIPs."""

from aya_streams import Profile, stream, traffic, udp


def register():
    return Profile(lambda o: [stream(size, o.flows, o.vips, udp(), pps=share) for size, share in traffic.IMIX.items()])
