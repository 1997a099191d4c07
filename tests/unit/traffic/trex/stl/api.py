# SPDX-License-Identifier: BSD-2-Clause
"""The part of trex.stl.api that the profiles use. A stream's to_json() is as TRex's is."""

import base64
import ipaddress

from scapy.layers.inet import IP, TCP, UDP  # noqa: F401
from scapy.layers.l2 import Ether  # noqa: F401


def number(value):
    return value if isinstance(value, int) else int(ipaddress.ip_address(value))


class STLVmFlowVar:
    def __init__(self, name, min_value, max_value, size, op, split_to_cores=True):
        self.json = {"type": "flow_var", "name": name, "size": size, "op": op, "split_to_cores": split_to_cores, "step": 1,
                     "init_value": number(min_value), "min_value": number(min_value), "max_value": number(max_value)}


class STLVmWrFlowVar:
    def __init__(self, fv_name, pkt_offset):
        self.json = {"type": "write_flow_var", "name": fv_name, "pkt_offset": pkt_offset}


class STLVmFixIpv4:
    def __init__(self, offset):
        self.json = {"type": "fix_checksum_ipv4", "pkt_offset": offset}


class STLScVmRaw:
    def __init__(self, instructions):
        self.instructions = instructions


class STLPktBuilder:
    def __init__(self, pkt, vm=None):
        self.packet = pkt
        self.program = vm.instructions if vm else []

    def offset(self, name):
        """Of a layer, "IP", or of a field in it, "IP.dst"."""
        layer, _, field = name.partition(".")
        at, part = 0, self.packet
        while type(part).__name__ != layer:
            at += len(part) - len(part.payload)
            part = part.payload
        bits = 0
        for described in part.fields_desc if field else ():
            if described.name == field:
                break
            bits += int(described.sz * 8)
        return at + bits // 8

    def instructions(self):
        return [{**i.json, "pkt_offset": self.offset(i.json["pkt_offset"])} if "pkt_offset" in i.json else i.json
                for i in self.program]


class STLTXCont:
    def __init__(self, pps):
        self.json = {"rate": {"type": "pps", "value": pps}, "type": "continuous"}


class STLFlowLatencyStats:
    def __init__(self, pg_id):
        self.json = {"enabled": True, "stream_id": pg_id, "rule_type": "latency"}


class STLStream:
    def __init__(self, packet, mode, flow_stats=None):
        self.packet, self.mode, self.flow_stats = packet, mode, flow_stats

    def to_json(self):
        return {"mode": self.mode.json, "packet": {"binary": base64.b64encode(bytes(self.packet.packet)).decode()},
                "vm": {"instructions": self.packet.instructions()}, "flow_stats": self.flow_stats.json if self.flow_stats else None}
