#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Numbered datagrams at an even rate, and who answered each: what is lost on the way can be counted, and placed in time.

As a program, in a namespace:  stream.py answer ADDRESS PORT NAME   |   stream.py send ADDRESS PORT RATE OUT
As a module: start_answering(), Stream.
"""

import json
import pathlib
import select
import signal
import socket
import sys
import time

PATIENCE = 1.0  # an answer that takes longer is not waited for at the end


def answer(address, port, name):
    # Bound to the VIP, else answers come from the host's own address.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((address, port))
        while True:
            number, client = s.recvfrom(100)
            s.sendto(number + b" " + name.encode(), client)


def receive(s, answered):
    while True:
        try:
            number, name = s.recv(100).split()
        except (BlockingIOError, ConnectionRefusedError):
            return
        answered[int(number)] = name.decode()


def send(address, port, rate, out):
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    sent, answered = [], {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((address, port))
        s.setblocking(False)
        start = time.monotonic()
        while not stop:
            due = int((time.monotonic() - start) * rate)
            while len(sent) < due:
                sent.append(time.monotonic())
                try:
                    s.send(str(len(sent) - 1).encode())
                except (BlockingIOError, ConnectionRefusedError):
                    pass  # counts as lost
            select.select([s], [], [], 1 / rate)
            receive(s, answered)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and len(answered) < len(sent):
            select.select([s], [], [], 0.1)
            receive(s, answered)
    pathlib.Path(out).write_text(json.dumps({"sent": sent, "answered": answered}), encoding="ascii")


def start_answering(lab, host, address, port):
    lab.start(host, sys.executable, __file__, "answer", address, str(port), host.name, log=f"answer-{host.name}.log")


class Stream:
    """Datagrams under way in the client's namespace, until stop()."""

    def __init__(self, lab, address, port, rate):
        self.out = lab.directory / "stream.json"
        self.process = lab.start(lab.client, sys.executable, __file__, "send", address, str(port), str(rate), str(self.out),
                                 log="stream.log")

    def stop(self):
        self.process.terminate()
        if code := self.process.wait(30):
            raise RuntimeError(f"stream.py: exit code {code}, see stream.log")
        told = json.loads(self.out.read_text())
        self.sent = told["sent"]
        self.answered = {int(number): name for number, name in told["answered"].items()}

    @property
    def backends(self):
        return set(self.answered.values())

    def lost(self, begin, end):
        """How many of those that were sent between two moments (time.monotonic) nobody answered."""
        return sum(begin <= t < end and number not in self.answered for number, t in enumerate(self.sent))


def main():
    if sys.argv[1] == "answer":
        answer(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5])


if __name__ == "__main__":
    main()
