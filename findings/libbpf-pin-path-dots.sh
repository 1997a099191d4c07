#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: libbpf pins a map under the path that it is given.
#
# What happens: it replaces dots in the path by underscores, because a BPF file system does not allow them in names. But it
# does so in the whole path, including the directories above the mount point, so that it looks for a directory that does
# not exist. The paths of programs are left alone.
#
# Why it matters: pinning under a directory that contains a version or a host name (/run/lb-1.2/bpf) fails with "No such file
# or directory"; inside a BPF file system, the map ends up under another name than the one asked for.
#
# Seen with libbpf 1.1 in bpftool 7.1, and clang 14.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in bpftool clang; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
work=$(mktemp -d /tmp/finding-XXXXXX)
trap 'umount "$work/lb-1.2" "$work/lb" 2>/dev/null || true; rm -rf "$work"' EXIT
for directory in lb lb-1.2; do
    mkdir "$work/$directory"
    mount -t bpf none "$work/$directory" 2>/dev/null || skip "cannot mount a BPF file system (root is required)"
done
cat >"$work/x.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} table SEC(".maps");

SEC("xdp") int look(struct xdp_md *ctx) {
    __u32 key = 0;
    return bpf_map_lookup_elem(&table, &key) ? XDP_PASS : XDP_DROP;
}
C
clang -O2 -g -target bpf -I "/usr/include/$(uname -m)-linux-gnu" -c "$work/x.c" -o "$work/x.o" ||
    skip "no BPF headers for clang"

load() { bpftool prog loadall "$work/x.o" "$work/$1/programs" pinmaps "$work/$1/$2" 2>&1; }
load lb maps.d >"$work/log" || skip "cannot load a program: $(cat "$work/log")"
below=$(cd "$work/lb" && echo maps?d)
above=$(load lb-1.2 maps) && above="no error"
above=${above%%$'\n'*}

echo "Linux $(uname -r), $(bpftool version | sed -n 1,2p | paste -sd ' ')"
echo "  pinned in $work/lb/maps.d: there is $below"
echo "  pinned in $work/lb-1.2/maps: $above"
[[ $below == maps_d && $above == *"failed to mkdir $work/lb-1_2/maps/table"* ]] || {
    echo "changed: expected maps_d, and a failure that names lb-1_2"
    exit 1
}
