#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: a BPF_MAP_TYPE_LRU_HASH with max_entries N holds N entries, and evicts the oldest when entry N+1 is added.
#
# What happens: free entries are handed to the CPUs in batches, and eviction starts when the common list runs short. Of
# 1000 different keys, all added by one CPU to a map of 1000, some are gone (24 with Linux 6.18).
#
# Why it matters: a flow table in such a map loses live flows before it is full, and a test that fills it exactly and
# expects to find every entry fails. The share is smaller for large maps, but an eviction never proves a full map.
#
# Seen with Linux 6.18 and bpftool 7.1.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in bpftool taskset; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
work=$(mktemp -d)
trap 'umount "$work/bpf" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/bpf"
mount -t bpf none "$work/bpf" 2>/dev/null || skip "cannot mount a BPF file system (root is required)"

entries=1000
held() { # TYPE: entries left after as many different keys as the map has room for
    bpftool map create "$work/bpf/$1" type "$1" key 4 value 4 entries "$entries" name filled || skip "no $1 map"
    for ((key = 0; key < entries; ++key)); do
        echo "map update pinned $work/bpf/$1 key $((key % 256)) $((key / 256)) 0 0 value 1 0 0 0"
    done >"$work/batch"
    taskset -c 0 bpftool batch file "$work/batch" >/dev/null
    bpftool map dump pinned "$work/bpf/$1" | sed -n 's/^Found \([0-9]*\) elements\?$/\1/p'
}
plain=$(held hash)
lru=$(held lru_hash)

echo "Linux $(uname -r); $entries keys into a map with max_entries $entries"
echo "  hash      holds $plain"
echo "  lru_hash  holds $lru"
((plain == entries && lru < entries)) || {
    echo "changed: expected $entries and fewer than $entries"
    exit 1
}
