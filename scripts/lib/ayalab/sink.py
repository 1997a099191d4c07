#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A server that tells who it is and what it got: `sink.py NAME PORT`, TCP and UDP, both families.

TCP: reads until the client has nothing more to say, then answers "NAME sha256-of-it". UDP: answers each datagram with
"NAME sha256-of-it", from the address that the datagram was sent to (as direct server return demands).
"""

import hashlib
import socket
import socketserver
import sys
import threading


class Upload(socketserver.BaseRequestHandler):
    def handle(self):
        digest = hashlib.sha256()
        while piece := self.request.recv(1 << 16):
            digest.update(piece)
        self.request.sendall(f"{self.server.name} {digest.hexdigest()}\n".encode())


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6  # and IPv4, mapped
    allow_reuse_address = True
    request_queue_size = 1024
    daemon_threads = True


def serve_datagrams(name, port):
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    udp.bind(("::", port))
    while True:
        data, ancillary, _, sender = udp.recvmsg(1 << 16, 1024)
        answer = f"{name} {hashlib.sha256(data).hexdigest()}".encode()
        # Handing the packet information back makes its destination our source.
        udp.sendmsg([answer], [(level, kind, value[:16] + bytes(4)) for level, kind, value in ancillary], 0, sender)


def main():
    name, port = sys.argv[1], int(sys.argv[2])
    server = Server(("::", port), Upload)
    server.name = name
    threading.Thread(target=serve_datagrams, args=(name, port), daemon=True).start()
    server.serve_forever()


main()
