// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/path_mtu.hpp"

#include "aya/headers.h"

#include <algorithm>
#include <cstring>

namespace aya::neighbours
{

namespace
{

// What every link must take: RFC 791 3.1 (what a host must, and in practice every link does); RFC 8200 5.
constexpr u32 kFloorIpv4 = 576;
constexpr u32 kFloorIpv6 = 1280;

// The bytes as a header, unless they are too few.
template <typename Header>
std::optional<Header> header_at(std::span<const u8> bytes, std::size_t offset)
{
    Header header;
    if (bytes.size() < offset + sizeof(header))
        return std::nullopt;
    std::memcpy(&header, bytes.data() + offset, sizeof(header));
    return header;
}

// What follows the quoted IP header.
bool read_transport(std::span<const u8> bytes, std::size_t offset, TooBig &error)
{
    if (error.protocol != AYA_PROTO_UDP)
        return true;
    const auto udp = header_at<aya_udp>(bytes, offset);
    if (udp)
        error.udp_port = aya_be16_to_cpu(udp->dst_port);
    return udp.has_value();
}

std::optional<TooBig> read_quoted_ipv4(std::span<const u8> bytes, u32 mtu)
{
    const auto ip = header_at<aya_ipv4>(bytes, 0);
    if (!ip || ip->version_ihl >> 4 != 4)
        return std::nullopt;
    TooBig error{.source = IpAddress::from_v4_bytes(ip->src),
                 .destination = IpAddress::from_v4_bytes(ip->dst),
                 .protocol = ip->protocol,
                 .length = aya_be16_to_cpu(ip->total_length),
                 .mtu = mtu};
    return read_transport(bytes, (ip->version_ihl & 0xfU) * 4, error) ? std::optional(error) : std::nullopt;
}

std::optional<TooBig> read_quoted_ipv6(std::span<const u8> bytes, u32 mtu)
{
    const auto ip = header_at<aya_ipv6>(bytes, 0);
    if (!ip || ip->version_class[0] >> 4 != 6)
        return std::nullopt;
    TooBig error{.source = IpAddress::from_v6_bytes(ip->src),
                 .destination = IpAddress::from_v6_bytes(ip->dst),
                 .protocol = ip->next_header,
                 .length = aya_be16_to_cpu(ip->payload_length) + u32{sizeof(*ip)},
                 .mtu = mtu};
    return read_transport(bytes, sizeof(*ip), error) ? std::optional(error) : std::nullopt;
}

} // namespace

std::optional<TooBig> read_too_big_ipv4(std::span<const u8> message)
{
    const auto ip = header_at<aya_ipv4>(message, 0);
    const std::size_t length = ip ? (ip->version_ihl & 0xfU) * 4 : 0;
    const auto icmp = header_at<aya_icmp>(message, length);
    if (!ip || !icmp || ip->protocol != AYA_PROTO_ICMP || icmp->type != AYA_ICMP_UNREACHABLE ||
        icmp->code != AYA_ICMP_FRAG_NEEDED)
        return std::nullopt;
    return read_quoted_ipv4(message.subspan(length + sizeof(*icmp)), aya_be16_to_cpu({icmp->rest[1]}));
}

std::optional<TooBig> read_too_big_ipv6(std::span<const u8> message)
{
    const auto icmp = header_at<aya_icmp>(message, 0);
    if (!icmp || icmp->type != AYA_ICMPV6_PACKET_TOO_BIG || icmp->code != 0)
        return std::nullopt;
    const u32 mtu = u32{aya_be16_to_cpu({icmp->rest[0]})} << 16 | aya_be16_to_cpu({icmp->rest[1]});
    return read_quoted_ipv6(message.subspan(sizeof(*icmp)), mtu);
}

bool Tunnel::sent(const TooBig &error) const
{
    if (source != error.source)
        return false;
    if (row_of(encap).has_udp)
        return error.protocol == AYA_PROTO_UDP && error.udp_port == gue_port;
    return row_of(encap).has_tunnel() &&
           (error.protocol == AYA_PROTO_IPIP || error.protocol == AYA_PROTO_IPV6);
}

bool PathMtus::learn(const TooBig &error, u32 current, Clock::time_point now)
{
    const u32 mtu = std::max(error.mtu, error.destination.is_v4() ? kFloorIpv4 : kFloorIpv6);
    const auto known = known_.find(error.destination);
    if (known != known_.end()) {
        if (now - known->second.learnt < kPause)
            return false;
        current = std::min(current, u32{known->second.mtu});
    }
    if (error.length <= mtu || mtu >= current)
        return false;
    known_[error.destination] = {static_cast<u16>(mtu), now};
    return true;
}

std::vector<IpAddress> PathMtus::forget(Clock::time_point now)
{
    std::vector<IpAddress> forgotten;
    std::erase_if(known_, [&](const auto &entry) {
        const bool old = now - entry.second.learnt >= kMemory;
        if (old)
            forgotten.push_back(entry.first);
        return old;
    });
    return forgotten;
}

void PathMtus::forget_all_but(const std::unordered_map<IpAddress, std::vector<Tunnel>> &tunnels)
{
    std::erase_if(known_, [&](const auto &entry) { return !tunnels.contains(entry.first); });
}

std::optional<u16> PathMtus::find(const IpAddress &backend) const
{
    const auto known = known_.find(backend);
    return known == known_.end() ? std::nullopt : std::optional(known->second.mtu);
}

} // namespace aya::neighbours
