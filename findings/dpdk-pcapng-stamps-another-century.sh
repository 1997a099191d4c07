#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Guess: rte_pcapng_copy() with rte_get_tsc_cycles() as the time of the packet writes the present time into the file.
#
# What happens: the library sets its time base during the first copy, after the time of that packet was taken. The small
# negative difference wraps and is added to the base for good: all packets are 2^64 TSC cycles in the future, about two
# centuries. Making a first copy with a time slightly ahead, and discarding it, sets the base right.
#
# Why it matters: captures of a data plane cannot be merged with those of other hosts. The intervals between packets look
# right, and no tool complains.
#
# Seen with DPDK 22.11.11.
set -euo pipefail

skip() {
    echo "cannot run here: $*" >&2
    exit 77
}
for tool in cc pkg-config tcpdump; do
    command -v "$tool" >/dev/null || skip "$tool is required"
done
[[ $(id -u) == 0 ]] || skip "root is required"
version=$(pkg-config --modversion libdpdk 2>/dev/null) || skip "libdpdk is required"
[[ $version == 22.11.* ]] || skip "this is about DPDK 22.11, not $version"
[[ $(uname -m) == x86_64 ]] || skip "x86-64 is required"
work=$(mktemp -d)
prefix=finding-$$
trap 'rm -rf "$work" "/var/run/dpdk/$prefix"' EXIT
cat >"$work/x.c" <<'C'
#include <fcntl.h>
#include <string.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pcapng.h>

static struct rte_mempool *pool;

static struct rte_mbuf *copy(uint64_t cycles) {
    struct rte_mbuf *packet = rte_pktmbuf_alloc(pool);
    memset(rte_pktmbuf_append(packet, 60), 0, 60);
    return rte_pcapng_copy(0, 0, packet, pool, UINT32_MAX, cycles, RTE_PCAPNG_DIRECTION_IN);
}

int main(int argc, char **argv) {
    int used = rte_eal_init(argc, argv);
    if (used < 0 || argc - used < 2)
        return 77;
    pool = rte_pktmbuf_pool_create("pool", 63, 0, 64, 2048, 0);
    if (argc - used > 2)
        copy(rte_get_tsc_cycles() + rte_get_tsc_hz() / 10);
    rte_delay_ms(200);
    int fd = open(argv[used + 1], O_CREAT | O_TRUNC | O_WRONLY, 0600);
    rte_pcapng_t *file = rte_pcapng_fdopen(fd, NULL, NULL, NULL, NULL);
    struct rte_mbuf *packet = copy(rte_get_tsc_cycles());
    if (rte_pcapng_write_packets(file, &packet, 1) < 0)
        return 1;
    rte_pcapng_close(file);
    return 0;
}
C
# shellcheck disable=SC2046  # flags are words
cc -w -march=native -DALLOW_EXPERIMENTAL_API "$work/x.c" -o "$work/x" $(pkg-config --cflags --libs libdpdk) ||
    skip "cannot compile with libdpdk"

year() { # [WARM]: of the captured packet
    timeout --foreground 30 "$work/x" -l 0 --no-huge -m 64 --no-pci --no-telemetry --file-prefix "$prefix" --vdev net_null0 -- \
        "$work/out" "$@" >"$work/log" 2>&1 || skip "DPDK does not start: $(tail -n 1 "$work/log")"
    tcpdump -tttt -nn -r - <"$work/out" 2>/dev/null | sed -n 1p | cut -c 1-4
}
first=$(year)
warm=$(year warm)
now=$(date -u +%Y)
echo "DPDK $version; year of a packet that is captured in $now"
echo "  as the first copy:                $first"
echo "  after a copy that is thrown away: $warm"
((first > now + 100 && warm == now)) || {
    echo "changed: expected a later century, then $now"
    exit 1
}
