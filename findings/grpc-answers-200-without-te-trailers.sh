#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a POST over HTTP/2 with `content-type: application/grpc` reaches the health service of a gRPC server, and a request
# that is not gRPC gets an HTTP error.
#
# What happens: without the header `te: trailers` the answer is HTTP 200 with grpc-status 2, and the service is not called.
# With it, any content type is accepted.
#
# Why it matters: a health check that builds its own HTTP/2 request and judges by the HTTP status finds every gRPC server
# healthy without asking it. It must send `te`, and judge by grpc-status and by the message (08 01 is SERVING).
#
# Seen with python3-grpcio 1.51.1 and curl 7.88.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip curl xxd apt-get dpkg-deb /usr/bin/python3; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
curl --version | grep -q HTTP2 || skip "curl with HTTP/2 is required"
ns=finding-$$
work=$(mktemp -d)
server=
cleanup() {
    [[ ! $server ]] || { kill "$server" && wait "$server"; }
    ip netns del "$ns" 2>/dev/null
    rm -rf "$work"
}
trap 'cleanup || true' EXIT
packages=(python3-grpcio=1.51.1-3+b1 libabsl20220623=20220623.1-1+deb12u2 libc-ares2=1.18.1-3 libre2-9=20220601+dfsg-1+b1 python3-six=1.16.0-4)
(cd "$work" && apt-get -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null 2>&1) ||
    skip "cannot download ${packages[*]}"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
LD_LIBRARY_PATH=$work/root/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH PYTHONPATH=$work/root/usr/lib/python3/dist-packages
version=$(/usr/bin/python3 -c 'import grpc; print(grpc.__version__)' 2>"$work/log") || skip "$(tail -n 1 "$work/log")"
ip netns add "$ns" 2>/dev/null || skip "no network namespace (root is required)"
ip -n "$ns" link set lo up

cat >"$work/server.py" <<'PYTHON'
import time
from concurrent import futures

import grpc


class Health(grpc.GenericRpcHandler):
    def service(self, call):
        if call.method != "/grpc.health.v1.Health/Check":
            return None
        return grpc.unary_unary_rpc_method_handler(self.check)

    def check(self, request, context):
        print("asked", flush=True)
        return b"\x08\x01"  # SERVING


server = grpc.server(futures.ThreadPoolExecutor(1))
server.add_generic_rpc_handlers([Health()])
server.add_insecure_port("127.0.0.1:50051")
server.start()
print("ready", flush=True)
time.sleep(60)
PYTHON
ip netns exec "$ns" /usr/bin/python3 "$work/server.py" >"$work/said" 2>"$work/log" &
server=$!
for ((i = 0; i < 100; ++i)); do
    grep -q ready "$work/said" && break
    sleep 0.1
done
grep -q ready "$work/said" || skip "the server does not start: $(tail -n 1 "$work/log")"
printf '\0\0\0\0\0' >"$work/request" # an empty message, not compressed

check() { # HEADER...: HTTP status, grpc-status, message, and whether the service was called
    local before headers=() header
    before=$(grep -c asked "$work/said" || true)
    for header in "$@"; do headers+=(-H "$header"); done
    ip netns exec "$ns" curl -sS -m 5 --http2-prior-knowledge "${headers[@]}" --data-binary "@$work/request" \
        -D "$work/headers" -o "$work/message" http://127.0.0.1:50051/grpc.health.v1.Health/Check || true
    echo "$(sed -nE 's/^HTTP\/2 ([0-9]+).*/HTTP \1/p; s/^(grpc-status): *([0-9]+).*/, \1 \2/p' "$work/headers" | tr -d '\n')," \
        "message $(xxd -p "$work/message" 2>/dev/null)," \
        "service called: $(($(grep -c asked "$work/said" || true) - before))"
    rm -f "$work/message"
}
without=$(check 'content-type: application/grpc')
with=$(check 'content-type: application/grpc' 'te: trailers')
text=$(check 'content-type: text/plain' 'te: trailers')
echo "python3-grpcio $version"
echo "  application/grpc:                  $without"
echo "  application/grpc, te: trailers:    $with"
echo "  text/plain, te: trailers:          $text"
served="HTTP 200, grpc-status 0, message 00000000020801, service called: 1"
[[ $without == "HTTP 200, grpc-status 2, message , service called: 0" && $with == "$served" && $text == "$served" ]] || {
    echo "changed: expected HTTP 200 with grpc-status 2, 0, 0"
    exit 1
}
