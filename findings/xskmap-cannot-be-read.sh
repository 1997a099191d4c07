#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: like other array maps, a BPF_MAP_TYPE_XSKMAP can be read from user space, to see which queues have a socket.
#
# What happens: every lookup by system call fails with EOPNOTSUPP. A DEVMAP can be read.
#
# Why it matters: a control plane that shares the map with the data plane by a pin cannot see whether the data plane serves
# a queue. It needs a sign of life from the data plane, or a counter in the program for packets that found no socket.
#
# Seen with Linux 6.18 and bpftool 7.1.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
command -v bpftool >/dev/null || skip "bpftool is required"
work=$(mktemp -d)
trap 'umount "$work/bpf" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/bpf"
mount -t bpf none "$work/bpf" 2>/dev/null || skip "cannot mount a BPF file system (root is required)"

read_entry() { # TYPE: what a lookup of entry 0 says
    bpftool map create "$work/bpf/$1" type "$1" key 4 value 4 entries 4 name "$1" || skip "no $1"
    bpftool map lookup pinned "$work/bpf/$1" key 0 0 0 0 2>&1 | paste -sd ' ' || true
}
array=$(read_entry array)
devmap=$(read_entry devmap)
xskmap=$(read_entry xskmap)
echo "Linux $(uname -r); a lookup of entry 0 of an empty map"
echo "  array:   $array"
echo "  devmap:  $devmap"
echo "  xskmap:  $xskmap"
[[ $array == *"value: 00 00 00 00" && $devmap == *"Not found" && $xskmap == *"Operation not supported" ]] || {
    echo "changed: expected zeros, Not found, Operation not supported"
    exit 1
}
