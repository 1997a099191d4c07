#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The client of sink.py: `upload.py ADDRESS PORT SIZE tcp|udp`; prints its answer and the checksum of what was sent."""

import hashlib
import os
import socket
import sys


def main():
    address, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    data = os.urandom(size)
    datagram = sys.argv[4] == "udp"
    with socket.socket(family, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM) as s:
        s.settimeout(3 if datagram else 30)
        s.connect((address, port))
        s.sendall(data)
        if not datagram:
            s.shutdown(socket.SHUT_WR)
        answer = s.recv(4096)
        while not datagram and not answer.endswith(b"\n"):
            piece = s.recv(4096)
            if not piece:
                sys.exit("the server closed without an answer")
            answer += piece
    print(answer.decode().strip(), hashlib.sha256(data).hexdigest())


main()
