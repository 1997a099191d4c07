# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP server on a Unix socket that answers as the API does, and keeps what it was sent.

answers.json is what the API's own test (tests/unit/api/answers_test.cpp) was answered."""

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


with open(os.path.join(os.path.dirname(__file__), "answers.json"), encoding="utf-8") as file:
    ANSWERS = json.load(file)


def answer_of(name):
    return copy.deepcopy(ANSWERS[name]["body"])


VERSION, STATUS, COUNTERS, HEALTH, CONFIG, REFUSALS = map(
    answer_of, ("version", "status", "counters", "health", "config", "refusals"))
CHANGES = answer_of("apply")["changes"]


def lines_of(name, source="ayactl"):
    """What ayactl prints of a refusal."""
    return "".join(f"{source}: {error['where']}{': ' if error['where'] else ''}{error['message']}\n"
                   for error in answer_of(name)["errors"])


def backend(service, name, address, weight=1, state="active"):
    return {**answer_of("services")["services"][0]["backends"][0], "service": service, "name": name,
            "address": address, "next_hop": address, "weight": weight, "state": state,
            "effective_weight": weight if state == "active" else 0}


def service(name="web"):
    web = answer_of("services")["services"][0]
    return {**web, "name": name, "backends": [{**member, "service": name} for member in web["backends"]]}


class Refusal(Exception):
    """What the API was seen to answer; in its messages `words` stand in place of others."""

    def __init__(self, name, **words):
        self.status = ANSWERS[name]["status"]
        self.body = answer_of(name)
        for error in self.body["errors"]:
            for old, new in words.items():
                error["message"] = error["message"].replace(f'"{old}"', f'"{new}"')


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
        self.flows = [0]  # of a backend, by each question
        self.explanation = answer_of("explain")

    def respond(self, method, path, body):
        fixed = {"/v1/version": VERSION, "/v1/status": STATUS, "/v1/counters": COUNTERS, "/v1/health": self.health,
                 "/v1/refusals": REFUSALS, "/v1/config": CONFIG}
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
            return 200, self.explanation
        parts = [urllib.parse.unquote(part) for part in path.split("/")[2:]]
        if parts[0] != "services":
            raise Refusal("no path")
        return self.on_services(method, parts[1:], json.loads(body) if body else None)

    def config(self, verb, body):
        if "broken" in body:
            raise Refusal("broken config")
        return {"changes": self.changes} if verb == "check" else {"changes": self.changes, "generation": 18}

    def find(self, items, name, what):
        for item in items:
            if item["name"] == name:
                return item
        raise Refusal(f"no {what}", nope=name)

    def on_services(self, method, parts, body):
        if not parts:
            if method == "GET":
                return 200, {"services": self.services}
            if any(known["name"] == body["name"] for known in self.services):
                raise Refusal("a service already", web=body["name"])
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
        if parts[1:] == ["flows"]:
            left = self.flows.pop(0) if len(self.flows) > 1 else self.flows[0]
            return 200, {"service": owner["name"], "backend": found["name"], "flows": left}
        if method == "POST":
            return 200, answer_of("quic ids")
        if method == "PATCH":
            if not 0 <= body.get("weight", 0) <= 65535:
                raise Refusal("bad weight")
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
