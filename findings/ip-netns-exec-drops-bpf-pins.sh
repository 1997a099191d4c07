#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: `ip netns exec` changes the network namespace and nothing else, so a BPF map pinned under /sys/fs/bpf by one
# command is there for the next.
#
# What happens: it also unshares the mount namespace and mounts a new /sys, without a BPF file system. bpftool and libbpf
# mount one silently, the pin works, and both vanish when the command ends. `nsenter --net` keeps the pin.
#
# Why it matters: a program loaded in a namespace and pinned for a control plane that starts later is lost, with exit
# status 0 everywhere; maps that were shared by pinning become two sets that never meet.
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
