// SPDX-License-Identifier: BSD-2-Clause
#include "punt_class.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <rte_mbuf.h>

namespace aya
{

namespace
{

constexpr u16 kBgp = 179;
constexpr u16 kBfd = 3784, kBfdEcho = 3785, kBfdMultihop = 4784; // RFC 5881, RFC 5883
constexpr u8 kNeverRouted = 255; // TTL that no packet has which a router passed on: RFC 5082

bool is_link_scope(const aya_flow &flow)
{
    const u32 first = aya_be32_to_cpu(flow.dst[0]), last = aya_be32_to_cpu(flow.dst[3]);
    return flow.family == AYA_IPV4 ? last >> 8 == 0xe00000  // 224.0.0.0/24: OSPF, VRRP
                                   : first >> 16 == 0xff02; // and their like
}

PuntClass class_of_udp(const aya_packet &packet)
{
    const u16 port = aya_be16_to_cpu(packet.flow.dst_port);
    if (port == kBfdMultihop)
        return PuntClass::routing;
    const bool is_bfd = port == kBfd || port == kBfdEcho;
    return is_bfd && packet.ttl == kNeverRouted ? PuntClass::link : PuntClass::rest;
}

PuntClass class_of_tcp(const aya_packet &packet)
{
    if (aya_be16_to_cpu(packet.flow.dst_port) == kBgp || aya_be16_to_cpu(packet.flow.src_port) == kBgp)
        return PuntClass::routing;
    return packet.tcp_flags & (AYA_TCP_ACK | AYA_TCP_RST) ? PuntClass::answers : PuntClass::rest;
}

PuntClass class_of_unicast(const aya_packet &packet, aya_reason reason)
{
    if (reason == AYA_REASON_PUNT_NOT_IP || reason == AYA_REASON_PUNT_NEIGHBOUR)
        return PuntClass::link;
    if (reason != AYA_REASON_PUNT_NO_VIP || packet.kind > AYA_KIND_FRAGMENT_FIRST)
        return PuntClass::rest;
    return packet.flow.protocol == AYA_PROTO_TCP ? class_of_tcp(packet) : class_of_udp(packet);
}

// The parser does not look into these.
PuntClass class_of_multicast(const rte_mbuf &frame)
{
    std::array<u8, 128> bytes;
    const u32 length = std::min<u32>(frame.data_len, bytes.size());
    std::memcpy(bytes.data(), rte_pktmbuf_mtod(&frame, const u8 *), length);
    bytes[0] &= 0xfe; // as if it were for one station
    aya_packet packet;
    const aya_reason reason = aya_parse(bytes.data(), bytes.data() + length, frame.pkt_len, &packet);
    if (reason == AYA_REASON_PUNT_NOT_IP || reason == AYA_REASON_PUNT_NEIGHBOUR)
        return PuntClass::link;
    const bool has_address =
        reason == AYA_REASON_NONE || reason == AYA_REASON_PUNT_PROTOCOL || reason == AYA_REASON_PUNT_ICMP;
    return has_address && is_link_scope(packet.flow) ? PuntClass::link : PuntClass::rest;
}

} // namespace

PuntClass punt_class(const rte_mbuf &frame, const aya_packet &packet, aya_reason reason) noexcept
{
    return reason == AYA_REASON_PUNT_MULTICAST ? class_of_multicast(frame) : class_of_unicast(packet, reason);
}

} // namespace aya
