#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: BPF_PROG_TEST_RUN with `repeat` N runs an XDP program N times on the given packet.
#
# What happens: the packet is copied once, and every later run gets what the previous one left behind. A program that adds
# one to a byte, repeated 5 times, returns the byte plus 5.
#
# Why it matters: the time reported for a program that encapsulates or rewrites is that of one original packet and N-1
# packets that it has already changed, which may well take another branch. A benchmark needs a program that restores its
# packet, or one system call per run.
#
# Seen with Linux 6.18, bpftool 7.1 and clang 14.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in bpftool clang xxd; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
work=$(mktemp -d)
trap 'umount "$work/bpf" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/bpf"
mount -t bpf none "$work/bpf" 2>/dev/null || skip "cannot mount a BPF file system (root is required)"

cat >"$work/count.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp") int count(struct xdp_md *ctx) {
    unsigned char *packet = (void *)(long)ctx->data;
    if (packet + 14 > (unsigned char *)(long)ctx->data_end)
        return XDP_DROP;
    packet[13]++;
    return XDP_PASS;
}
C
clang -O2 -g -target bpf -I "/usr/include/$(uname -m)-linux-gnu" -c "$work/count.c" -o "$work/count.o" ||
    skip "no BPF headers for clang"
bpftool prog load "$work/count.o" "$work/bpf/count" 2>/dev/null || skip "cannot load a program"
head -c 14 /dev/zero >"$work/packet"

echo "Linux $(uname -r), $(bpftool version | sed -n 1p); 14 zero bytes, a program that adds one to the last"
seen=
for repeat in 1 2 5; do
    bpftool prog run pinned "$work/bpf/count" data_in "$work/packet" data_out "$work/out" repeat "$repeat" >/dev/null
    last=$(xxd -s 13 -p "$work/out")
    echo "  repeat $repeat: last byte 0x$last"
    seen+="$last "
done
[[ $seen == "01 02 05 " ]] || {
    echo "changed: expected 01 02 05"
    exit 1
}
