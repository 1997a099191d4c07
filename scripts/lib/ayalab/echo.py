#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A server that answers every piece of data with its name.

    echo.py NAME PORT [SECONDS]    SECONDS: how long after a client has closed its half it gets 40 000 more
"""

import selectors
import socket
import sys
import time

REPEATS = 40000


def listen(port):
    return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)


def answer(connection, name):
    """What came is answered. True: the client has closed its half."""
    data = connection.recv(4096)
    if data:
        connection.send(name)
    return not data


def serve(name, port, delay):
    listener, waiting = listen(port), []
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(0.1):
                if key.fileobj is listener:
                    selector.register(listener.accept()[0], selectors.EVENT_READ)
                    continue
                try:
                    half_closed = answer(key.fileobj, name)
                except OSError:
                    half_closed = True
                if half_closed:
                    selector.unregister(key.fileobj)
                    waiting.append((time.monotonic() + delay, key.fileobj))
            for due, connection in [w for w in waiting if w[0] <= time.monotonic()]:
                waiting.remove((due, connection))
                finish(connection, name if delay else b"")


def finish(connection, name):
    try:
        connection.sendall(name * REPEATS)
    except OSError:
        pass
    connection.close()


if __name__ == "__main__":
    serve(sys.argv[1].encode(), int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0)
