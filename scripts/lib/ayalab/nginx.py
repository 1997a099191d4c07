# SPDX-License-Identifier: BSD-2-Clause
"""nginx as the server of a backend: answers with the backend's name, and hands out one big file."""

import os

from .shell import LabError, tail, wait_until
from .topology import VIP4, VIP6

CONFIGURATION = """\
daemon off;
user root;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    default_type application/octet-stream;
    sendfile on;
    server {{
        listen {vip4}:80 backlog=4096;
        listen {ip4}:80 backlog=4096;
        listen [{vip6}]:80 backlog=4096;
        listen [{ip6}]:80 backlog=4096;
        add_header X-Backend {name} always;
        location = / {{ return 200 "{name}\\n"; }}
        location /files/ {{ alias {files}/; }}
        location /slow/ {{ alias {files}/; limit_rate {rate}; }}
        location /steady/ {{ alias {files}/; limit_rate 1m; }}
    }}
}}
"""


class Nginx:
    def __init__(self, lab, backend, rate="64m"):
        self.lab = lab
        self.backend = backend
        self.home = lab.directory / backend.name
        self.files = lab.directory / "files"  # the same on every backend
        self.files.mkdir(exist_ok=True)
        self.home.mkdir(exist_ok=True)
        (self.home / "nginx.conf").write_text(CONFIGURATION.format(
            home=self.home, files=self.files, name=backend.name, rate=rate,
            vip4=VIP4, vip6=VIP6, ip4=backend.ip4, ip6=backend.ip6))
        self.process = None
        self.start()

    def start(self):
        self.process = self.lab.start(self.backend, "nginx", "-c", str(self.home / "nginx.conf"),
                                      "-e", str(self.home / "error.log"), log=f"{self.backend.name}/nginx.log")
        wait_until(self._answers, f"nginx of {self.backend.name} listens")

    def _answers(self):
        if self.process.poll() is not None:
            raise LabError(f"nginx of {self.backend.name} ended:\n{tail(self.home / 'error.log')}")
        return self.backend.run("curl", "-sf", "-m", "1", f"http://{self.backend.ip4}/", check=False).returncode == 0

    def kill(self):
        """Die as a crashed server does: at once, all of its processes, without a word to its clients."""
        workers = open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii").read().split()
        self.process.kill()
        self.process.wait()
        for worker in workers:
            os.kill(int(worker), 9)

    def make_file(self, name, size):
        """A file in which no two blocks are alike, so that a lost, doubled or swapped piece shows in its checksum."""
        block = os.urandom(1 << 20)
        with open(self.files / name, "wb") as f:
            for i in range(size >> 20):
                f.write(i.to_bytes(8, "little") + block[8:])
        return self.files / name
