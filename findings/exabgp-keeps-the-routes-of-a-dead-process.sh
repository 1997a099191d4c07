#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: when a health-check process that announces a VIP through ExaBGP ends, ExaBGP withdraws its routes or ends the
# session.
#
# What happens: the route stays announced, and the session up. By default the process is started again; with
# `respawn false` nothing is left that could withdraw the route.
#
# Why it matters: a check that dies (`set -e` or an unhandled exception is enough) keeps its server in service, whatever
# becomes of it. Something else must watch the check.
#
# Seen with ExaBGP 4.2.21 and BIRD 2.0.12 as its neighbour.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip apt-get dpkg-deb /usr/bin/python3; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
ns=finding-$$
work=$(mktemp -d)
daemons=()
cleanup() {
    for process in "${daemons[@]}"; do kill "$process" 2>/dev/null && wait "$process"; done
    for side in a b; do ip netns del "$ns-$side" 2>/dev/null; done
    rm -rf "$work"
}
trap 'cleanup || true' EXIT
packages=(python3-exabgp=4.2.21-1.1 bird2=2.0.12-7)
(cd "$work" && apt-get -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null 2>&1) ||
    skip "cannot download ${packages[*]}"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
export PYTHONPATH=$work/root/usr/lib/python3/dist-packages
/usr/bin/python3 -c 'import exabgp' 2>/dev/null || skip "ExaBGP needs Debian's python3"
for side in a b; do
    ip netns add "$ns-$side" 2>/dev/null || skip "no network namespace (root is required)"
done
ip link add eth0 netns "$ns-a" type veth peer name eth0 netns "$ns-b" || skip "no veth"
ip -n "$ns-a" addr add 192.0.2.1/24 dev eth0
ip -n "$ns-b" addr add 192.0.2.2/24 dev eth0
for side in a b; do ip -n "$ns-$side" link set eth0 up; done

cat >"$work/check" <<CHECK
#!/bin/sh
echo \$\$ >$work/check.pid
echo announce route 198.51.100.1/32 next-hop self
sleep 3
CHECK
chmod +x "$work/check"
cat >"$work/exabgp.conf" <<CONF
process check { run $work/check; encoder text; respawn false; }
neighbor 192.0.2.2 {
    router-id 192.0.2.1;
    local-address 192.0.2.1;
    local-as 65001;
    peer-as 65002;
    api { processes [ check ]; }
}
CONF
cat >"$work/bird.conf" <<CONF
router id 192.0.2.2;
protocol device {}
protocol bgp peer {
    local 192.0.2.2 as 65002;
    neighbor 192.0.2.1 as 65001;
    ipv4 { import all; export none; };
}
CONF
ip netns exec "$ns-b" "$work/root/usr/sbin/bird" -f -c "$work/bird.conf" -s "$work/bird.ctl" >"$work/bird.log" 2>&1 &
daemons+=($!)
ip netns exec "$ns-a" env exabgp.daemon.user=root exabgp.api.cli=false /usr/bin/python3 -m exabgp "$work/exabgp.conf" \
    >"$work/exabgp.log" 2>&1 &
daemons+=($!)

state() { # [process runs?] [route there?]
    local runs=ended route=none
    if [[ -s $work/check.pid ]] && kill -0 "$(<"$work/check.pid")" 2>/dev/null; then runs=runs; fi
    if "$work/root/usr/sbin/birdc" -s "$work/bird.ctl" show route 2>/dev/null | grep -q 198.51.100.1/32; then route=announced; fi
    echo "$runs $route"
}
for ((i = 0; i < 100; ++i)); do
    [[ $(state) == "runs announced" ]] && break
    sleep 0.1
done
alive=$(state)
[[ $alive == "runs announced" ]] || skip "no route within 10 s: $(tail -n 1 "$work/exabgp.log")"
sleep 6
after=$(state)
echo "ExaBGP $(/usr/bin/python3 -c 'from exabgp.version import version; print(version)'); the process that announces, and its route at the neighbour:"
echo "  at first:                   $alive"
echo "  3 s or more after its end:  $after"
[[ $after == "ended announced" ]] || {
    echo "changed: expected ended announced"
    exit 1
}
