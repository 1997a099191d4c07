# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP server on a Unix socket that answers as docs/api.md says, and keeps what it was sent."""

import copy
import http.server
import json
import os
import socketserver
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

AYACTL = os.environ["AYACTL"]


def backend(service, name, address, weight=1, state="active"):
    return {"service": service, "name": name, "address": address, "weight": weight, "state": state,
            "health": "up", "effective_weight": weight if state == "active" else 0, "share": 0.5, "reason": "",
            "next_hop": address, "mac": "52:54:00:00:00:11", "reachable": True, "id": 12,
            "incarnation": 1, "packets": 1234567, "bytes": 3650722202}


def service(name="web"):
    return {"name": name, "vips": ["203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"],
            "scheduler": "maglev", "affinity": "none", "encap": "ipip",
            "health": {"type": "tcp", "interval": "1s", "timeout": "500ms", "rise": 2, "fall": 3},
            "lookup_size": 65537, "panic_threshold": "50%", "stateless": False,
            "idle_timeouts": {"tcp_established": "15m", "udp": "2m"},
            "id": 3, "generation": 17, "packets": 1234567, "bytes": 3650722202, "new_flows": 999,
            "panic": False,
            "backends": [backend(name, "gpu-01", "10.0.1.11", 8), backend(name, "gpu-02", "10.0.1.12", 8)]}


STATUS = {"version": "0.1.0", "instance": "default", "pid": 1234, "uptime_seconds": 3725,
          "generation": 17, "config_file": "/etc/aya/aya.json", "services": 1,
          "backends": {"total": 3, "up": 2, "down": 1, "draining": 0, "disabled": 0, "unreachable": 0},
          "dataplane": {"pid": 1235, "alive": True, "uptime_seconds": 10,
                        "workers": [{"index": 0, "lcore": 1, "alive": True, "generation": 17,
                                     "heartbeat_ms": 3, "rx_packets": 1234567, "tx_packets": 12}],
                        "ports": [{"index": 0, "name": "net_af_xdp0", "interface": "eth0", "punt": "aya0",
                                   "mac": "52:54:00:00:00:01", "mtu": 1500, "queues": 1}]},
          "warnings": ["service web: 1 of 3 backends down"]}

COUNTERS = {"workers": 2,
            "reasons": [{"name": "forwarded", "help": "sent to a backend", "value": 1234567890123},
                        {"name": "bad_ip", "help": "malformed IP header", "value": 0}],
            "services": [{"name": "web", "packets": 2000, "bytes": 4096, "new_flows": 7},
                         {"name": "idle", "packets": 0, "bytes": 0, "new_flows": 0}],
            "backends": [{"service": "web", "name": "gpu-01", "packets": 2000, "bytes": 4096},
                         {"service": "idle", "name": "gpu-09", "packets": 0, "bytes": 0}]}

HEALTH = {"backends": [
    {"service": "web", "backend": "gpu-01", "target": "10.0.1.11:443", "health": "up", "since_seconds": 62,
     "last_result": "ok", "last_error": None, "successes": 40, "failures": 0, "rise": 2, "fall": 3},
    {"service": "api", "backend": "cpu-01", "target": "10.0.1.21:80", "health": "down", "since_seconds": 5,
     "last_result": "failed", "last_error": "connection refused", "successes": 0, "failures": 9,
     "rise": 2, "fall": 3}]}

CHANGES = [{"op": "add", "what": "service api"},
           {"op": "change", "what": "service web backend gpu-01", "field": "weight", "from": 8, "to": 4}]


class Refusal(Exception):
    def __init__(self, status, *errors):
        self.status = status
        self.body = {"errors": [{"where": where, "message": message} for where, message in errors]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        path = urllib.parse.urlsplit(self.path).path
        self.server.requests.append((self.command, path, body))
        try:
            status, reply = self.server.respond(self.command, path, body)
        except Refusal as refusal:
            status, reply = refusal.status, refusal.body
        content = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = answer


class ApiServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path):
        super().__init__(path, Handler)
        self.requests = []
        self.services = [service()]
        self.changes = CHANGES
        self.grow = False  # counters count
        self.health = HEALTH
        self.verdict = {"action": "forward", "reason": "forwarded", "service": "web", "backend": "gpu-01"}

    def respond(self, method, path, body):
        fixed = {"/v1/version": {"version": "9.9.9", "abi": 4, "instance": "default"}, "/v1/status": STATUS,
                 "/v1/counters": COUNTERS, "/v1/health": self.health,
                 "/v1/config": {"seed": "00", "services": []}}
        if self.grow and path == "/v1/counters":
            fixed[path] = counters = copy.deepcopy(COUNTERS)
            counters["reasons"][0]["value"] += 1000 * len(self.requests)
            for grown in (counters["services"][0], counters["backends"][0]):
                grown["packets"] += 1000 * len(self.requests)
        if method == "GET" and path in fixed:
            return 200, fixed[path]
        if method == "POST" and path.startswith("/v1/config/"):
            return 200, self.config(path.rsplit("/", 1)[1], body)
        if (method, path) == ("POST", "/v1/explain"):
            return 200, {"steps": [{"step": "parse", "text": "IPv4 TCP"}, {"step": "vip", "text": "service web"}],
                         **self.verdict}
        parts = [urllib.parse.unquote(part) for part in path.split("/")[2:]]
        if parts[0] != "services":
            raise Refusal(404, ("", f'no path "{path}"; there are no paths'))
        return self.on_services(method, parts[1:], json.loads(body) if body else None)

    def config(self, verb, body):
        if "broken" in body:
            raise Refusal(400, ("/services/0/vips/1", "not an address"), ("/seed", "missing"))
        return {"changes": self.changes} if verb == "check" else {"changes": self.changes, "generation": 18}

    def find(self, items, name, what):
        for item in items:
            if item["name"] == name:
                return item
        raise Refusal(404, ("", f"no {what} \"{name}\""))

    def on_services(self, method, parts, body):
        if not parts:
            if method == "GET":
                return 200, {"services": self.services}
            if any(known["name"] == body["name"] for known in self.services):
                raise Refusal(409, ("/name", f"service \"{body['name']}\" exists already"))
            members = [backend(body["name"], **{key: b[key] for key in ("name", "address", "weight") if key in b})
                       for b in body.get("backends", [])]
            self.services.append({**service(body["name"]), **body, "backends": members, "generation": 18})
            return 201, self.services[-1]
        found = self.find(self.services, parts[0], "service")
        if len(parts) > 1:
            return self.on_backends(method, found, parts[2:], body)
        if method == "GET":
            return 200, found
        if method == "PATCH":
            health = {**found["health"], **body.pop("health", {})}
            found.update(body, health=health, generation=18)
            return 200, found
        self.services.remove(found)
        return 200, {"generation": 18}

    def on_backends(self, method, owner, parts, body):
        if not parts and method == "GET":
            return 200, {"backends": owner["backends"]}
        if not parts:
            owner["backends"].append(backend(owner["name"], **{k: body[k] for k in ("name", "address")},
                                             weight=body.get("weight", 1)))
            return 201, {**owner["backends"][-1], "generation": 18}
        found = self.find(owner["backends"], parts[0], "backend")
        if method == "PATCH":
            if not 0 <= body.get("weight", 0) <= 65535:
                raise Refusal(400, ("/weight", f"{body['weight']} is not a weight: 0 to 65535"))
            found.update(body)
            return 200, {**found, "generation": 18}
        owner["backends"].remove(found)
        return 200, {"generation": 18}


class Case(unittest.TestCase):
    """A run directory with the socket of the instance "default", where a server listens."""

    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ayactl-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(f"{self.folder}/default")
        self.socket = f"{self.folder}/default/api.sock"

    def start_server(self):
        self.server = ApiServer(self.socket)
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def run_ayactl(self, *words, stdin=None, env=None):
        return subprocess.run([AYACTL, "--run-dir", self.folder, *words], input=stdin, text=True,
                              capture_output=True, timeout=30, env={**os.environ, **(env or {})})

    def ok(self, *words, stdin=None):
        """Standard output of a command that must succeed in silence."""
        done = self.run_ayactl(*words, stdin=stdin)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def json(self, *words, stdin=None):
        return json.loads(self.ok(*words, "-o", "json", stdin=stdin))

    def write(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def last(self):
        """Method, path and body of the last request."""
        method, path, body = self.server.requests[-1]
        return method, path, json.loads(body) if body else None

    def snapshot(self):
        return copy.deepcopy(self.server.services)
