#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every command of ayactl against a server: what it asks for, and what it prints."""

import json
import re
import subprocess
import unittest

import api_server
from api_server import AYACTL, CHANGES, CONFIG, COUNTERS, HEALTH, REFUSALS, STATUS, VERSION, answer_of, lines_of


class Commands(api_server.Case):
    def setUp(self):
        super().setUp()
        self.start_server()

    # status, version, health, counters, explain

    def test_status(self):
        self.assertEqual(self.ok("status"), """\
instance       default
control plane  9.9.9, pid 1234, up 1h 2m
data plane     running, pid 1234, up 1h 2m
configuration  /etc/aya/aya.json
generation     17
services       2
backends       3: 2 up, 1 down

WORKER  LCORE  ALIVE  GENERATION  HEARTBEAT    RX  TX
     0      0  yes            17        3ms  1.2M  12

PORT  NAME       INTERFACE  PUNT  MAC                 MTU  QUEUES  RX LOST  TX LOST
   0  net_test0  eth0       aya0  02:00:00:00:00:01  1500       1        0        0

""" + "".join(f"warning: {line}\n" for line in STATUS["warnings"]))
        self.assertEqual(len(STATUS["warnings"]), 2)
        self.assertEqual(self.json("status"), STATUS)

    def test_json_keeps_the_daemons_order_of_keys(self):
        self.assertEqual(list(self.json("status")), list(STATUS))

    def test_version(self):
        self.assertRegex(self.ok("version"),
                         r"\Aayactl \d+\.\d+\.\d+\naya-controlplane 9\.9\.9 \(ABI 4, instance default\)\n\Z")
        both = self.json("version")
        self.assertEqual(both["daemon"], VERSION)
        asked = len(self.server.requests)
        self.assertEqual(self.ok("version", "--client"), f"ayactl {both['client']}\n")
        self.assertEqual(self.json("version", "--client"), {"client": both["client"]})
        self.assertEqual(len(self.server.requests), asked)

    def test_health(self):
        self.assertEqual(self.ok("health"), """\
SERVICE  BACKEND  TARGET         HEALTH  SINCE  GOOD   BAD  LAST PROBE
web      gpu-01   10.0.1.11:443  up      1m 2s  40/2   0/3  ok
web      gpu-02   10.0.1.12:443  up      1m 2s  40/2   0/3  ok
api      cpu-01   10.0.1.21:80   down    1m 2s   0/2  40/3  failed: connection refused
""")
        self.assertEqual(self.json("health"), HEALTH)
        self.assertEqual(self.json("health", "web"), {"backends": HEALTH["backends"][:2]})

    def test_health_of_a_backend_that_is_not_probed(self):
        self.server.health = {"backends": [{"service": "web", "backend": "gpu-01", "target": None,
                                            "health": "unchecked", "since_seconds": None, "last_result": None,
                                            "last_error": None, "successes": 0, "failures": 0, "rise": 2, "fall": 3}]}
        self.assertEqual(self.ok("health").splitlines()[1].split(),
                         ["web", "gpu-01", "-", "unchecked", "-", "-", "-", "-"])

    def test_health_of_a_service_that_is_not_there(self):
        done = self.run_ayactl("health", "nope")
        self.assertEqual((done.returncode, done.stderr), (1, lines_of("no service")))

    def test_counters_leave_out_reasons_that_never_happened(self):
        self.assertEqual(self.ok("counters"), """\
REASON     PACKETS  MEANING
forwarded     1.2T  forwarded to a backend

SERVICE  PACKETS   BYTES  NEW FLOWS
web         1.2M  3.4GiB        999
api            0      0B          0

SERVICE  BACKEND  PACKETS   BYTES
web      gpu-01      1.2M  3.4GiB
web      gpu-02         0      0B
api      cpu-01         0      0B
""")
        self.assertIn(COUNTERS["reasons"][1]["help"], self.ok("counters", "--all"))
        self.assertNotIn("cpu-01", self.ok("counters", "--nonzero"))

    def test_refusals(self):
        self.assertEqual(self.ok("refusals"), """\
AGO  SERVICE  SOURCE              DESTINATION           REASON      OUTCOME
 2s  web      198.51.100.7:40000  203.0.113.10:443/tcp  denied      dropped
 2s  web      198.51.100.8:40001  203.0.113.10:443/tcp  flow_limit  let in
""")
        self.assertEqual(self.json("refusals"), REFUSALS)

    def test_counters_watched_show_what_happens_a_second(self):
        self.server.grow = True  # 1000 packets with each look
        out = self.ok("counters", "--watch", "100ms", "--count", "3")
        tables = [table for table in out.split("REASON") if table]
        self.assertEqual(len(tables), 3)
        for table in tables:
            head, first = table.splitlines()[:2]
            self.assertEqual(head.split(), ["PACKETS/S", "MEANING"])
            rate = re.fullmatch(r"forwarded +([0-9.]+)(k?)  forwarded to a backend", first)
            self.assertTrue(rate, first)
            per_second = float(rate[1]) * (1000 if rate[2] else 1)
            self.assertTrue(0 < per_second <= 10_100, "1000 packets in 100 ms or more")
            self.assertIn("cpu-01", table)
        self.assertEqual(len([r for r in self.server.requests if r[1] == "/v1/counters"]), 4)
        self.assertNotIn("cpu-01", self.ok("counters", "--watch", "10ms", "--count", "1", "--nonzero"))

    def test_counters_watched_end_with_their_reader(self):
        self.server.grow = True
        ayactl = subprocess.Popen([AYACTL, "--socket", self.socket, "counters", "--watch", "10ms"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("REASON", "".join(ayactl.stdout.readline() for _ in range(3)))
        ayactl.stdout.close()
        self.assertNotEqual(ayactl.wait(timeout=30), None)
        self.assertEqual(ayactl.stderr.read(), "")
        ayactl.stderr.close()

    def test_counters_watched_badly(self):
        for words in (("--count", "3"), ("--watch", "soon"), ("--watch", "1s", "--count", "0")):
            done = self.run_ayactl("counters", *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("ayactl: --", done.stderr)

    def test_counters_as_json_are_exact_and_whole(self):
        self.assertEqual(self.json("counters"), COUNTERS)
        self.assertEqual([s["name"] for s in self.json("counters", "--nonzero")["services"]], ["web"])

    def test_explain_of_a_packet_that_is_not_forwarded(self):
        self.server.explanation = answer_of("explain punt")
        self.assertTrue(self.ok("explain", "192.0.2.1:1", "192.0.2.2:2/udp").endswith("\ndrop (unserved)\n"))
        self.server.explanation.update(action="drop", reason="unreachable", service="web", backend="a")
        self.assertTrue(self.ok("explain", "192.0.2.1:1", "192.0.2.2:2/udp")
                        .endswith("\ndrop (unreachable), chosen: web/a\n"))

    def test_quic_id(self):
        path = "/v1/services/web/backends/gpu-01/quic_ids"
        self.assertEqual(self.ok("quic", "id", "web", "gpu-01"), "".join(i + "\n" for i in answer_of("quic ids")["ids"]))
        self.assertEqual(self.last(), ("POST", path, {}))
        self.assertEqual(self.json("quic", "id", "web", "gpu-01", "--config-id", "3", "--count", "2", "--nonce", "ee08"),
                         answer_of("quic ids"))
        self.assertEqual(self.last(), ("POST", path, {"config_id": 3, "count": 2, "nonce": "ee08"}))

    def test_explain_of_a_connection_id(self):
        self.ok("explain", "192.0.2.1:1", "192.0.2.2:2/udp", "--quic-id", "07ed793a")
        self.assertEqual(self.last()[2]["quic_id"], "07ed793a")

    def test_explain(self):
        text = self.ok("explain", "198.51.100.7:40000", "203.0.113.10:443/tcp")
        steps = answer_of("explain")["steps"]
        wide = max(len(step["step"]) for step in steps)
        self.assertEqual(text, "".join(f"{step['step']:{wide}}  {step['text']}\n" for step in steps) +
                         f"\nforward to web/{answer_of('explain')['backend']}\n")
        self.assertEqual(self.last(), ("POST", "/v1/explain", {"source": "198.51.100.7:40000",
                                                               "destination": "203.0.113.10:443/tcp", "syn": True}))
        self.assertEqual(self.json("explain", "[2001:db8::1]:1", "[2001:db8::10]:443/tcp", "--no-syn"),
                         answer_of("explain"))
        self.assertEqual(self.last()[2]["syn"], False)

    # service

    def test_service_list(self):
        self.assertEqual(self.ok("service", "list"), """\
NAME  VIPS                     SCHEDULER  ENCAP  HEALTH  SERVING  PACKETS   BYTES  NEW FLOWS
web   203.0.113.10:443/tcp +1  maglev     ipip   tcp         2/2     1.2M  3.4GiB        999
""")
        self.assertEqual(self.json("service", "list"), {"services": self.snapshot()})

    def test_service_list_counts_the_backends_that_can_take_new_flows(self):
        one, two = self.server.services[0]["backends"]
        one.update(effective_weight=0)
        self.assertIn("  1/2  ", self.ok("service", "list"))
        two.update(reachable=False)
        self.assertIn("  0/2  ", self.ok("service", "list"))

    def test_lists_that_are_empty_say_so(self):
        self.server.services[0]["backends"] = []
        self.assertEqual(self.ok("backend", "list"), "no backends\n")
        self.assertEqual(self.ok("backend", "list", "web"), "no backends in service web\n")
        self.assertIn("\nno backends\n", self.ok("service", "show", "web"))
        self.server.services.clear()
        self.assertEqual(self.ok("service", "list"), "no services\n")
        self.assertEqual(self.json("backend", "list"), {"backends": []})

    def test_service_show_says_what_new_backends_are(self):
        self.server.services[0]["health"]["init_state"] = "fully-down"
        self.assertIn(", fall 3, init_state fully-down\n", self.ok("service", "show", "web"))

    def test_service_show_says_what_probes_ask_for(self):
        self.server.services[0]["health"] |= {"type": "http", "path": "/health", "fast_interval": "200ms"}
        self.assertIn("\nhealth        http, every 1s, timeout 500ms, rise 2, fall 3, fast_interval 200ms, path /health\n",
                      self.ok("service", "show", "web"))
        self.server.services[0]["health"] |= {"type": "exec", "command": ["/bin/a", "b c"]}
        self.assertIn(', command ["/bin/a","b c"]\n', self.ok("service", "show", "web"))

    def test_service_show(self):
        self.assertEqual(self.ok("service", "show", "web"), """\
name          web
vips          203.0.113.10:443/tcp
              [2001:db8::10]:443/tcp
scheduler     maglev
affinity      none
encap         ipip
health        tcp, every 1s, timeout 500ms, rise 2, fall 3
lookup table  251 slots
flows         remembered, until idle for: tcp_established 15m, tcp_closing 1m, tcp_embryonic 30s, udp 2m
panic         no (starts when more than 50% are down)
traffic       1.2M packets, 3.4GiB, 999 new flows

NAME    ADDRESS    WEIGHT  STATE   HEALTH  SHARE  NEXT HOP           PACKETS   BYTES  NOTE
gpu-01  10.0.1.11       8  active  up      49.8%  52:54:00:00:00:01     1.2M  3.4GiB
gpu-02  10.0.1.12       8  active  up      50.2%  52:54:00:00:00:01        0      0B
""")
        self.assertEqual(self.json("service", "show", "web"), self.snapshot()[0])

    def test_service_add(self):
        text = self.ok("service", "add", "api", "--vip", "203.0.113.11:80/tcp", "--vip", "203.0.113.11:81/tcp",
                       "--encap", "l2", "--health", "tcp", "--health-interval", "2s",
                       "--backend", "a=10.0.1.21,weight=8", "--backend", "b=10.0.1.22")
        self.assertEqual(text, "added service api: 2 VIPs, 2 backends; generation 18\n")
        self.assertEqual(self.last(), ("POST", "/v1/services", {
            "name": "api", "vips": ["203.0.113.11:80/tcp", "203.0.113.11:81/tcp"], "encap": "l2",
            "health": {"type": "tcp", "interval": "2s"},
            "backends": [{"name": "a", "address": "10.0.1.21", "weight": 8}, {"name": "b", "address": "10.0.1.22"}]}))

    def test_service_add_from_a_file_with_comments_and_options_over_it(self):
        file = self.write("api.json", '{"name": "api", /* why */ "vips": ["203.0.113.11:80/tcp"], "encap": "l2"}')
        self.assertEqual(self.json("service", "add", "-f", file, "--encap", "ipip")["name"], "api")
        self.assertEqual(self.last()[2], {"name": "api", "vips": ["203.0.113.11:80/tcp"], "encap": "ipip"})
        self.ok("service", "add", "dns", "-f", "-", stdin='{"vips": ["203.0.113.12:53/udp"]}')
        self.assertEqual(self.last()[2], {"vips": ["203.0.113.12:53/udp"], "name": "dns"})

    def test_service_set_sends_only_what_changes(self):
        self.assertEqual(self.ok("service", "set", "web", "--encap", "l2"), "changed service web; generation 18\n")
        self.assertEqual(self.last(), ("PATCH", "/v1/services/web", {"encap": "l2"}))

    def test_service_set_of_one_probe_time_keeps_the_others(self):
        changed = self.json("service", "set", "web", "--health-interval", "3s")
        self.assertEqual(self.last()[2], {"health": {"interval": "3s"}})
        self.assertEqual(changed["health"], {"type": "tcp", "interval": "3s", "timeout": "500ms", "rise": 2, "fall": 3})

    def test_service_set_from_a_file(self):
        file = self.write("change.json", '{"idle_timeouts": {"udp": "1m"}}')
        self.ok("service", "set", "web", "-f", file)
        self.assertEqual(self.last()[2], {"idle_timeouts": {"udp": "1m"}})

    def test_service_remove_says_what_is_gone(self):
        before = self.snapshot()[0]
        self.assertEqual(self.ok("service", "remove", "web"),
                         "removed service web: 2 VIPs, 2 backends; generation 18\n")
        self.assertEqual(self.server.services, [])
        self.server.services = [before]
        self.assertEqual(self.json("service", "remove", "web"), {"removed": before, "generation": 18})

    # backend

    def test_backend_list(self):
        self.assertEqual(self.ok("backend", "list"), """\
SERVICE  NAME    ADDRESS    WEIGHT  STATE   HEALTH  SHARE  NEXT HOP           PACKETS   BYTES  NOTE
web      gpu-01  10.0.1.11       8  active  up      49.8%  52:54:00:00:00:01     1.2M  3.4GiB
web      gpu-02  10.0.1.12       8  active  up      50.2%  52:54:00:00:00:01        0      0B
""")
        self.assertEqual(self.ok("backend", "list", "web").splitlines()[0],
                         "NAME    ADDRESS    WEIGHT  STATE   HEALTH  SHARE  NEXT HOP           PACKETS   BYTES  NOTE")
        both = {"backends": self.snapshot()[0]["backends"]}
        self.assertEqual(self.json("backend", "list"), both)
        self.assertEqual(self.json("backend", "list", "web"), both)

    def test_backend_list_says_what_probes_do_not_prove(self):
        for proves, note in (("host", "probes prove only that the host is there"),
                             ("not refused", "probes prove only that the port is not closed")):
            self.server.services[0]["backends"][0]["health_proves"] = proves
            self.assertEqual([line.endswith(f"  {note}") for line in self.ok("backend", "list", "web").splitlines()],
                             [False, True, False])

    def test_backend_add(self):
        self.assertEqual(self.ok("backend", "add", "web", "gpu-03", "2001:db8::3", "--weight", "4",
                                 "--mac", "52:54:00:00:00:13"),
                         "added backend gpu-03 of service web: 2001:db8::3, weight 4; generation 18\n")
        self.assertEqual(self.last(), ("POST", "/v1/services/web/backends", {
            "name": "gpu-03", "address": "2001:db8::3", "weight": 4, "mac": "52:54:00:00:00:13"}))

    def test_backend_set(self):
        self.assertEqual(self.ok("backend", "set", "web", "gpu-01", "--weight", "0"),
                         "changed backend gpu-01 of service web: weight 0; generation 18\n")
        self.assertEqual(self.last(), ("PATCH", "/v1/services/web/backends/gpu-01", {"weight": 0}))

    def test_backend_mac_goes_back_to_the_neighbour_tables(self):
        self.ok("backend", "set", "web", "gpu-01", "--mac", "auto")
        self.assertEqual(self.last()[2], {"mac": None})
        self.assertEqual(self.ok("backend", "set", "web", "gpu-02", "--mac", "52:54:00:00:00:12", "--weight", "3"),
                         "changed backend gpu-02 of service web: weight 3, mac 52:54:00:00:00:12; generation 18\n")
        self.ok("backend", "add", "web", "gpu-03", "10.0.1.13", "--mac", "auto")
        self.assertEqual(self.last()[2], {"name": "gpu-03", "address": "10.0.1.13"})

    def test_backend_list_says_why_a_backend_gets_no_new_flows(self):
        one, two = self.server.services[0]["backends"]
        one.update(state="draining", effective_weight=0, share=0, reason="draining")
        two.update(effective_weight=0, share=0, reachable=False, mac=None,
                   reason="the MAC address of 10.0.1.12 is not known")
        self.assertEqual(self.ok("backend", "list", "web"), """\
NAME    ADDRESS       WEIGHT  STATE     HEALTH  SHARE  NEXT HOP           PACKETS   BYTES  NOTE
gpu-01  10.0.1.11  8 (now 0)  draining  up       0.0%  52:54:00:00:00:01     1.2M  3.4GiB
gpu-02  10.0.1.12  8 (now 0)  active    up       0.0%  unreachable              0      0B  the MAC address of \
10.0.1.12 is not known
""")

    def test_backend_drain_enable_disable(self):
        for verb, state in (("drain", "draining"), ("disable", "disabled"), ("enable", "active")):
            self.assertEqual(self.ok("backend", verb, "web", "gpu-01"),
                             f"backend gpu-01 of service web is now {state}; generation 18\n")
            self.assertEqual(self.last(), ("PATCH", "/v1/services/web/backends/gpu-01", {"state": state}))
        self.assertEqual(self.json("backend", "drain", "web", "gpu-01")["state"], "draining")

    def test_backend_drain_waits_for_the_last_flow(self):
        self.server.flows = [4, 3, 3, 1, 0]  # the first before it drains
        self.assertEqual(self.ok("backend", "drain", "web", "gpu-01", "--wait"), """\
backend gpu-01 of service web: 3 flows left
backend gpu-01 of service web: 1 flows left
backend gpu-01 of service web is drained: no flows left
""")
        self.assertEqual(self.server.services[0]["backends"][0]["state"], "draining")
        self.assertEqual(self.json("backend", "drain", "web", "gpu-01", "--wait")["flows"], 0)

    def test_backend_drain_ends_at_its_deadline(self):
        self.server.flows = [7]
        self.assertEqual(self.ok("backend", "drain", "web", "gpu-01", "--wait", "--deadline", "100ms"), """\
backend gpu-01 of service web: 7 flows left
backend gpu-01 of service web is now disabled: 7 flows were left at the deadline
""")
        self.assertEqual(self.last(), ("PATCH", "/v1/services/web/backends/gpu-01", {"state": "disabled"}))

    def test_backend_drain_badly(self):
        asked = len(self.server.requests)
        for words in (("--deadline", "1m"), ("--wait", "--deadline", "soon"), ("--wait", "--deadline", "25h")):
            self.assertEqual(self.run_ayactl("backend", "drain", "web", "gpu-01", *words).returncode, 2, words)
        self.assertEqual(len(self.server.requests), asked, "nothing was changed")
        self.server.flows = [None]
        done = self.run_ayactl("backend", "drain", "web", "gpu-01", "--wait")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be counted", done.stderr)
        self.assertEqual(self.last()[0], "GET", "nothing was changed")

    def test_backend_remove_says_what_is_gone(self):
        before = self.snapshot()[0]["backends"][0]
        self.assertEqual(self.ok("backend", "remove", "web", "gpu-01"),
                         "removed backend gpu-01 of service web: 10.0.1.11, weight 8; generation 18\n")
        self.assertEqual([b["name"] for b in self.server.services[0]["backends"]], ["gpu-02"])
        self.server.services[0]["backends"].append(before)
        self.assertEqual(self.json("backend", "remove", "web", "gpu-01"), {"removed": before, "generation": 18})

    def test_names_are_escaped_in_paths(self):
        odd = "a/b ?#%ü"
        self.server.services.append(api_server.service(odd))
        self.assertEqual(self.json("service", "show", odd)["name"], odd)
        self.assertEqual(self.server.requests[-1][1], "/v1/services/a%2Fb%20%3F%23%25%C3%BC")

    # config

    def test_config_check_and_apply_send_the_text_as_it_is(self):
        text = '{ // a comment\n  "services": [] }\n'
        file = self.write("aya.json", text)
        difference = "+ service dns\n~ service web backend gpu-01: weight 8 -> 4\n"
        self.assertEqual(self.ok("config", "check", file), difference)
        self.assertEqual(self.server.requests[-1], ("POST", "/v1/config/check", text))
        self.assertEqual(self.ok("config", "apply", "-", stdin=text), difference + "applied: 2 changes; generation 18\n")
        self.assertEqual(self.server.requests[-1], ("POST", "/v1/config/apply", text))
        self.assertEqual(self.json("config", "check", file), {"changes": CHANGES})

    def test_config_without_changes_says_so(self):
        self.server.changes = []
        self.assertEqual(self.ok("config", "check", self.write("aya.json", "{}")), "no changes\n")

    def test_config_of_some_megabytes_arrives_whole(self):
        text = json.dumps({"services": [{"name": f"s{i}", "pad": "x" * 1000} for i in range(4000)]})
        self.ok("config", "apply", self.write("aya.json", text), "--timeout", "30s")
        self.assertEqual(self.server.requests[-1][2], text)

    def test_config_show_is_json_either_way(self):
        self.assertEqual(json.loads(self.ok("config", "show")), CONFIG)
        self.assertEqual(self.ok("config", "show"), self.ok("config", "show", "-o", "json"))

    def test_config_reload(self):
        self.assertTrue(self.ok("config", "reload").endswith("reloaded: 2 changes; generation 18\n"))
        self.assertEqual(self.server.requests[-1], ("POST", "/v1/config/reload", ""))


if __name__ == "__main__":
    unittest.main()
