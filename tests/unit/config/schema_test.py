#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The JSON Schema, both daemons' parsers, the examples and the reference say the same.

Usage: schema_test.py SCHEMA CONFIG_CHECK DATAPLANE_CHECK ROOT     (exit code 77: cannot run here)
"""

import copy
import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

CONFIG_CHECK = sys.argv[2]
DATAPLANE_CHECK = sys.argv[3]
ROOT = Path(sys.argv[4])
SCHEMA = json.loads(Path(sys.argv[1]).read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

FULL = {
    "seed": "000102030405060708090a0b0c0d0eff",
    "dataplane": {
        "path": "dpdk", "workers": [2, 3], "main_lcore": 1, "flows_per_worker": 1048576, "idle_backoff": True,
        "huge_pages": True, "memory": "512MB", "mbufs": 65536, "eal": ["--log-level=pmd:8"],
        "punt_limit": 20000,
        "ports": [{"device": "0000:3b:00.0", "punt": "aya0", "queues": 2, "mtu": 1500, "mac": "52:54:00:00:00:01",
                   "other_macs": [], "replace_program": False}],
    },
    "controlplane": {
        "metrics": "127.0.0.1:9108", "log_level": "info",
        "limits": {"services": 1024, "vips": 4096, "backends": 65536, "lookup_slots": 16777216},
    },
    "tunnel_source": {"ipv4": "10.0.0.1", "ipv6": "2001:db8::1"},
    "lists": [{"name": "bad", "prefixes": ["198.51.100.0/24", "192.0.2.1", "2001:db8:bad::/48", "::/0"]}],
    "services": [{
        "name": "web", "vips": ["203.0.113.10:443/tcp", "[2001:db8::10]:*/udp"], "scheduler": "maglev",
        "affinity": "none", "source_prefix_v4": 32, "source_prefix_v6": 128, "encap": "ipip", "gue_port": 6080, "lookup_size": 65537,
        "panic_threshold": "50%", "stateless": False,
        "health": {"type": "tcp", "interval": "1s", "timeout": "500ms", "rise": 2, "fall": 3, "port": 443,
                   "fast_interval": "200ms", "down_interval": "5s", "jitter": "10%"},
        "idle_timeouts": {"tcp_established": "15m", "tcp_closing": "1m", "tcp_embryonic": "30s", "udp": "2m"},
        "allow": [], "deny": ["bad"], "guard_mode": "count",
        "limits": {"new_flows": 1, "source_new_flows": 2, "packets": 100000000, "source_packets": 3, "source_prefix_v4": 24,
                   "source_prefix_v6": 48, "over_new_flows": "refuse"},
        "backends": [{"name": "web-1", "address": "10.0.1.11", "weight": 1, "state": "active",
                      "mac": "52:54:00:00:00:11"}],
    }],
}

# (pointer, values): each value at that place must be refused by the schema and by the parser.
BAD = [
    ("/seed", ["", "12", "g" * 32, "0" * 33, 1, None]),
    ("/seeds", ["00"]),
    ("/dataplane", [1, []]),
    ("/dataplane/path", ["fast", 1]),
    ("/dataplane/workers", [[], [-1], [128], ["1"], [1.5], [2, 2], 2, None, list(range(65))]),
    ("/dataplane/main_lcore", [-1, 128, "1", None]),
    ("/dataplane/mbufs", [1023, 67108865, "4096"]),
    ("/dataplane/eal", ["-v", [""], ["a b"], [1], None]),
    ("/dataplane/flows_per_worker", [0, 1023, 268435457, "1048576"]),
    ("/dataplane/ports", [[], {}, [{}], [1], [{"device": str(i)} for i in range(17)], [{"device": ""}], [{"device": "a b"}], [{"device": "x" * 256}]]),
    ("/dataplane/ports/0/punt", ["", "x" * 16, "a/b", "a b", "-a", 1]),
    ("/dataplane/ports/0/queues", [0, 65, "2"]),
    ("/dataplane/ports/0/mtu", [1279, 9601, "1500"]),
    ("/dataplane/ports/0/mac", ["", "52:54:00:00:00", "01:00:5e:00:00:01", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"]),
    ("/dataplane/ports/0/rss", [True]),
    ("/dataplane/ports/0/replace_program", [True, "no", 0]),
    ("/dataplane/idle_backoff", ["yes", 1, None]),
    ("/dataplane/huge_pages", ["yes", 0, None]),
    ("/dataplane/memory", [512, "512", "512M", "512 MB", "-1MB", "1TB"]),
    ("/controlplane/metrics", ["9108", ":9108", "127.0.0.1:0", "127.0.0.1:65536", "::1:9108", 9108]),
    ("/controlplane/log_level", ["trace", "INFO", 1]),
    ("/controlplane/limits/services", [0, 65535, "1"]),
    ("/controlplane/limits/vips", [0, 1048577]),
    ("/controlplane/limits/backends", [0, 1048577]),
    ("/controlplane/limits/lookup_slots", [250, 268435457]),
    ("/controlplane/limits/flows", [1]),
    ("/tunnel_source/ipv4", ["2001:db8::1", "127.0.0.1", "0.0.0.0", "224.0.0.1", "10.0.0.0/16", "10.0.0.256", 1]),
    ("/tunnel_source/ipv6", ["10.0.0.1", "::1", "::", "ff02::1", "fe80::1", "2001:db8::1%eth0", "2001:db8::/32"]),
    ("/tunnel_source/gre", ["10.0.0.1"]),
    ("/lists/0/name", ["", "a b", None]),
    ("/lists/0/prefixes/0", ["", "10.0.0.0/33", "10.0.0.256", "2001:db8::/129", "host", 10, None]),
    ("/lists/0/file", ["", "relative", "/", 1]),
    ("/services", [{}, 1, None]),
    ("/services/0", [1, [], {}]),
    ("/services/0/name", ["", ".", "..", "-a", "a b", "a/b", "x" * 64, "\u00e4", 1, None]),
    ("/services/0/vips", [[], {}, "203.0.113.10:443/tcp", ["203.0.113.10:1/tcp", "203.0.113.10:1/tcp"]]),
    ("/services/0/vips/0", [
        "", "203.0.113.10", "203.0.113.10:443", "203.0.113.10/tcp", "203.0.113.10:443/sctp", "203.0.113.10:65536/tcp",
        "203.0.113.10:-1/tcp", "203.0.113.10:0443/tcp", "203.0.113:443/tcp", "2001:db8::10:443/tcp",
        "[203.0.113.10]:443/tcp", "224.0.0.1:443/tcp", "127.0.0.1:443/tcp", "0.0.0.0:443/tcp", "255.255.255.255:1/tcp",
        "[::1]:443/tcp", "[::]:443/tcp", "203.0.113.0/7:443/tcp", "203.0.113.0/33:443/tcp", "[2001:db8::/15]:443/tcp",
        "[2001:db8::/129]:443/tcp", "[2001:db8::]/64:443/tcp", "127.0.0.0/8:443/tcp", "[::/16]:443/tcp", "203.0.113.10:8000-/tcp",
        "203.0.113.10:0-80/tcp", "203.0.113.10:*-80/tcp", "[ff02::1]:443/tcp", "[fe80::1]:443/tcp", 443, None]),
    ("/services/0/scheduler", ["magelv", "least", 1]),
    ("/services/0/affinity", ["client", 1]),
    ("/services/0/source_prefix_v4", [0, 33, "24", None]),
    ("/services/0/source_prefix_v6", [0, 129, "56", None]),
    ("/services/0/encap", ["gre", "nat", 1]),
    ("/services/0/gue_port", [0, 65536, "6080", None]),
    ("/services/0/health", [{}, [], "tcp", {"interval": "1s"}]),
    ("/services/0/health/type", ["htp", "ping", 1]),
    ("/services/0/health/interval", [1, "1", "1d", "1.5s", "s", " 1s", "-1s"]),
    ("/services/0/health/timeout", [500, "500", "500us"]),
    ("/services/0/health/rise", [0, 101, "2"]),
    ("/services/0/health/fall", [0, 101, 1.5]),
    ("/services/0/health/port", [0, 65536, -1, "443"]),
    ("/services/0/health/path", ["", "health", "/a b", 1]),
    ("/services/0/health/expected_status", ["2xx", "200-", "600", "", 200]),
    ("/services/0/health/host", ["", "a/b", "a b"]),
    ("/services/0/health/command", [[], "/bin/true", [1]]),
    ("/services/0/health/jitter", [10, "101%"]),
    ("/services/0/lookup_size", [0, 250, 1048574, "65537"]),
    ("/services/0/idle_timeouts/tcp_established", [900, "15", "15min"]),
    ("/services/0/idle_timeouts/icmp", ["1s"]),
    ("/services/0/panic_threshold", [50, "50", "101%", "-1%", "0.5%"]),
    ("/services/0/stateless", ["no", 0, None]),
    ("/services/0/allow", ["bad", [""], None]),
    ("/services/0/guard_mode", ["off", True]),
    ("/services/0/limits/new_flows", [0, -1, 100000001, "5"]),
    ("/services/0/limits/source_packets", [0, 1.5]),
    ("/services/0/limits/source_prefix_v6", [0, 129]),
    ("/services/0/limits/over_new_flows", ["drop"]),
    ("/services/0/backends", [{}, None, [1], [{}], [{"name": "a"}], [{"address": "10.0.0.1"}]]),
    ("/services/0/backends/0/name", ["", "a b", "x" * 64, 1]),
    ("/services/0/backends/0/address", [
        "", "10.0.0.256", "10.0.0", "010.0.0.1", "host", "10.0.0.1:80", "127.0.0.1", "224.0.0.1", "0.0.0.0",
        "255.255.255.255", "::1", "::", "ff02::1", "fe80::1", 10, None]),
    ("/services/0/backends/0/weight", [-1, 65536, 1.5, "1", None]),
    ("/services/0/backends/0/state", ["up", "down", True]),
    ("/services/0/backends/0/mac", ["", "52-54-00-00-00-11", "33:33:00:00:00:01", "00:00:00:00:00:00", None]),
    ("/services/0/backends/0/wieght", [1]),
]

# What a schema cannot say, or does not: the parser alone refuses it.
BAD_FOR_THE_PARSER = [
    ("/dataplane/memory", ["63MB", "1025GB"]),
    ("/dataplane/main_lcore", [2]),
    ("/services/0/lookup_size", [65536]),
    ("/services/0/vips/0", ["203.0.113.1/28:443/tcp", "203.0.113.10:90-80/tcp"]),
    ("/services/0/health/interval", ["49ms", "61m", "500ms", "99999999999999999999h"]),
    ("/services/0/health/timeout", ["9ms", "1s", "2h"]),
    ("/services/0/health/path", ["/"]),  # of another type
    ("/services/0/health/fast_interval", ["9ms", "2s"]),
    ("/services/0/health/type", ["exec"]),  # without a command
    ("/services/0/idle_timeouts/udp", ["0s", "1500ms", "541m"]),
    ("/services/0/encap", ["l2"]),
    ("/services/0/gue_port", [6081]),
    ("/services/0/source_prefix_v4", [24]),
    ("/services/0/source_prefix_v6", [56]),
    ("/services/0/backends/0/address", ["203.0.113.10", "::ffff:10.0.0.1", "1:2:3:4:5:6:7:8:9", ":::"]),
    ("/controlplane/limits/lookup_slots", [65536]),
]

GOOD = [
    ("/dataplane/workers", [[0], [127, 0]]),
    ("/dataplane/flows_per_worker", [1024, 268435456]),
    ("/dataplane/memory", ["64MB", "1024GB", "1GB"]),
    ("/dataplane/ports/0/device", ["net_af_xdp0,iface=eth1,start_queue=0", "x" * 255]),
    ("/controlplane/metrics", ["[::1]:9108", "0.0.0.0:1", "[::]:65535"]),
    ("/services/0/name", ["a", "x" * 63, "0.a_b-c"]),
    ("/services/0/vips/0", ["203.0.113.10:0/udp", "203.0.113.10:65535/tcp", "[2001:DB8::1]:*/tcp", "240.0.0.1:1/tcp"]),
    ("/services/0/vips/0", ["[::1:2]:1/tcp", "[64:ff9b::192.0.2.33]:1/tcp", "[ff::1]:1/tcp", "[fec0::1]:1/tcp"]),
    ("/services/0/vips/0", ["203.0.113.0/28:443/tcp", "100.64.0.0/10:8000-8999/tcp", "[2001:db8::/64]:*/udp", "[2001::/16]:1-65535/tcp",
                            "203.0.113.10/32:443/tcp", "[2001:db8::1/128]:0/tcp"]),
    ("/services/0/encap", ["gue"]),
    ("/services/0/lookup_size", [251, 1048573]),
    ("/services/0/health/interval", ["501ms", "1h", "60m"]),
    ("/services/0/health", [
        {"type": "https", "port": 443, "method": "OPTIONS", "path": "/up?x=1", "host": "www.example:8443", "expected_status": "200-299,404",
         "expected_body": "ready", "tls_verify": True, "tls_server_name": "www.example"},
        {"type": "http", "port": 80, "method": "HEAD"},
        {"type": "grpc", "port": 1, "grpc_service": "shop", "tls": True}, {"type": "icmp"}, {"type": "syn"},
        {"type": "udp", "port": 53, "payload": "hex:00FF", "expected_answer": "pong"}, {"type": "exec", "command": ["/bin/true", ""]}]),
    ("/services/0/idle_timeouts/udp", ["1s", "9h", "540m", "2000ms"]),
    ("/services/0/panic_threshold", ["0%", "100%", "7%"]),
    ("/services/0/backends/0/address", ["1.0.0.1", "223.255.255.255", "169.254.0.1", "2001:db8::2", "::2"]),
    ("/services/0/backends/0/weight", [0, 65535]),
    ("/services/0/backends", [[]]),
    ("/services", [[]]),
]


XDP = {**FULL, "dataplane": {"path": "xdp", "flows_per_worker": 65536, "ports": [{"device": "eth1", "mtu": 1400, "other_macs": [], "replace_program": True}]}}
# The same with path xdp.
BAD_FOR_XDP = [
    ("/dataplane/ports/0/device", ["0000:3b:00.0", "net_af_xdp0,iface=eth0", "", 1]),
    ("/dataplane/ports/0/punt", ["aya0"]),
    ("/dataplane/ports/0/queues", [1]),
    ("/dataplane/ports/0/mtu", [1279]),
    ("/dataplane/ports/0/mac", ["52:54:00:00:00:01"]),
    ("/dataplane/ports/0/replace_program", ["yes", 1, None]),
    ("/dataplane/ports", [[]]),
    ("/dataplane/workers", ["all", [128]]),
]


# A kernel interface with path auto: as with xdp, and with workers.
AUTO = {**FULL, "dataplane": {"path": "auto", "workers": [1], "ports": [{"device": "eth1", "queues": 2, "mtu": 1400, "other_macs": [], "replace_program": True}]}}
BAD_FOR_AUTO = [
    ("/dataplane/workers", [[]]),
    ("/dataplane/ports/0/punt", ["aya0"]),
    ("/dataplane/ports/0/mtu", [1279]),
    ("/dataplane/ports/0/mac", ["52:54:00:00:00:01"]),
    ("/dataplane/ports/0/device", ["0000:3b:00.0", "net_null0"]),  # which has no program to replace
]


def put(pointer, value, full=FULL):
    """FULL with `value` at `pointer`; a key that is not there is added."""
    config = copy.deepcopy(full)
    *path, last = pointer[1:].split("/")
    place = config
    for token in path:
        place = place[int(token)] if isinstance(place, list) else place[token]
    place[int(last) if isinstance(place, list) else last] = value
    return config


def parse(configs, program=CONFIG_CHECK):
    """What the parser answers to each configuration."""
    lines = "".join(json.dumps(config) + "\n" for config in configs)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def uncommented(text):
    """JSON without // and /* */ comments; strings stay whole."""
    token = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
    return token.sub(lambda m: m[0] if m[0].startswith('"') else " ", text)


def cases(table):
    return [(pointer, value, put(pointer, value)) for pointer, values in table for value in values]


def properties(node, pointer=""):
    """Every (pointer, key, schema of the key) of the schema."""
    for key, value in node.get("properties", {}).items():
        yield pointer + "/" + key, key, value
        yield from properties(value, pointer + "/" + key)
    if "items" in node:
        yield from properties(node["items"], pointer + "/0")


def keys_of(named, value):
    """What of `value` has its key in `named`: a new key has its default in what is written, and is no news."""
    if isinstance(named, dict):
        return {key: keys_of(named[key], value[key]) for key in value if key in named}
    if isinstance(named, list) and len(named) == len(value):
        return [keys_of(*pair) for pair in zip(named, value)]
    return value


class Schema(unittest.TestCase):
    def test_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_bad_values_are_refused_by_both(self):
        table = cases(BAD)
        self.assertGreater(len(table), 200)
        for (pointer, value, config), answer in zip(table, parse(c for _, _, c in table), strict=True):
            with self.subTest(pointer=pointer, value=value):
                self.assertFalse(VALIDATOR.is_valid(config), "the schema lets it through")
                self.assertIn("errors", answer, "the parser lets it through")
                where = [error["where"] for error in answer["errors"]]
                self.assertTrue(all(w.startswith(pointer) for w in where), where)

    def test_with_path_xdp_interfaces_are_all_that_is_needed(self):
        self.assertEqual([e.message for e in VALIDATOR.iter_errors(XDP)], [])
        answer = parse([XDP])[0]
        self.assertEqual(keys_of(XDP["dataplane"]["ports"], answer["dataplane"]["ports"]), XDP["dataplane"]["ports"])
        refused = parse([XDP], DATAPLANE_CHECK)[0]["errors"]
        self.assertEqual([e["where"] for e in refused], ["/dataplane/path"])
        table = [(pointer, put(pointer, value, XDP)) for pointer, values in BAD_FOR_XDP for value in values]
        for (pointer, config), answer in zip(table, parse(config for _, config in table), strict=True):
            with self.subTest(pointer=pointer, config=config["dataplane"]):
                self.assertFalse(VALIDATOR.is_valid(config), "the schema lets it through")
                self.assertTrue(all(e["where"].startswith(pointer) for e in answer["errors"]), answer)

    def test_with_path_auto_an_interface_stays_the_kernels(self):
        self.assertEqual([e.message for e in VALIDATOR.iter_errors(AUTO)], [])
        for check in (CONFIG_CHECK, DATAPLANE_CHECK):
            answer = parse([AUTO], check)[0]
            self.assertEqual(keys_of(AUTO["dataplane"]["ports"], answer.get("dataplane", answer)["ports"]), AUTO["dataplane"]["ports"])
        table = [(pointer, put(pointer, value, AUTO)) for pointer, values in BAD_FOR_AUTO for value in values]
        for (pointer, config), answer in zip(table, parse(config for _, config in table), strict=True):
            with self.subTest(pointer=pointer, config=config["dataplane"]):
                self.assertFalse(VALIDATOR.is_valid(config), "the schema lets it through")
                self.assertTrue(answer["errors"], answer)

    def test_with_path_auto_all_ports_are_of_one_kind(self):
        mixed = put("/dataplane/ports", [{"device": "eth1"}, {"device": "0000:3b:00.0"}], AUTO)
        self.assertEqual([e["where"] for e in parse([mixed])[0]["errors"]], ["/dataplane/ports"])

    def test_required_keys_are_required_by_both(self):
        without_seed = copy.deepcopy(FULL)
        del without_seed["seed"]
        self.assertFalse(VALIDATOR.is_valid(without_seed))
        self.assertIn("errors", parse([without_seed])[0])

    def test_the_parser_refuses_what_a_schema_cannot_say(self):
        table = cases(BAD_FOR_THE_PARSER)
        for (pointer, value, config), answer in zip(table, parse(c for _, _, c in table), strict=True):
            with self.subTest(pointer=pointer, value=value):
                self.assertIn("errors", answer)

    def test_good_values_are_taken_by_both(self):
        table = [("", None, FULL), *cases(GOOD)]
        for (pointer, value, config), answer in zip(table, parse(c for _, _, c in table), strict=True):
            with self.subTest(pointer=pointer, value=value):
                self.assertEqual([e.message for e in VALIDATOR.iter_errors(config)], [])
                self.assertNotIn("errors", answer)

    def test_the_data_plane_judges_its_section_as_the_control_plane_does(self):
        configs = [config for table in (BAD, BAD_FOR_THE_PARSER, GOOD) for pointer, _, config in cases(table)
                   if pointer.startswith("/dataplane")]
        configs += [put(pointer, value, full) for table, full in ((BAD_FOR_XDP, XDP), (BAD_FOR_AUTO, AUTO))
                    for pointer, values in table for value in values]
        configs += [FULL, AUTO, put("/dataplane/ports", [{"device": "eth1"}, {"device": "0000:3b:00.0"}], AUTO)]
        self.assertGreater(len(configs), 80)
        refused = 0
        for config, control, data in zip(configs, parse(configs), parse(configs, DATAPLANE_CHECK), strict=True):
            with self.subTest(config=config["dataplane"]):
                self.assertEqual(data.get("errors"), control.get("errors"))
                if "errors" in control:
                    refused += 1
                else:
                    self.assertEqual(data, control["dataplane"])
        self.assertGreater(refused, 60)

    def test_what_the_parser_writes_is_what_it_reads_and_the_schema_takes(self):
        once = parse([FULL])[0]
        self.assertEqual(keys_of(FULL, once), FULL)
        self.assertEqual(parse([once])[0], once)

    def test_defaults_are_those_of_the_parser(self):
        least = {
            "seed": FULL["seed"],
            "dataplane": {"workers": [1], "ports": [{"device": "x"}]},
            "lists": [{"name": "l"}],
            "services": [{"name": "s", "vips": ["1.2.3.4:1/udp"], "backends": [{"name": "b", "address": "10.0.0.1"}],
                          "quic_lb": [{"config_id": 0, "server_id_length": 4, "nonce_length": 4}],
                          "health": {"type": "none"}}],
        }
        filled = parse([least])[0]
        checked = 0
        for pointer, _, schema in properties(SCHEMA):
            place = filled
            for token in pointer[1:].split("/"):
                place = place[int(token)] if isinstance(place, list) else place.get(token)
                if place is None:
                    break
            if "default" in schema and schema["default"] != []:
                with self.subTest(pointer=pointer):
                    self.assertEqual(place, schema["default"])
                checked += 1
        self.assertGreater(checked, 20)

    def test_every_key_has_a_description(self):
        for pointer, key, schema in properties(SCHEMA):
            with self.subTest(pointer=pointer):
                self.assertRegex(schema["description"], r"^[A-Zl].+\.$")


class Examples(unittest.TestCase):
    def test_examples_are_taken_by_both(self):
        examples = sorted((ROOT / "configs").glob("*.json"))
        self.assertGreaterEqual(len(examples), 2)
        for path in examples:
            with self.subTest(path.name):
                text = path.read_text()
                config = json.loads(uncommented(text))
                self.assertEqual([e.message for e in VALIDATOR.iter_errors(config)], [])
                self.assertNotIn("errors", parse([config])[0])
                if "dataplane" in config:
                    self.assertNotIn("errors", parse([config], DATAPLANE_CHECK)[0])

    def test_the_fragments_in_the_reference_are_valid(self):
        reference = (ROOT / "docs/configuration.md").read_text()
        fragments = re.findall(r"```json\n(.*?)```", reference, re.DOTALL)
        self.assertGreater(len(fragments), 0)
        for fragment in fragments:
            config = {"seed": FULL["seed"], **json.loads(uncommented("{" + fragment + "}"))}
            with self.subTest(fragment[:60]):
                self.assertEqual([e.message for e in VALIDATOR.iter_errors(config)], [])
                self.assertNotIn("errors", parse([config])[0])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
