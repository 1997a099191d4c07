// SPDX-License-Identifier: BSD-2-Clause
//
// The keyed hash of a flow. MULTILINEAR-HM of Lemire and Kaser ("Strongly universal string hashing is fast",
// The Computer Journal 57(11), 2014; arXiv:1202.4961): over 32-bit words s and random 64-bit keys k,
//
//     h = (k0 + sum (k[2i+1] + s[2i]) * (k[2i+2] + s[2i+1]) mod 2^64) >> 32
//
// is strongly universal: for any two flows, the two hashes are independent and uniform over the choice of the
// key. Shares are therefore as even as with a true random choice, whatever the clients' addresses look like,
// and nobody can aim without knowing the seed. Two such lanes give 64 bits. A keyed bijection after them
// hides the linear structure from anyone who can see which backend answers. Only 64-bit multiplication is
// needed, which BPF has. SipHash, with the same security for this use, costs four times as much.
#ifndef AYA_HASH_H
#define AYA_HASH_H

#include "aya/flow.h"
#include "aya/types.h"

enum {
    AYA_HASH_LANE_KEYS = 11, // one constant, ten words of an IPv6 flow
    AYA_VIP_HASH_KEYS = 7,   // one spare
};

struct aya_hash_key {
    u64 lane[2][AYA_HASH_LANE_KEYS];
    u64 mixer; // odd
    u64 unused;
};

AYA_STATIC_ASSERT(sizeof(struct aya_hash_key) == 192, "three cache lines");

struct aya_vip_hash_key {
    u64 k[AYA_VIP_HASH_KEYS];
    u64 unused;
};

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the key schedule, run once per seed, not per packet.
AYA_INLINE u64 aya_splitmix64(u64 *state)
{
    u64 z = (*state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

// All boxes of a fleet share `seed`: with equal seeds and equal tables they choose equal backends.
AYA_INLINE void aya_hash_key_init(struct aya_hash_key *key, const u64 seed[2])
{
    u64 first = seed[0];
    u64 second = seed[1] ^ 0x6179612d666c6f77ull;
    for (u32 lane = 0; lane < 2; lane++)
        for (u32 i = 0; i < AYA_HASH_LANE_KEYS; i++)
            key->lane[lane][i] = aya_splitmix64(&first) ^ aya_splitmix64(&second);
    key->mixer = (aya_splitmix64(&first) ^ aya_splitmix64(&second)) | 1;
    key->unused = 0;
}

AYA_INLINE u64 aya_hash_lane_ipv4(const u64 *k, u32 src, u32 dst, u32 ports, u32 protocol)
{
    return k[0] + (k[1] + src) * (k[2] + dst) + (k[3] + ports) * (k[4] + protocol);
}

AYA_INLINE u64 aya_hash_lane_ipv6(const u64 *k, const be32 src[4], const be32 dst[4], u32 ports, u32 protocol)
{
    return k[0] + (k[1] + src[0].raw) * (k[2] + src[1].raw) + (k[3] + src[2].raw) * (k[4] + src[3].raw) +
           (k[5] + dst[0].raw) * (k[6] + dst[1].raw) + (k[7] + dst[2].raw) * (k[8] + dst[3].raw) +
           (k[9] + ports) * (k[10] + protocol);
}

// Two lanes, and the bijection after them.
AYA_INLINE u64 aya_hash_mix(const struct aya_hash_key *key, u64 a, u64 b)
{
    u64 h = (a & 0xffffffff00000000ull) | (b >> 32);
    h ^= h >> 32;
    h *= key->mixer;
    return h ^ (h >> 32);
}

AYA_INLINE u64 aya_hash_ipv4(const struct aya_hash_key *key, u32 src, u32 dst, u32 ports, u32 protocol)
{
    return aya_hash_mix(key, aya_hash_lane_ipv4(key->lane[0], src, dst, ports, protocol),
                        aya_hash_lane_ipv4(key->lane[1], src, dst, ports, protocol));
}

AYA_INLINE u64 aya_hash_ipv6(const struct aya_hash_key *key, const be32 src[4], const be32 dst[4], u32 ports,
                             u32 protocol)
{
    return aya_hash_mix(key, aya_hash_lane_ipv6(key->lane[0], src, dst, ports, protocol),
                        aya_hash_lane_ipv6(key->lane[1], src, dst, ports, protocol));
}

// `src`: the flow's, or what of it counts.
AYA_INLINE u64 aya_hash_words(const struct aya_hash_key *key, const struct aya_flow *flow, const be32 src[4],
                              u32 ports, u32 protocol)
{
    if (AYA_LIKELY(flow->family == AYA_IPV4))
        return aya_hash_ipv4(key, src[3].raw, flow->dst[3].raw, ports, protocol);
    return aya_hash_ipv6(key, src, flow->dst, ports, protocol);
}

// 64 bits for the 5-tuple: the high 32 select the slot, the low ones the flow set.
AYA_INLINE u64 aya_hash(const struct aya_hash_key *key, const struct aya_flow *flow)
{
    return aya_hash_words(key, flow, flow->src, ((u32)flow->dst_port.raw << 16) | flow->src_port.raw,
                          flow->protocol);
}

// The same without the client's port: what `affinity: source` and `scheduler: source-hash` pick by.
AYA_INLINE u64 aya_hash_source(const struct aya_hash_key *key, const struct aya_flow *flow, const be32 src[4])
{
    return aya_hash_words(key, flow, src, (u32)flow->dst_port.raw << 16, flow->protocol);
}

// Identifies all fragments of one IP packet; RFC 791 3.2, RFC 8200 4.5. No transport protocol has number 44
// there, so a fragment never matches a flow.
AYA_INLINE u64 aya_hash_fragment(const struct aya_hash_key *key, const struct aya_packet *packet)
{
    return aya_hash_words(key, &packet->flow, packet->flow.src, packet->fragment_id.raw, AYA_PROTO_FRAGMENT);
}

// Lemire's fast range reduction; also the form whose bounds the BPF verifier can follow.
AYA_INLINE u32 aya_slot(u64 hash, u32 size)
{
    return (u32)(((hash >> 32) * size) >> 32);
}

// Place of (address, port, protocol) in `vips`. One multiplication for IPv4, where the upper words are
// constant.
AYA_INLINE u32 aya_vip_hash(const struct aya_vip_hash_key *key, const be32 address[4], be16 port, u8 protocol)
{
    const u64 *k = key->k;
    u64 h = k[0] + (k[1] + address[3].raw) * (k[2] + (port.raw | (u32)protocol << 16));
    if (address[0].raw | address[1].raw)
        h += (k[3] + address[0].raw) * (k[4] + address[1].raw) + k[5] * address[2].raw;
    return (u32)(h >> 32);
}

#endif
