# SPDX-License-Identifier: BSD-2-Clause
"""TCP SYNs, each of another flow until all source ports and VIPs were used."""

from aya_streams import Profile, stream, syn


def register():
    return Profile(lambda o: [stream(o.size, o.flows, o.vips, syn())])
