#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: when BFD takes a BGP session of BIRD down and then comes up again, BGP follows as soon as BFD allows, or after
# `connect retry time`.
#
# What happens: BIRD treats it as an error of the session, and after an error it neither connects nor accepts connections
# for `error wait time`: 60 s by default, doubling up to 300 s. With 1 s the session is back within seconds.
#
# Why it matters: a pause of 0.3 s in a balancer that announces its VIPs costs a minute without that balancer. Where BFD
# has short intervals, `error wait time` must be set as well.
#
# Seen with BIRD 2.0.12.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
ns=finding-$$
work=$(mktemp -d)
declare -A bird=()
cleanup() {
    for process in "${bird[@]}"; do
        kill -CONT "$process" 2>/dev/null
        kill "$process" 2>/dev/null && wait "$process"
    done
    for side in a b; do ip netns del "$ns-$side" 2>/dev/null; done
    rm -rf "$work"
}
trap 'cleanup || true' EXIT
(cd "$work" && apt-get -o APT::Sandbox::User=root download bird2=2.0.12-7 >/dev/null 2>&1) || skip "cannot download bird2=2.0.12-7"
dpkg-deb -x "$work"/*.deb "$work/root"
sbin=$work/root/usr/sbin
version=$("$sbin/bird" --version 2>&1) || skip "BIRD does not start: $version"
for side in a b; do
    ip netns add "$ns-$side" 2>/dev/null || skip "no network namespace (root is required)"
done
ip link add eth0 netns "$ns-a" type veth peer name eth0 netns "$ns-b" || skip "no veth"
ip -n "$ns-a" addr add 192.0.2.1/24 dev eth0
ip -n "$ns-b" addr add 192.0.2.2/24 dev eth0
for side in a b; do ip -n "$ns-$side" link set eth0 up; done

start() { # SIDE OWN_ADDRESS OTHER_ADDRESS [OPTION]
    cat >"$work/$1.conf" <<CONF
router id $2;
protocol device {}
protocol bfd {
    interface "eth0" { min rx interval 100 ms; min tx interval 100 ms; multiplier 3; };
}
protocol bgp peer {
    local $2 as 65001;
    neighbor $3 as 65001;
    bfd on;
    connect retry time 1;
    connect delay time 1;
    ${4-}
    ipv4 { import all; export none; };
}
CONF
    ip netns exec "$ns-$1" "$sbin/bird" -f -c "$work/$1.conf" -s "$work/$1.ctl" >"$work/$1.log" 2>&1 &
    bird[$1]=$!
}
ask() { "$sbin/birdc" -s "$work/$1.ctl" "${@:2}" 2>/dev/null || true; }
established() { ask b show protocols peer | grep -q Established; }
within() { # SECONDS: until the session is established, or no
    local start=$SECONDS
    until established; do
        ((SECONDS - start < $1)) || {
            echo no
            return
        }
        sleep 0.2
    done
    echo yes
}
round() { # [OPTION]: is it back 10 s after a pause of the peer?
    start a 192.0.2.1 192.0.2.2 "$@"
    start b 192.0.2.2 192.0.2.1 "$@"
    [[ $(within 30) == yes ]] || skip "the session does not come up: $(ask b show protocols peer | tail -n 1)"
    sleep 1
    kill -STOP "${bird[a]}"
    sleep 1
    kill -CONT "${bird[a]}"
    sleep 1
    bfd=$(ask b show bfd sessions | grep -cw Up || true)
    wait=$(ask b show protocols all peer | sed -nE 's/ *(Error wait: *[0-9.\/]+)/\1/p')
    back=$(within 10)
    kill "${bird[a]}" "${bird[b]}"
    wait "${bird[a]}" "${bird[b]}" || true
    bird=()
}
round
default="BFD sessions up: $bfd, BGP is back within 10 s: $back"
echo "$version; a peer pauses for one second"
echo "  default:                 $default ($wait)"
round 'error wait time 1, 2;'
short="BFD sessions up: $bfd, BGP is back within 10 s: $back"
echo "  error wait time 1, 2:    $short"
[[ $default == *": 1,"*"no" && $short == *"yes" ]] || {
    echo "changed: expected one BFD session and no, then yes"
    exit 1
}
