// SPDX-License-Identifier: BSD-2-Clause
//
// Which clients a service refuses: its lists `allow` and `deny` of prefixes, made into sorted ranges of
// addresses by the control plane. The longest prefix has decided there; here is only asked in which range an
// address lies.
//
// The ranges of a family are in turn let in and refused, so the start of each is all that there is to know.
// The starts are the leaves of a B+ tree whose nodes are cache lines of the arena: 16 IPv4 addresses to a
// node, or 4 IPv6 addresses. A look-up reads one line per layer, at most 5 or 10, whatever the lists say;
// a list of 100 000 prefixes has 5 or 9. Both data planes read the same bytes.
#ifndef AYA_SOURCE_SET_H
#define AYA_SOURCE_SET_H

#include "aya/flow.h"
#include "aya/tables.h"

#ifndef AYA_VIEW_DEFINED
#include "aya/view.h"
#endif

// How many of a line's IPv4 starts are not above `address`. Those at its end that are not used are the last
// address, which no client has. By borrows, because the verifier would follow each branch.
AYA_INLINE u32 aya_starts_ipv4(const struct aya_lookup_line *line, u32 address)
{
    u32 count = AYA_SOURCES_IPV4_KEYS;
    for (u32 i = 0; i < AYA_SOURCES_IPV4_KEYS; i++) {
        u64 distance = (u64)address - line->backend[i];
        AYA_OPAQUE(distance); // or clang makes a branch of it
        count -= (u32)(distance >> 63);
    }
    return count;
}

// The same of an IPv6 address, whose words are in host order, as are those of the starts.
AYA_INLINE u32 aya_starts_ipv6(const struct aya_lookup_line *line, const u32 address[4])
{
    u32 count = AYA_SOURCES_IPV6_KEYS;
    for (u32 i = 0; i < AYA_SOURCES_IPV6_KEYS; i++) {
        const u32 *start = &line->backend[4 * i];
        u64 borrow = 0;
        for (u32 word = 4; word > 0; word--) {
            u64 distance = (u64)address[word - 1] - start[word - 1] - borrow;
            AYA_OPAQUE(distance);
            borrow = distance >> 63;
        }
        count -= (u32)borrow;
    }
    return count;
}

// Whether a client with this address is refused by the set that begins with line `first` of the arena. What
// no set can say (a bug) refuses nobody.
AYA_INLINE int aya_refuses_ipv4(const struct aya_view *view, const struct aya_source_set *set, u32 first,
                                u32 address)
{
    u32 place = 0;
    for (u32 layer = 0; layer < AYA_SOURCES_IPV4_LAYERS; layer++) {
        if (set->ipv4[layer] == 0)
            break;
        const struct aya_lookup_line *line = aya_view_line(view, first + set->ipv4[layer] + place);
        if (AYA_UNLIKELY(!line))
            return 0;
        place = place * AYA_SOURCES_IPV4_KEYS + aya_starts_ipv4(line, address) - 1;
    }
    return place & 1;
}

AYA_INLINE int aya_refuses_ipv6(const struct aya_view *view, const struct aya_source_set *set, u32 first,
                                const be32 address[4])
{
    const u32 words[4] = {aya_be32_to_cpu(address[0]), aya_be32_to_cpu(address[1]),
                          aya_be32_to_cpu(address[2]), aya_be32_to_cpu(address[3])};
    u32 place = 0;
    for (u32 layer = 0; layer < AYA_SOURCES_IPV6_LAYERS; layer++) {
        if (set->ipv6[layer] == 0)
            break;
        const struct aya_lookup_line *line = aya_view_line(view, first + set->ipv6[layer] + place);
        if (AYA_UNLIKELY(!line))
            return 0;
        place = place * AYA_SOURCES_IPV6_KEYS + aya_starts_ipv6(line, words) - 1;
    }
    return place & 1;
}

AYA_INLINE int aya_set_refuses(const struct aya_view *view, u32 first, u8 family, const be32 src[4])
{
    const struct aya_source_set *set = (const struct aya_source_set *)aya_view_line(view, first);
    if (AYA_UNLIKELY(!set))
        return 0;
    return family == AYA_IPV4 ? aya_refuses_ipv4(view, set, first, aya_be32_to_cpu(src[3]))
                              : aya_refuses_ipv6(view, set, first, src);
}

#endif
