#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: through etcd's HTTP gateway, renewing an expired lease fails as revoking it does: with 404, "requested lease not
# found".
#
# What happens: the answer is 200 with the lease's number, and looks as usual except that the TTL is missing: it is 0, and
# the gateway omits zeros.
#
# Why it matters: a backend that registers itself under a lease, and looks only at the status when it renews it, believes
# itself registered for ever after one long pause. Its key is gone, and nothing restores it.
#
# Seen with etcd 3.4.23.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip curl apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
ns=finding-$$
work=$(mktemp -d)
etcd=
cleanup() {
    [[ ! $etcd ]] || { kill "$etcd" && wait "$etcd"; }
    ip netns del "$ns" 2>/dev/null
    rm -rf "$work"
}
trap 'cleanup || true' EXIT
(cd "$work" && apt-get -o APT::Sandbox::User=root download etcd-server=3.4.23-4+b4 >/dev/null 2>&1) ||
    skip "cannot download etcd-server=3.4.23-4+b4"
dpkg-deb -x "$work"/*.deb "$work/root"
ip netns add "$ns" 2>/dev/null || skip "no network namespace (root is required)"
ip -n "$ns" link set lo up
ip netns exec "$ns" "$work/root/usr/bin/etcd" --data-dir "$work/data" --listen-client-urls http://127.0.0.1:2379 \
    --advertise-client-urls http://127.0.0.1:2379 >"$work/log" 2>&1 &
etcd=$!

call() { # PATH JSON: the answer, its header left out, and the status
    ip netns exec "$ns" curl -sS -m 5 -w ' (%{http_code})' -d "$2" "http://127.0.0.1:2379/v3/$1" |
        tr -d '\n' | sed -E 's/"header":\{[^}]*\},?//'
}
for ((i = 0; i < 100; ++i)); do
    call lease/leases '{}' >/dev/null 2>&1 && break
    sleep 0.1
done
granted=$(call lease/grant '{"ID": 77, "TTL": 1}') || skip "etcd does not start: $(tail -n 1 "$work/log")"
alive=$(call lease/keepalive '{"ID": 77}')
sleep 4
dead=$(call lease/keepalive '{"ID": 77}')
revoked=$(call lease/revoke '{"ID": 77}')
echo "$("$work/root/usr/bin/etcd" --version | sed -n 1p); a lease of one second"
echo "  granted:             $granted"
echo "  renewed at once:     $alive"
echo "  renewed 4 s later:   $dead"
echo "  then revoked:        $revoked"
[[ $alive == *'"TTL"'*'(200)' && $dead == *'"ID":"77"'*'(200)' && $dead != *TTL* && $revoked == *'(404)' ]] || {
    echo "changed: expected 200 with TTL, 200 without, 404"
    exit 1
}
