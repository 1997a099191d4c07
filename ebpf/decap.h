// SPDX-License-Identifier: BSD-2-Clause
//
// What decap.bpf.c and the program that loads it share: the names of its maps' contents.
#ifndef AYA_EBPF_DECAP_H
#define AYA_EBPF_DECAP_H

#include "aya/types.h"

// What became of a tunnel packet for an address of this host. Index of map `decap_counters`.
// X(symbol, "name", "help")
#define AYA_DECAP_OUTCOMES(X)                                                                             \
    X(STRIPPED, "stripped", "outer headers removed")                                                      \
    X(BAD_OUTER, "bad_outer", "outer header with options, a wrong length or checksum: passed untouched")  \
    X(BAD_GUE, "bad_gue", "UDP to the GUE port without a known IP packet inside: passed untouched")       \
    X(BAD_INNER, "bad_inner", "inner header truncated, of another version or too long: passed untouched") \
    X(FRAGMENT, "fragment", "fragment of an outer packet: passed untouched")                              \
    X(ECN, "ecn", "outer congestion mark, but endpoints not ECN-capable: dropped (RFC 6040)")             \
    X(JOINED, "joined", "UDP datagrams merged by the kernel (GRO): passed untouched")                     \
    X(REFUSED, "refused", "kernel could not shorten the packet: passed untouched")                        \
    X(NO_VIP, "no_vip", "inner destination is not a VIP of this backend: passed untouched")               \
    X(STRANGER, "stranger", "for a VIP, but the sender is not one of the balancers: dropped")

enum aya_decap_outcome {
#define AYA_X(symbol, name, help) AYA_DECAP_##symbol,
    AYA_DECAP_OUTCOMES(AYA_X)
#undef AYA_X
        AYA_DECAP_OUTCOME_COUNT,
    AYA_DECAP_NOT_OURS = AYA_DECAP_OUTCOME_COUNT, // no tunnel packet of this host; not counted
};

enum {
    AYA_DECAP_MAX_ADDRESSES = 256,
    AYA_DECAP_MAX_VIPS = 4096,
    AYA_DECAP_MAX_BALANCERS = 1024,
};

// Key of map `decap_local`: an outer destination address of this host; and of map `decap_vips`: an inner
// destination. IPv4 is v4-mapped.
struct aya_decap_address {
    be32 word[4];
};

// Key of map `decap_balancers`: outer sources; and of map `decap_prefixes`: inner destinations. The family
// comes first, because an IPv6 packet may claim to come from a v4-mapped address.
struct aya_decap_prefix {
    u32 length;  // bits of what follows, in host order; 0: everyone
    be32 family; // 4 or 6
    struct aya_decap_address address;
};

// Its value. IP in IP is stripped always.
struct aya_decap_local {
    be16 gue_port; // UDP port at which GUE is stripped, too; 0: none
    u16 unused;
};

AYA_STATIC_ASSERT(sizeof(struct aya_decap_address) == 16, "map key without padding");
AYA_STATIC_ASSERT(sizeof(struct aya_decap_prefix) == 24, "key of an LPM trie: length and data");
AYA_STATIC_ASSERT(sizeof(struct aya_decap_local) == 4, "map value of earlier versions");

#endif
