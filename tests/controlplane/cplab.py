# SPDX-License-Identifier: BSD-2-Clause
"""What the tests here share: the daemon in a namespace of its own, two links away from its backends.

    box: aya-controlplane      up0 10.9.0.1/24 ------ 10.9.0.11 .. .13          servers
                                   2001:db8:9::1/64   10.9.0.254, a router to 10.8.0.0/24
                               up1 10.9.1.1/24 ------ 10.9.1.11

Every test is a program: run as root, one line a check, exit code 0 (all held), 1 (not), 77 (cannot run here).
AYA_BUILD_DIR names the build directory (default: build/).
"""

import atexit
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lib"))

from ayalab.checks import checking, need_root_and  # noqa: E402
from ayalab.shell import LabError, run, stop, tail, wait_until  # noqa: E402, F401

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AYA_BUILD_DIR") or SOURCE / "build").resolve()
SEED = "6f1d0a5c3b2e49788796a5b4c3d2e1f0"
PORT = 8080  # that servers listen on and probes connect to
INSTANCE = "test"

# Accepts and closes, for as long as it runs.
SERVER = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen(64)
print("ready", flush=True)
while True:
    try:
        s.accept()[0].close()
    except ConnectionError:
        pass
"""


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("aya", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Box:
    """Namespaces, links and everything started in them; taken down again whatever happens."""

    def __init__(self):
        name = f"ayacp-{os.getpid()}"
        self.box, self.servers = f"{name}-box", f"{name}-srv"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ayacp-"))
        self.config_file = self.directory / "aya.json"
        self.run_dir = self.directory / "run" / INSTANCE
        self.state_file = self.directory / "state" / INSTANCE / "state.json"
        self.log_file = self.directory / "log"
        self.processes = []
        self.daemon = None
        self.closed = False

    def __enter__(self):
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(1))
        for namespace in (self.box, self.servers):
            run("ip", "netns", "add", namespace)
            self.within(namespace, "ip", "link", "set", "lo", "up")
        for i in (0, 1):
            run("ip", "link", "add", f"up{i}", "netns", self.box, "address", f"02:00:00:00:09:0{i}",
                "type", "veth", "peer", "name", f"down{i}", "netns", self.servers, "address", f"02:00:00:00:0a:0{i}")
            self.within(self.box, "ip", "addr", "add", f"10.9.{i}.1/24", "dev", f"up{i}")
            self.within(self.box, "ip", "link", "set", f"up{i}", "up")
            self.within(self.servers, "ip", "link", "set", f"down{i}", "up")
        for address in ("10.9.0.11/24", "10.9.0.12/24", "10.9.0.13/24", "10.9.0.254/24"):
            self.within(self.servers, "ip", "addr", "add", address, "dev", "down0")
        self.within(self.servers, "ip", "addr", "add", "10.9.1.11/24", "dev", "down1")
        self.within(self.box, "ip", "addr", "add", "2001:db8:9::1/64", "dev", "up0", "nodad")
        self.within(self.servers, "ip", "addr", "add", "2001:db8:9::11/64", "dev", "down0", "nodad")
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.closed:
            return
        self.closed = True
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
            stop(process)
        for namespace in (self.box, self.servers):
            run("ip", "netns", "del", namespace, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def within(namespace, *command, **options):
        return run("ip", "netns", "exec", namespace, *command, **options)

    def start(self, namespace, *command, **options):
        process = subprocess.Popen(("ip", "netns", "exec", namespace, *command), **options)
        self.processes.append(process)
        return process

    # Servers

    def serve(self, address, port=PORT):
        process = self.start(self.servers, "/usr/bin/python3", "-c", SERVER, address, str(port),
                             stdout=subprocess.PIPE, text=True)
        if process.stdout.readline() != "ready\n":
            raise LabError(f"no server on {address}:{port}")
        return process

    def stop(self, process, how=signal.SIGTERM):
        stop(process, how)
        self.processes.remove(process)

    def hold_dataplane(self, *ports):
        """A stand-in for the data plane; ports are INTERFACE[,PUNT]."""
        process = self.start(self.box, str(BUILD / "tests/controlplane/hold_dataplane"), str(self.run_dir), *ports,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if process.stdout.readline() != "ready\n":
            raise LabError("hold_dataplane did not start")
        return process

    @staticmethod
    def set_port(dataplane, index, state):
        """Works, no_link or gone, from now on."""
        dataplane.stdin.write(f"{index} {state}\n")
        dataplane.stdin.flush()

    # The daemon

    def configure(self, *services, **more):
        self.config_file.write_text(json.dumps({"seed": SEED, "services": services, **more}))

    def command(self, *more):
        return (str(BUILD / "controlplane/aya-controlplane"), "--config", str(self.config_file), "--instance", INSTANCE,
                "--run-dir", str(self.directory / "run"), "--state-dir", str(self.directory / "state"), *more)

    def start_daemon(self, *more):
        with open(self.log_file, "a", encoding="utf-8") as log:
            self.daemon = self.start(self.box, *self.command("--log-level", "debug", *more), stderr=log)
        wait_until(lambda: self.answers() or self.daemon.poll() is not None, "the daemon answers",
                   timeout=60)
        if self.daemon.poll() is not None:
            raise LabError(f"aya-controlplane ended with {self.daemon.returncode}:\n{tail(self.log_file)}")
        return self.daemon

    def answers(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/v1/version")["version"]
        return None

    def try_daemon(self, *more, before=()):
        """A start that is expected to end by itself."""
        return run("ip", "netns", "exec", self.box, *before, *self.command(*more), check=False)

    def stop_daemon(self, how=signal.SIGTERM):
        code = stop(self.daemon, how)
        self.processes.remove(self.daemon)
        return code

    def call(self, method, path, body=None):
        """Status and JSON of a call of the API."""
        connection = Unix(self.run_dir / "api.sock")
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        connection.request(method, path, text)
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        return answer.status, json.loads(content) if answer.getheader("Content-Type") == "application/json" else content

    def ask(self, method, path, body=None):
        status, answer = self.call(method, path, body)
        if status not in (200, 201):
            raise LabError(f"{method} {path}: {status}: {answer}")
        return answer

    def generation(self):
        return self.ask("GET", "/v1/status")["generation"]

    def backend(self, name, service="web"):
        return self.ask("GET", f"/v1/services/{service}/backends/{name}")

    def log(self):
        return self.log_file.read_text(encoding="utf-8")

    def wait_for_backend(self, name, timeout=60.0, service="web", **expected):
        """Until the backend shows these values."""
        def shows():
            backend = self.backend(name, service)
            return all(backend[key] == value for key, value in expected.items())
        wait_until(shows, lambda: f"backend {name} shows {expected}: {self.backend(name, service)}\n{tail(self.log_file)}",
                   timeout)

    def wait_for_log(self, text, timeout=60.0):
        wait_until(lambda: text in self.log(), lambda: f"the log says {text!r}:\n{tail(self.log_file)}", timeout)


# Three probes in a row have to be lost before a busy machine looks like a dead backend.
HEALTH = {"type": "tcp", "interval": "600ms", "timeout": "500ms", "rise": 2, "fall": 3, "port": PORT}


def service(*addresses, health=None, **more):
    """Service `web` with backends one, two, ..."""
    names = ("one", "two", "three", "four")
    return {"name": "web", "vips": ["203.0.113.10:80/tcp"], "lookup_size": 251, "panic_threshold": "100%",
            "health": health or {"type": "none"},
            "backends": [{"name": name, "address": address} for name, address in zip(names, addresses)], **more}


@contextlib.contextmanager
def box(*programs):
    need_root_and("ip", *programs)
    with checking() as checks, Box() as b:
        yield checks, b
