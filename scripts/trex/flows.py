# SPDX-License-Identifier: BSD-2-Clause
"""UDP of one frame size over many flows and VIPs."""

from aya_streams import Profile, stream, udp


def register():
    return Profile(lambda o: [stream(o.size, o.flows, o.vips, udp())])
