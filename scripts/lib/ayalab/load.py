#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A load generator that is honest about failures: every request is a new connection, and every one is recorded.

As a program it runs in the client's namespace and writes one line a request: start, end (seconds of the machine's
monotonic clock), the backend that answered, and what went wrong ("-": nothing). As a module it starts that
program and reads its lines.
"""

import argparse
import dataclasses
import errno
import os
import pathlib
import select
import signal
import socket
import sys
import time
from collections import Counter

TIMEOUT = 5.0  # seconds a request may take, all retransmissions included


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    start: float
    end: float
    backend: str  # "-": nobody answered
    error: str    # "-": none

    @property
    def failed(self):
        return self.error != "-"


# The program


class Connection:
    """One request: connect, send, read to the end of the stream."""

    def __init__(self, address, family):
        self.start = time.monotonic()
        self.answer = b""
        self.sent = False
        self.socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        code = self.socket.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))

    def advance(self, request):
        """Something happened on the socket. True: the request is over, and well."""
        if not self.sent:
            code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
            self.socket.send(request)
            self.sent = True
            return False
        piece = self.socket.recv(4096)
        self.answer += piece
        return not piece

    def judge(self):
        """(backend, error) of a finished stream: the whole answer must be there."""
        head, _, body = self.answer.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        backend = fields.get(b"x-backend", b"-").decode()
        if not head.startswith(b"HTTP/1.1 200 "):
            return backend, "no-answer" if not head else "status-" + head.split(b" ")[1].decode()
        if len(body) != int(fields.get(b"content-length", b"-1")):
            return backend, "cut-short"
        return backend, "-"


class Generator:
    def __init__(self, options, out):
        self.options = options
        self.out = out
        self.family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        self.request = f"GET {options.path} HTTP/1.0\r\nHost: demo\r\n\r\n".encode()
        self.poll = select.epoll()
        self.open = {}
        self.begun = 0
        self.stopping = False

    def run(self):
        started = time.monotonic()
        while not self.stopping or self.open:
            self.begin(started)
            for descriptor, _ in self.poll.poll(0.002 if self.options.rate else 0.05):
                self.serve(descriptor)
            self.expire()
            if self.begun == (self.options.count or -1):
                self.stopping = True
            if self.options.seconds and time.monotonic() - started > self.options.seconds:
                self.stopping = True

    def begin(self, started):
        due = self.options.count or sys.maxsize
        if self.options.rate:
            due = min(due, int((time.monotonic() - started) * self.options.rate))
        while not self.stopping and self.begun < due and len(self.open) < self.options.jobs:
            self.begun += 1
            begun_at = time.monotonic()
            try:
                connection = Connection((self.options.host, self.options.port), self.family)
            except OSError as e:
                self.record(begun_at, "-", errno.errorcode.get(e.errno, "error"))
                continue
            self.open[connection.socket.fileno()] = connection
            self.poll.register(connection.socket, select.EPOLLOUT)

    def serve(self, descriptor):
        connection = self.open[descriptor]
        try:
            over = connection.advance(self.request)
            if not over:
                self.poll.modify(descriptor, select.EPOLLIN)
                return
            outcome = connection.judge()
        except BlockingIOError:
            return
        except OSError as e:
            outcome = "-", errno.errorcode.get(e.errno, "error")
        self.finish(descriptor, *outcome)

    def expire(self):
        limit = time.monotonic() - TIMEOUT
        for descriptor in [d for d, c in self.open.items() if c.start < limit]:
            self.finish(descriptor, "-", "timeout")

    def finish(self, descriptor, backend, error):
        connection = self.open.pop(descriptor)
        self.poll.unregister(descriptor)
        connection.socket.close()
        self.record(connection.start, backend, error)

    def record(self, start, backend, error):
        self.out.write(f"{start:.6f} {time.monotonic():.6f} {backend} {error}\n")


def main():
    parser = argparse.ArgumentParser(description="One new connection a request; one line of output a request.")
    parser.add_argument("host")
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--path", default="/")
    parser.add_argument("--count", type=int, default=0, help="requests in all (0: until stopped)")
    parser.add_argument("--seconds", type=float, default=0, help="stop after this time (0: never)")
    parser.add_argument("--rate", type=float, default=0, help="requests per second (0: as many as --jobs allows)")
    parser.add_argument("--jobs", type=int, default=16, help="connections at a time")
    parser.add_argument("--out", default="/dev/stdout")
    options = parser.parse_args()
    with open(options.out, "w", buffering=1, encoding="ascii") as out:
        generator = Generator(options, out)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(generator, "stopping", True))
        generator.run()


# The module


def parse(text):
    """Requests of an output that may still be growing: a last line without its end does not count yet."""
    lines = text[:text.rfind("\n") + 1].splitlines()
    return [Request(float(a), float(b), backend, error) for a, b, backend, error in (line.split() for line in lines)]


class Load:
    """Requests under way in the client's namespace, until stop(), or until a count is reached."""

    _number = 0

    def __init__(self, lab, host, **options):
        Load._number += 1
        name = f"load-{Load._number}"
        self.out = lab.directory / f"{name}.requests"
        arguments = [a for key, value in options.items() for a in (f"--{key}", str(value))]
        self.process = lab.start(lab.client, sys.executable, str(pathlib.Path(__file__)), host, *arguments,
                                 "--out", str(self.out), log=f"{name}.log")

    def requests(self):
        return parse(self.out.read_text()) if self.out.exists() else []

    def stop(self):
        """Let what is under way end, and return every request."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait()

    def wait(self, timeout=60):
        code = self.process.wait(timeout)
        if code != 0:
            raise RuntimeError(f"load generator: exit code {code}, see {self.out.with_suffix('.log')}")
        return self.requests()


def failures(requests):
    return [r for r in requests if r.failed]


def errors(requests):
    """How often which error, as text."""
    return ", ".join(f"{n} x {error}" for error, n in Counter(r.error for r in failures(requests)).items()) or "none"


def shares(requests):
    """Part of the answered requests that each backend answered, 0 to 1."""
    answered = Counter(r.backend for r in requests if not r.failed)
    return {backend: n / answered.total() for backend, n in answered.items()}


if __name__ == "__main__":
    main()
