#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: replacing an inner map in an array of maps is one pointer store, about as quick as writing a plain value.
#
# What happens: after the store, the system call waits for an RCU grace period, which takes milliseconds; writing a plain
# value takes microseconds. In return, no XDP program still uses the old inner map when the call returns.
#
# Why it matters: publishing a lookup table per service this way costs milliseconds per service, so thousands of changes
# take many seconds. On the other hand, no further barrier is needed before the old table is reused.
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
bpftool map create "$work/bpf/inner" type array key 4 value 4 entries 1 name inner || skip "cannot create a map"
bpftool map create "$work/bpf/outer" type array_of_maps key 4 value 4 entries 1 name outer \
    inner_map pinned "$work/bpf/inner" || skip "no array of maps"

updates=50
microseconds() { # MAP VALUE...: time per update, many of them by one process
    for ((i = 0; i < updates; ++i)); do echo "map update pinned $work/bpf/$1 key 0 0 0 0 value ${*:2}"; done >"$work/batch"
    local start=${EPOCHREALTIME/./}
    bpftool batch file "$work/batch" >/dev/null
    echo $(((${EPOCHREALTIME/./} - start) / updates))
}
plain=$(microseconds inner 1 0 0 0)
nested=$(microseconds outer pinned "$work/bpf/inner")

echo "Linux $(uname -r); $updates updates by one bpftool, its start included, each"
echo "  plain value in an array:      $plain us"
echo "  inner map in array of maps:   $nested us"
((nested > 10 * (plain + 1))) || {
    echo "changed: expected more than ten times as long"
    exit 1
}
