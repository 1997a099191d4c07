#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: `ip netns exec` changes only the network namespace, so a BPF map that one command pins under /sys/fs/bpf is there
# for the next.
#
# What happens: it also enters a new mount namespace and mounts a new /sys, without a BPF file system. bpftool and libbpf
# silently mount one there, the pin succeeds, and both are gone when the command ends. With `nsenter --net` the pin stays.
#
# Why it matters: a program that is loaded and pinned for a process that starts later is lost, although every command exits
# with 0; a map that two processes should share by its pin becomes two maps.
#
# Seen with Linux 6.18, iproute2 6.1 and bpftool 7.1.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in ip bpftool nsenter unshare; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
[[ $(id -u) == 0 ]] || skip "root is required"
# A mount namespace of its own, so that nothing is left on the host's /sys/fs/bpf.
if [[ ${1-} != inside ]]; then
    exec unshare --mount --propagation slave "$0" inside
fi
ns=finding-$$
trap 'ip netns del "$ns" 2>/dev/null || true' EXIT
ip netns add "$ns" 2>/dev/null || skip "no network namespace"
mount -t bpf none /sys/fs/bpf 2>/dev/null || skip "cannot mount a BPF file system"

pinned_after() { # HOW...: a pin made in the namespace by one command, looked for by another
    "$@" bpftool map create /sys/fs/bpf/kept type array key 4 value 4 entries 1 name kept || skip "cannot create a map"
    if "$@" bpftool map show pinned /sys/fs/bpf/kept >/dev/null 2>&1; then echo there; else echo gone; fi
}
by_nsenter=$(pinned_after nsenter "--net=/run/netns/$ns")
rm /sys/fs/bpf/kept
by_ip=$(pinned_after ip netns exec "$ns")

echo "Linux $(uname -r), $(ip -V); a pin of the command before is"
echo "  under nsenter --net:   $by_nsenter"
echo "  under ip netns exec:   $by_ip"
[[ $by_nsenter == there && $by_ip == gone ]] || {
    echo "changed: expected there, gone"
    exit 1
}
