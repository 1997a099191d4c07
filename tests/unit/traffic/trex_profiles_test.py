#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the TRex profiles send, packet by packet: the programs that vary the packets are run here.

TREX_API names the directory of TRex's Python API (automation/trex_control_plane/interactive of a release). Without it, the
folder trex/ beside this file stands in, which has just what the profiles use."""

import base64
import importlib
import json
import os
import pathlib
import sys
import unittest
import warnings

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[2]
sys.dont_write_bytecode = True
warnings.simplefilter("ignore")  # of the scapy that TRex brings along
sys.path[:0] = [os.environ.get("TREX_API") or str(HERE), str(SOURCE / "scripts" / "trex"), str(SOURCE / "scripts" / "lib")]

import aya_streams  # noqa: E402
from ayalab import traffic  # noqa: E402

UNSET_MAC = "00:00:00:01:00:00"  # TRex puts the port's in its place


def checksum(header):
    total = sum(int.from_bytes(header[i:i + 2], "big") for i in range(0, len(header), 2))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packets(stream, count):
    """The first `count` frames of a stream, as TRex's documentation says that its instructions work."""
    described = stream.to_json()
    frame = bytearray(base64.b64decode(described["packet"]["binary"]))
    program = described["vm"]["instructions"]
    variables = {i["name"]: i for i in program if i["type"] == "flow_var"}
    assert all(v["op"] == "inc" and not v["split_to_cores"] for v in variables.values())
    values = {name: v["init_value"] for name, v in variables.items()}
    for _ in range(count):
        for step in program:
            if step["type"] == "write_flow_var":
                size, at = variables[step["name"]]["size"], step["pkt_offset"]
                frame[at:at + size] = values[step["name"]].to_bytes(size, "big")
            elif step["type"] == "fix_checksum_ipv4":
                at = step["pkt_offset"]
                frame[at + 10:at + 12] = bytes(2)
                frame[at + 10:at + 12] = checksum(frame[at:at + 20]).to_bytes(2, "big")
        yield bytes(frame)
        for name, v in variables.items():
            values[name] = v["min_value"] if values[name] == v["max_value"] else values[name] + v["step"]


def streams(profile, **tunables):
    arguments = [word for key, value in tunables.items() for word in (f"--{key}", str(value))]
    return importlib.import_module(profile).register().get_streams(direction=0, tunables=arguments)


class Profiles(unittest.TestCase):
    def check(self, stream, vips, count, **expected):
        """All packets are right; returns the number of flows."""
        frames = list(packets(stream, count))
        for frame in frames[:vips + 1] + frames[-vips:]:
            mac = ":".join(f"{byte:02x}" for byte in frame[:6])
            self.assertEqual(traffic.complaint(frame, mac, vips, **expected), "")
        return len({traffic.flow_of(frame) for frame in frames})

    def test_flows_are_as_many_as_asked_for(self):
        for flows, vips in ((1, 1), (16, 16), (1000, 16), (1000, 250), (4096, 3)):
            (stream,) = streams("flows", flows=flows, vips=vips)
            used, ports = aya_streams.spread(flows, vips)
            self.assertTrue(flows <= used * ports <= flows + 3 * vips, (flows, used, ports))
            self.assertEqual(self.check(stream, vips, used * ports), used * ports)

    def test_all_sizes(self):
        for size in traffic.SIZES:
            (stream,) = streams("flows", flows=64, vips=16, size=size)
            self.check(stream, 16, 64, sizes=(size,))

    def test_a_syn_flood_is_of_syns(self):
        (stream,) = streams("syn_flood", flows=1000)
        self.assertGreaterEqual(self.check(stream, 16, 1200, flags="S"), 1000)

    def test_imix_is_seven_to_four_to_one(self):
        mix = {}
        for stream in streams("imix", flows=100):
            (frame,) = packets(stream, 1)
            mix[len(frame) + traffic.FCS] = stream.to_json()["mode"]["rate"]["value"]
            self.check(stream, 16, 100, sizes=traffic.IMIX)
        self.assertEqual(mix, traffic.IMIX)

    def test_latency_has_room_for_its_stamp(self):
        (stream,) = streams("latency")
        self.check(stream, 16, 1)
        self.assertEqual(stream.to_json()["flow_stats"]["rule_type"], "latency")

    def test_more_flows_than_ports_are_refused(self):
        with self.assertRaisesRegex(ValueError, "at most 64512 per VIP"):
            streams("flows", flows=1 << 20, vips=16)
        with self.assertRaisesRegex(ValueError, "1 to 250"):
            streams("flows", flows=1000, vips=251)

    def test_the_balancers_configuration_serves_what_is_sent(self):
        config = traffic.configuration(3, "02:00:00:00:00:09", "0000:3b:00.0", [2], 1000)
        served = [vip for service in config["services"] for vip in service["vips"]]
        self.assertEqual(len(set(served)), len(served))
        for number in range(3):
            for protocol in ("tcp", "udp"):
                self.assertIn(f"{traffic.vip(number)}:{traffic.PORT}/{protocol}", served)
        json.dumps(config)


if __name__ == "__main__":
    unittest.main()
