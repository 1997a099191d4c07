// SPDX-License-Identifier: BSD-2-Clause
//
// aya_plain_read_ipv4(), aya_plain_vip() and aya_plain_hash_ipv4() of eight packets at once, in vectors of
// GCC's and clang's C++. The same rules, without a branch; a test compares the two on packets of all kinds.
#pragma once

#include "aya/plain.h"

namespace aya
{

constexpr u32 kLanes = 8;

using Ints = int __attribute__((vector_size(kLanes * 4)));
using Longs = u64 __attribute__((vector_size(kLanes * 8)));

// What is known of eight packets; bit i of a mask is for packet i, the rest is undefined unless it is plain.
struct PlainLanes {
    u32 is_plain;
    u32 goes_on; // aya_plain_goes_on()
    u32 opens;   // aya_plain_opens()
    u16 l3_length[kLanes];
    u64 vip[kLanes];
    u64 hash[kLanes];
};

namespace lanes
{

using Words = u32 __attribute__((vector_size(kLanes * 4)));
using Four = int __attribute__((vector_size(16)));

// Four words of each frame: `word[k]` is the k-th of all. With a sign, which all processors compare in one
// instruction.
struct Columns {
    Ints word[4];
};

AYA_INLINE Four load_four(const u8 *from)
{
    Four four;
    __builtin_memcpy(&four, from, sizeof(four));
    return four;
}

// Transposes what is in rows.
AYA_INLINE void load_columns(const u8 *const *frames, u32 offset, Columns &columns)
{
    Ints pair[4]; // packets i and i + 4
    for (u32 i = 0; i < 4; i++) {
        const Four low = load_four(frames[i] + offset), high = load_four(frames[i + 4] + offset);
        pair[i] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
    }
    const Ints a = __builtin_shufflevector(pair[0], pair[1], 0, 8, 1, 9, 4, 12, 5, 13);
    const Ints b = __builtin_shufflevector(pair[2], pair[3], 0, 8, 1, 9, 4, 12, 5, 13);
    const Ints c = __builtin_shufflevector(pair[0], pair[1], 2, 10, 3, 11, 6, 14, 7, 15);
    const Ints d = __builtin_shufflevector(pair[2], pair[3], 2, 10, 3, 11, 6, 14, 7, 15);
    columns.word[0] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
    columns.word[1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    columns.word[2] = __builtin_shufflevector(c, d, 0, 1, 8, 9, 4, 5, 12, 13);
    columns.word[3] = __builtin_shufflevector(c, d, 2, 3, 10, 11, 6, 7, 14, 15);
}

// A bit for each lane that is not 0, of a comparison's result.
AYA_INLINE u32 mask_of(const Ints &truth)
{
    using Bytes = u8 __attribute__((vector_size(kLanes)));
    const Bytes bytes = __builtin_convertvector(truth, Bytes) & 1;
    u64 all;
    __builtin_memcpy(&all, &bytes, sizeof(all));
    return static_cast<u32>(all * 0x0102040810204080u >> 56);
}

AYA_INLINE void swap_be16(const Ints &from, Ints &to)
{
    to = (from & 0xff) << 8 | (from >> 8 & 0xff);
}

AYA_INLINE void widen(const Ints &from, Longs &to)
{
    to = __builtin_convertvector(reinterpret_cast<Words>(from), Longs);
}

struct Flows {
    Longs src, dst, ports, protocol;
};

// aya_hash_lane_ipv4()
AYA_INLINE void hash_lane(const u64 *k, const Flows &flows, Longs &hash)
{
    hash = k[0] + (k[1] + flows.src) * (k[2] + flows.dst) + (k[3] + flows.ports) * (k[4] + flows.protocol);
}

} // namespace lanes

// `frames` of at least AYA_PLAIN_HEADERS bytes each, of which `room[i]` bytes of the IP packet have arrived.
AYA_INLINE void read_plain_lanes(const u8 *const *frames, const u32 *room, const aya_hash_key &key,
                                 PlainLanes &result)
{
    using namespace lanes;
    Columns head, tail, rest;
    load_columns(frames, 12, head); // EtherType to TOS; length, id; fragment, TTL, protocol; (checksum)
    load_columns(frames, 26, tail); // source; destination; ports; (sequence number or) UDP length
    load_columns(frames, 38, rest); // of TCP: (sequence and acknowledgement number); data offset, flags
    Ints arrived;
    __builtin_memcpy(&arrived, room, sizeof(arrived));

    const int ipv4_without_options = aya_cpu_to_be16(AYA_ETHERTYPE_IPV4).raw | 0x45 << 16;
    const int ipv4 = sizeof(aya_ipv4), tcp = sizeof(aya_tcp), udp = sizeof(aya_udp);
    const Ints tcp_word = rest.word[2], place = head.word[2];
    Ints length, udp_length;
    swap_be16(head.word[1], length);
    swap_be16(tail.word[3], udp_length);
    const Ints type = head.word[0] & 0xffffff;
    const Ints fragment = place & aya_cpu_to_be16(AYA_IPV4_MF | AYA_IPV4_OFFSET_MASK).raw;
    const Ints ttl = place >> 16 & 0xff, protocol = place >> 24 & 0xff;
    const Ints first = tail.word[0] & 0xff; // byte of the source: aya_is_bad_source_ipv4()
    const Ints tcp_header = tcp_word >> 2 & 0x3c;
    const Ints is_tcp = protocol == int{AYA_PROTO_TCP}, is_udp = protocol == int{AYA_PROTO_UDP};
    const Ints tcp_fits = (tcp_header >= tcp) & (tcp_header <= length - ipv4);
    const Ints udp_fits = (udp_length >= udp) & (udp_length <= length - ipv4);
    const Ints is_plain = (type == ipv4_without_options) & (length >= ipv4 + tcp) & (length <= arrived) &
                          (fragment == 0) & (ttl > 1) & (first != 0) & (first < 224) & (first != 127) &
                          ((is_tcp & tcp_fits) | (is_udp & udp_fits));
    const Ints flags = tcp_word >> 8 & 0xff & is_tcp;
    const int syn = AYA_TCP_SYN, closes = AYA_TCP_FIN | AYA_TCP_RST, ack = AYA_TCP_ACK;
    result.is_plain = mask_of(is_plain);
    result.goes_on = mask_of((flags & (syn | closes)) == 0);
    result.opens = mask_of((flags & (syn | ack | closes)) == syn);

    using Halves = u16 __attribute__((vector_size(kLanes * 2)));
    const Halves lengths = __builtin_convertvector(length, Halves);
    __builtin_memcpy(result.l3_length, &lengths, sizeof(lengths));

    Flows flows;
    widen(tail.word[0], flows.src);
    widen(tail.word[1], flows.dst);
    widen(tail.word[2], flows.ports);
    widen(protocol, flows.protocol);
    const Longs vip = flows.dst | flows.ports >> 16 << 32 | flows.protocol << 48;
    __builtin_memcpy(result.vip, &vip, sizeof(vip));
    Longs a, b;
    hash_lane(key.lane[0], flows, a);
    hash_lane(key.lane[1], flows, b);
    Longs hash = (a & 0xffffffff00000000u) | b >> 32; // aya_hash_mix()
    hash ^= hash >> 32;
    hash *= key.mixer;
    hash ^= hash >> 32;
    __builtin_memcpy(result.hash, &hash, sizeof(hash));
}

} // namespace aya
