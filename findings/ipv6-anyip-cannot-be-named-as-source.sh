#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a local route to a prefix ("AnyIP": ip route add local PREFIX dev lo) makes all its addresses the machine's own,
# for IPv6 as for IPv4. So a UDP server that listens on the wildcard can answer from the address that it was asked at, by
# naming it in a control message (IP_PKTINFO, IPV6_PKTINFO).
#
# What happens: IPv4 takes it. IPv6 refuses the datagram with EINVAL, unless the address itself is on an interface or
# net.ipv6.ip_nonlocal_bind is set. TCP takes its source from the connection and needs neither, so that behind a prefix of
# VIPs a server works by TCP and fails by UDP.
#
# Why it matters: backends of direct server return that have a prefix of VIPs by a local route. DNS and QUIC servers name
# their source so.
#
# Seen with Linux 6.18.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip python3; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
ns=finding-$$
cleanup() { ip netns del "$ns" 2>/dev/null; }
trap 'cleanup || true' EXIT
ip netns add "$ns" 2>/dev/null || skip "no network namespace (root is required)"
ip -n "$ns" link set lo up
ip -n "$ns" route add local 203.0.113.0/28 dev lo
ip -n "$ns" -6 route add local 2001:db8:1::/64 dev lo || skip "no IPv6"

ask() { # what a datagram becomes whose source is named in a control message
    ip netns exec "$ns" python3 - <<'PYTHON'
import errno
import socket
import struct

IP_PKTINFO, IPV6_PKTINFO = 8, 50


def send(family, level, kind, data, to):
    with socket.socket(family, socket.SOCK_DGRAM) as receiver, socket.socket(family, socket.SOCK_DGRAM) as sender:
        receiver.bind((to, 0))
        try:
            sender.sendmsg([b"?"], [(level, kind, data)], 0, receiver.getsockname())
        except OSError as error:
            return errno.errorcode[error.errno]
        return receiver.recvfrom(1)[1][0]


four = socket.inet_pton(socket.AF_INET, "203.0.113.5")
six = socket.inet_pton(socket.AF_INET6, "2001:db8:1::5")
print("IPv4", send(socket.AF_INET, socket.IPPROTO_IP, IP_PKTINFO, struct.pack("i4s4s", 0, four, bytes(4)), "127.0.0.1"))
print("IPv6", send(socket.AF_INET6, socket.IPPROTO_IPV6, IPV6_PKTINFO, struct.pack("16si", six, 0), "::1"))
PYTHON
}

first=$(ask)
ip netns exec "$ns" sysctl -q -w net.ipv6.ip_nonlocal_bind=1
second=$(ask)
echo "Linux $(uname -r)"
echo "with local routes alone:       ${first//$'\n'/, }"
echo "with net.ipv6.ip_nonlocal_bind: ${second//$'\n'/, }"
[[ $first == $'IPv4 203.0.113.5\nIPv6 EINVAL' && $second == $'IPv4 203.0.113.5\nIPv6 2001:db8:1::5' ]] || {
    echo "this has changed" >&2
    exit 1
}
