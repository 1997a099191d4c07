#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A person at a terminal, and others who log in: `typist.py HOST4,HOST6 PORT SOURCES INTERFACE`. HOSTs run echo.py.

Ten keystrokes per second over one connection to HOST4, each waiting for its echo. Once per second a new connection to one of
the HOSTs, from the next of SOURCES (addresses of both families), after the neighbour entry of HOST has been
forgotten. On SIGTERM prints a JSON object: `echo`, the seconds that each keystroke took; `logins`, of each connection
the seconds or what went wrong.
"""

import json
import signal
import socket
import subprocess
import sys
import threading
import time

PATIENCE = 5.0  # seconds


def type_keys(host, port, times, stopped):
    with socket.create_connection((host, port), timeout=PATIENCE) as session:
        session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not stopped.wait(0.1):
            began = time.monotonic()
            try:
                session.send(b"k")
                answered = session.recv(100)
            except OSError:
                answered = b""
            times.append(time.monotonic() - began if answered else None)
            if not answered:
                return


def log_in(host, port, source, interface):
    subprocess.run(["ip", "neigh", "delete", host, "dev", interface], check=False, capture_output=True)
    began = time.monotonic()
    try:
        with socket.create_connection((host, port), timeout=PATIENCE, source_address=(source, 0)) as session:
            session.send(b"l")
            session.recv(100)
    except OSError as e:
        return f"{source}: {e}"
    return time.monotonic() - began


def main():
    hosts, port, sources, interface = sys.argv[1].split(","), int(sys.argv[2]), sys.argv[3].split(","), sys.argv[4]
    stopped, echo, logins = threading.Event(), [], []
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    keys = threading.Thread(target=type_keys, args=(hosts[0], port, echo, stopped))
    keys.start()
    while not stopped.is_set():
        began = time.monotonic()
        source = sources[len(logins) % len(sources)]
        host = next(h for h in hosts if (":" in h) == (":" in source))
        logins.append(log_in(host, port, source, interface))
        stopped.wait(max(0.0, began + 1 - time.monotonic()))
    keys.join()
    print(json.dumps({"echo": echo, "logins": logins}), flush=True)


if __name__ == "__main__":
    main()
