// SPDX-License-Identifier: BSD-2-Clause
//
// Whose VIP a destination is. A VIP of this very address, port and protocol goes first; almost all
// look-ups end there, at one place of a hash. Then come prefixes, longest first, an address being the
// longest. Of a prefix's ranges of ports the narrowest goes first, any port being the widest.
//
// What comes after the first look-up is bounded: AYA_PREFIX_LENGTHS places of the hash, and in each
// AYA_RANGE_STEPS and AYA_RANGE_DEPTH entries of `port_ranges`. Strangers' packets to any port come here.
#ifndef AYA_VIPS_H
#define AYA_VIPS_H

#include "aya/flow.h"
#include "aya/hash.h"
#include "aya/tables.h"

#ifndef AYA_VIEW_DEFINED
#include "aya/view.h"
#endif

AYA_INLINE int aya_same_address(const be32 a[4], const be32 b[4])
{
    u64 a_words[2], b_words[2];
    __builtin_memcpy(a_words, __builtin_assume_aligned(a, 8), sizeof(a_words));
    __builtin_memcpy(b_words, __builtin_assume_aligned(b, 8), sizeof(b_words));
    return a_words[1] == b_words[1] && a_words[0] == b_words[0];
}

AYA_INLINE const struct aya_vip *aya_vip_find(const struct aya_view *view,
                                              const struct aya_settings *settings, const be32 address[4],
                                              be16 port, u8 protocol)
{
    const u32 at = aya_vip_hash(&settings->vip_key, address, port, protocol);
    const u32 wanted = port.raw | (u32)protocol << 16;
    for (u32 i = 0; i < AYA_VIP_PROBES; i++) {
        const struct aya_vip *vip = aya_view_vip(view, (at + i) & settings->vip_mask);
        if (AYA_UNLIKELY(!vip))
            break;
        u32 port_protocol; // and `unused`, which is 0
        __builtin_memcpy(&port_protocol, __builtin_assume_aligned(&vip->port, 4), sizeof(port_protocol));
        if (AYA_LIKELY(port_protocol == wanted && aya_same_address(vip->address, address)))
            return vip;
        if (vip->protocol == 0)
            break;
    }
    return NULL;
}

// The service that has exactly this VIP.
AYA_INLINE u32 aya_vip_search(const struct aya_view *view, const struct aya_settings *settings,
                              const be32 address[4], be16 port, u8 protocol)
{
    const struct aya_vip *vip = aya_vip_find(view, settings, address, port, protocol);
    return vip ? vip->service : (u32)AYA_SERVICE_NONE;
}

// How many of a prefix's ranges begin with this port or before it.
AYA_INLINE u32 aya_ranges_up_to(const struct aya_view *view, const struct aya_vip *prefix, u16 port,
                                u8 protocol)
{
    const u32 wanted = (u32)protocol << 16 | port;
    u32 least = 0, most = prefix->range_count;
    for (u32 step = 0; step < AYA_RANGE_STEPS && least < most; step++) {
        const u32 middle = (least + most) / 2;
        const struct aya_port_range *range = aya_view_port_range(view, prefix->range_offset + middle);
        if (!range)
            break;
        // Without a branch: a verifier would follow both ways at each step.
        const int64_t begins = (u32)range->protocol << 16 | range->first;
        u32 before = (u32)((begins - wanted - 1) >> 63); // all ones, or 0
        AYA_OPAQUE(before);
        least = (least & ~before) | ((middle + 1) & before);
        most = (most & before) | (middle & ~before);
    }
    return least;
}

// The service of the narrowest range that has the port. The last one that begins before it is that, or within
// that.
AYA_INLINE u32 aya_range_search(const struct aya_view *view, const struct aya_vip *prefix, u16 port,
                                u8 protocol)
{
    u32 number = aya_ranges_up_to(view, prefix, port, protocol); // from 1
    for (u32 depth = 0; depth < AYA_RANGE_DEPTH && number != 0; depth++) {
        const struct aya_port_range *range = aya_view_port_range(view, prefix->range_offset + number - 1);
        if (!range || range->protocol != protocol)
            break;
        if (port <= range->last)
            return range->service;
        number = range->around;
    }
    return AYA_SERVICE_NONE;
}

enum { AYA_ADDRESS_LOCAL = 1 << 16 };

// What is known of an address as such: the service that represents it; with AYA_ADDRESS_LOCAL if the kernel
// has it, too.
AYA_INLINE u32 aya_known_address(const struct aya_vip *presence)
{
    return (presence->service & 0xffff) | (presence->flags & AYA_VIP_LOCAL ? (u32)AYA_ADDRESS_LOCAL : 0);
}

// The service of a destination that is no VIP by itself, or AYA_SERVICE_NONE. With AYA_PROTO_ICMP: what is
// known of the address, or AYA_SERVICE_NONE if it is no VIP's.
AYA_INLINE u32 aya_wide_search(const struct aya_view *view, const struct aya_settings *settings,
                               const be32 address[4], u16 port, u8 protocol)
{
    u64 words[2];
    __builtin_memcpy(words, __builtin_assume_aligned(address, 8), sizeof(words));
    const u64 before_ipv4 = (u64)aya_cpu_to_be32(0xffff).raw;
    const u32 family = words[0] != 0 || (u32)words[1] != before_ipv4;
    for (u32 i = 0; i < AYA_PREFIX_LENGTHS; i++) {
        const struct aya_prefix_length *length = &settings->lengths[family][i];
        if (!length->used)
            break;
        AYA_ALIGNED(8) be32 network[4];
        const u64 masked[2] = {words[0] & length->mask[0], words[1] & length->mask[1]};
        __builtin_memcpy(network, masked, sizeof(network));
        const struct aya_vip *prefix = aya_vip_find(view, settings, network, length->port, AYA_PROTO_ICMP);
        if (!prefix)
            continue;
        if (protocol == AYA_PROTO_ICMP)
            return aya_known_address(prefix);
        const u32 service = aya_range_search(view, prefix, port, protocol);
        if (service != AYA_SERVICE_NONE)
            return service;
    }
    return AYA_SERVICE_NONE;
}

// The same out of line, because few packets come here. The BPF program brings its own, which the verifier
// follows once.
#ifndef AYA_WIDE_DEFINED
AYA_COLD u32 aya_find_wide(const struct aya_view *view, const be32 address[4], be16 port, u8 protocol)
{
    return aya_wide_search(view, aya_view_settings(view), address, aya_be16_to_cpu(port), protocol);
}
#endif

// The service of a destination, or AYA_SERVICE_NONE.
AYA_INLINE u32 aya_service_search(const struct aya_view *view, const struct aya_settings *settings,
                                  const be32 address[4], be16 port, u8 protocol)
{
    const u32 service = aya_vip_search(view, settings, address, port, protocol);
    if (AYA_LIKELY(service != AYA_SERVICE_NONE) || AYA_LIKELY(!settings->wide))
        return service;
    return aya_find_wide(view, address, port, protocol);
}

// What is known of the address that a packet goes to.
AYA_INLINE u32 aya_destination(const struct aya_view *view, const struct aya_flow *flow)
{
    const be16 none = {0};
    return aya_find_wide(view, flow->dst, none, AYA_PROTO_ICMP);
}

#endif
