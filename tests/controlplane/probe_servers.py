# SPDX-License-Identifier: BSD-2-Clause
"""Backends for probe_types: on each address, every protocol behaves as its second argument says.

    probe_servers.py CERTIFICATE ADDRESS=good|wrong|hanging ...
"""

import concurrent.futures
import http.server
import socket
import ssl
import sys
import threading
import time

import grpc

HTTP, HTTPS, UDP, GRPC, GRPC_TLS = 8081, 8443, 5353, 50051, 50052


class Handler(http.server.BaseHTTPRequestHandler):
    manner = ""

    def do_GET(self):
        if self.manner == "hanging":
            time.sleep(3600)
        self.send_response(200 if self.manner == "good" and self.path == "/health" else 503)
        self.end_headers()
        self.wfile.write(b"all is well\n" if self.manner == "good" else b"out of order\n")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Probes reset connections, and refuse the certificate."""


def serve_http(address, manner, context):
    handler = type("Handler", (Handler,), {"manner": manner})
    server = Server((address, HTTPS if context else HTTP), handler)
    if context:  # the handshake is the thread's, not that of accept()
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def serve_udp(address, manner):
    answers = {"good": b"pong", "wrong": b"what?"}
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, UDP))

    def serve():
        while True:
            question, client = server.recvfrom(2048)
            if question == b"ping" and manner in answers:
                server.sendto(answers[manner], client)
    threading.Thread(target=serve, daemon=True).start()


def serve_grpc(address, manner, credentials):
    """HealthCheckRequest and HealthCheckResponse as bytes: the service's name is field 1, the status too."""
    def check(request, context):
        if manner == "hanging":
            time.sleep(3600)
        if request != b"\x0a\x04shop":
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return b"\x08\x01" if manner == "good" else b"\x08\x02"

    handler = grpc.method_handlers_generic_handler(
        "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)})
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(32), handlers=(handler,))
    if credentials:
        server.add_secure_port(f"{address}:{GRPC_TLS}", credentials)
    else:
        server.add_insecure_port(f"{address}:{GRPC}")
    server.start()
    return server


def main():
    certificate, *addresses = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with open(certificate, "rb") as file:
        pem = file.read()
    credentials = grpc.ssl_server_credentials([(pem, pem)])
    servers = []
    for address, manner in (argument.split("=") for argument in addresses):
        serve_http(address, manner, None)
        serve_http(address, manner, context)
        serve_udp(address, manner)
        servers += [serve_grpc(address, manner, None), serve_grpc(address, manner, credentials)]
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
