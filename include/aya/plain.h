// SPDX-License-Identifier: BSD-2-Clause
//
// The short way of a plain packet: untagged, IPv4 without options or IPv6 without extension headers, whole,
// TCP or UDP, with a TTL to spend, of a flow that is settled or not known. Nearly all packets are plain, so
// their way is written out here, with the same result as aya_parse, aya_classify and aya_choose in a fraction
// of the instructions. At each step a packet may turn out not to be plain. Then nothing has happened yet, and
// it goes the long way.
//
//     aya_plain_read_ipv4, _ipv6   bytes -> the few words that are needed
//     aya_plain_service_ipv4, ...  its service
//     aya_plain_hash_ipv4, ...     what aya_hash() says              -> prefetch the set
//     aya_plain_follow             entry -> backend; renews the entry
//     aya_plain_begin              without an entry: lookup table -> backend; remembers it
//     aya_plain_encap_ipv4, ...    bytes to the backend
#ifndef AYA_PLAIN_H
#define AYA_PLAIN_H

#include "aya/encap.h"
#include "aya/forward.h"

struct aya_plain {
    be32 src[4]; // of an IPv4 address the last word alone
    be32 dst[4];
    u32 ports; // source and destination as in the packet
    u16 l3_length;
    u8 protocol;
    u8 tcp_flags; // 0 unless TCP
};

// Whether a frame of at least `length` bytes is for this port alone.
AYA_INLINE int aya_plain_link(const u8 *frame, const u8 *end, const struct aya_stations *stations,
                              const u32 length)
{
    if (frame + length > end)
        return 0;
    return AYA_LIKELY(aya_station(frame) == stations->own) ||
           (!(frame[0] & 1) && aya_is_for_us(frame, end, stations));
}

// Reads ports and TCP flags; answers whether the header is as aya_parse_transport() accepts it.
AYA_INLINE int aya_plain_transport(const u8 *l4, u32 l4_length, struct aya_plain *plain)
{
    plain->ports = aya_load_u32(l4);
    if (AYA_LIKELY(plain->protocol == AYA_PROTO_TCP)) {
        const struct aya_tcp *tcp = (const struct aya_tcp *)l4;
        u32 header_length = (u32)(tcp->data_offset >> 4) * 4;
        plain->tcp_flags = tcp->flags;
        return header_length >= sizeof(*tcp) && header_length <= l4_length;
    }
    u32 length = aya_read_be16(&((const struct aya_udp *)l4)->length);
    plain->tcp_flags = 0;
    return plain->protocol == AYA_PROTO_UDP && length >= sizeof(struct aya_udp) && length <= l4_length;
}

// What is read of plain IPv4, at least.
enum { AYA_PLAIN_HEADERS = sizeof(struct aya_eth) + sizeof(struct aya_ipv4) + sizeof(struct aya_tcp) };

// Reads the frame [frame, end), which is all of it. False: it is not plain IPv4, or not for this port, or
// shorter than a TCP header.
AYA_INLINE int aya_plain_read_ipv4(const u8 *frame, const u8 *end, const struct aya_stations *stations,
                                   struct aya_plain *plain)
{
    const struct aya_ipv4 *ip = (const struct aya_ipv4 *)(frame + sizeof(struct aya_eth));
    if (!aya_plain_link(frame, end, stations, AYA_PLAIN_HEADERS))
        return 0;
    const u32 ipv4_without_options = aya_cpu_to_be16(AYA_ETHERTYPE_IPV4).raw | 0x45u << 16;
    if ((aya_load_u32(frame + 12) & 0xffffff) != ipv4_without_options)
        return 0;
    u32 length = aya_read_be16(&ip->total_length);
    if (length < sizeof(*ip) + sizeof(struct aya_tcp) || length > (u32)(end - (const u8 *)ip))
        return 0;
    if (ip->flags_offset.raw & aya_cpu_to_be16(AYA_IPV4_MF | AYA_IPV4_OFFSET_MASK).raw || ip->ttl <= 1)
        return 0;
    plain->src[3] = aya_load_be32(ip->src);
    if (aya_is_bad_source_ipv4(plain->src[3]))
        return 0;
    plain->dst[3] = aya_load_be32(ip->dst);
    plain->l3_length = (u16)length;
    plain->protocol = ip->protocol;
    return aya_plain_transport((const u8 *)(ip + 1), length - (u32)sizeof(*ip), plain);
}

// The same for plain IPv6.
AYA_INLINE int aya_plain_read_ipv6(const u8 *frame, const u8 *end, const struct aya_stations *stations,
                                   struct aya_plain *plain)
{
    const struct aya_ipv6 *ip = (const struct aya_ipv6 *)(frame + sizeof(struct aya_eth));
    const u32 headers = sizeof(struct aya_eth) + sizeof(*ip) + sizeof(struct aya_tcp);
    if (!aya_plain_link(frame, end, stations, headers))
        return 0;
    const u32 ipv6 = aya_cpu_to_be16(AYA_ETHERTYPE_IPV6).raw | 0x60u << 16;
    if ((aya_load_u32(frame + 12) & 0xf0ffff) != ipv6)
        return 0;
    u32 l4_length = aya_read_be16(&ip->payload_length);
    if (l4_length < sizeof(struct aya_tcp) || l4_length > (u32)(end - (const u8 *)(ip + 1)) ||
        l4_length + sizeof(*ip) > 0xffff || ip->hop_limit <= 1)
        return 0;
    aya_copy_ipv6(plain->src, ip->src);
    aya_copy_ipv6(plain->dst, ip->dst);
    if (aya_is_bad_source_ipv6(plain->src))
        return 0;
    plain->l3_length = (u16)(l4_length + sizeof(*ip));
    plain->protocol = ip->next_header;
    return aya_plain_transport((const u8 *)(ip + 1), l4_length, plain);
}

// Opens or closes nothing, and so goes the short way if its flow is settled.
AYA_INLINE int aya_plain_goes_on(const struct aya_plain *plain)
{
    return !(plain->tcp_flags & (AYA_TCP_SYN | AYA_TCP_FIN | AYA_TCP_RST));
}

// A SYN: goes the short way only if its flow is not known.
AYA_INLINE int aya_plain_opens(const struct aya_plain *plain)
{
    return (plain->tcp_flags & (AYA_TCP_SYN | AYA_TCP_ACK | AYA_TCP_RST | AYA_TCP_FIN)) == AYA_TCP_SYN;
}

// Address, port and protocol of an IPv4 VIP in one word, which is not 0.
AYA_INLINE u64 aya_plain_vip(const struct aya_plain *plain)
{
    return plain->dst[3].raw | (u64)(plain->ports >> 16) << 32 | (u64)plain->protocol << 48;
}

// The service of such a VIP, or AYA_SERVICE_NONE.
AYA_INLINE u32 aya_plain_service_ipv4(const struct aya_view *view, u64 vip)
{
    AYA_ALIGNED(8) const be32 address[4] = {{0}, {0}, aya_cpu_to_be32(0xffff), {(u32)vip}};
    const be16 port = {(u16)(vip >> 32)};
    return aya_service_search(view, aya_view_settings(view), address, port, (u8)(vip >> 48));
}

AYA_INLINE u32 aya_plain_service_ipv6(const struct aya_view *view, const struct aya_plain *plain)
{
    AYA_ALIGNED(8) const be32 address[4] = {plain->dst[0], plain->dst[1], plain->dst[2], plain->dst[3]};
    const be16 port = {(u16)(plain->ports >> 16)};
    return aya_service_search(view, aya_view_settings(view), address, port, plain->protocol);
}

AYA_INLINE u64 aya_plain_hash_ipv4(const struct aya_settings *settings, const struct aya_plain *plain)
{
    return aya_hash_ipv4(&settings->hash_key, plain->src[3].raw, plain->dst[3].raw, plain->ports,
                         plain->protocol);
}

AYA_INLINE u64 aya_plain_hash_ipv6(const struct aya_settings *settings, const struct aya_plain *plain)
{
    return aya_hash_ipv6(&settings->hash_key, plain->src, plain->dst, plain->ports, plain->protocol);
}

// Whether `backend` takes a plain packet of this length, and aya_plain_encap_ipv4() or _ipv6() can send it.
AYA_INLINE int aya_plain_fits(const struct aya_backend *backend, u16 l3_length)
{
    return l3_length <= backend->mtu && backend->egress_port != AYA_PORT_NONE && !aya_needs_tunnel(backend);
}

// The backend of a packet that goes on, by its flow's entry, which was located for `service`; renews the
// entry. NULL: the flow is not settled, its backend is not simply up or needs a tunnel, the packet does not
// fit, its service does not take all packets, or a connection id has a say.
AYA_INLINE const struct aya_backend *aya_plain_follow(const struct aya_view *view,
                                                      const struct aya_service *service, u16 l3_length,
                                                      struct aya_flow_entry *entry, u16 now)
{
    const struct aya_backend *backend = aya_view_backend(view, entry->backend);
    if (AYA_UNLIKELY(!aya_is_up(backend, entry)) || AYA_UNLIKELY(entry->state < AYA_FLOW_ESTABLISHED) ||
        AYA_UNLIKELY(!aya_plain_fits(backend, l3_length)) ||
        AYA_UNLIKELY(service->flags & AYA_SERVICE_GUARDS_PACKETS) ||
        AYA_UNLIKELY(service->flags & AYA_SERVICE_QUIC && entry->state == AYA_FLOW_DATAGRAM))
        return NULL;
    aya_renew(view, entry, service, entry->state, now);
    return backend;
}

// Whether nothing but the lookup table has a say in the backend of a flow that is not known.
AYA_INLINE int aya_plain_may_begin(const struct aya_service *service)
{
    const u32 others = AYA_SERVICE_AFFINITY_SOURCE | AYA_SERVICE_STATELESS | AYA_SERVICE_DRAWS |
                       AYA_SERVICE_GUARDED | AYA_SERVICE_QUIC;
    return (service->flags & others) == 0 && service->previous_size == 0;
}

// The backend of a packet that closes nothing and whose flow has no entry in `set`, and what aya_decide()
// does for it: the new entry, if there is a place, and the notes. NULL: the service's flows do not begin the
// short way, or the packet does not fit.
AYA_INLINE const struct aya_backend *aya_plain_begin(const struct aya_view *view,
                                                     const struct aya_service *service, u16 service_id,
                                                     u16 l3_length, u64 hash, struct aya_flow_set *set,
                                                     u16 now, u32 *backend_id, u8 *notes)
{
    if (AYA_UNLIKELY(!aya_plain_may_begin(service)))
        return NULL;
    const struct aya_backend *backend =
        aya_lookup(view, service->lookup_offset, service->lookup_size, hash, service_id, backend_id);
    if (AYA_UNLIKELY(!backend || !aya_plain_fits(backend, l3_length)))
        return NULL;
    *notes = AYA_NOTE_NEW;
    struct aya_flow_entry *place = aya_find_place(view, set, now, 0, notes);
    if (AYA_UNLIKELY(!place)) {
        *notes = AYA_NOTE_NOT_REMEMBERED;
        return backend;
    }
    aya_let_go(view, place);
    aya_flow_write(place, hash, service_id, *backend_id, backend->incarnation, AYA_FLOW_EMBRYONIC,
                   (u16)(now + aya_idle_timeout(service, AYA_FLOW_EMBRYONIC)));
    return backend;
}

// What aya_encap() does to the packet, if the backend needs no tunnel. `frame` is the new start.
AYA_INLINE void aya_plain_outer(u8 *frame, u16 l3_length, u8 tos, const struct aya_backend *backend, u32 room,
                                u8 protocol)
{
    if (AYA_UNLIKELY(room != AYA_OUTER_IPV4)) {
        aya_copy(frame, backend->macs, sizeof(backend->macs));
        return;
    }
    struct aya_packet packet; // as far as it is asked for
    packet.l3_length = l3_length;
    packet.tos = tos;
    aya_write_outer_l2(frame, sizeof(struct aya_eth), AYA_OUTER_IPV4, backend, AYA_ETHERTYPE_IPV4);
    aya_write_outer_ipv4(frame + sizeof(struct aya_eth), &packet, backend, AYA_OUTER_IPV4, protocol);
}

AYA_INLINE void aya_plain_encap_ipv4(u8 *frame, u16 l3_length, const struct aya_backend *backend, u32 room)
{
    struct aya_ipv4 *inner = (struct aya_ipv4 *)(frame + room + sizeof(struct aya_eth));
    aya_plain_outer(frame, l3_length, inner->tos, backend, room, AYA_PROTO_IPIP);
    aya_decrement_ttl_ipv4(inner);
}

AYA_INLINE void aya_plain_encap_ipv6(u8 *frame, u16 l3_length, const struct aya_backend *backend, u32 room)
{
    struct aya_ipv6 *inner = (struct aya_ipv6 *)(frame + room + sizeof(struct aya_eth));
    aya_plain_outer(frame, l3_length, aya_traffic_class(inner), backend, room, AYA_PROTO_IPV6);
    inner->hop_limit--;
}

#endif
