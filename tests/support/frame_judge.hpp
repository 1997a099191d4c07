// SPDX-License-Identifier: BSD-2-Clause
//
// Is a frame well-formed from end to end? Walks Ethernet, VLAN tags, IP in IP, IP in UDP (GUE variant 1, port
// 6080), extension headers, TCP, UDP and ICMP by the RFCs, checks every length and recomputes every checksum.
#pragma once

#include <string>

#include "bytes.hpp"

namespace aya::test
{

class FrameJudge
{
public:
    // Empty: nothing wrong. Otherwise what is.
    static std::string complaint(const Bytes &frame)
    {
        try {
            return FrameJudge(frame).ethernet();
        } catch (const std::out_of_range &) {
            return "ends inside a header";
        }
    }

private:
    explicit FrameJudge(const Bytes &frame) : bytes_(frame) {}

    std::string ethernet()
    {
        std::size_t at = 12;
        while (get16(bytes_, at) == 0x8100 || get16(bytes_, at) == 0x88a8)
            at += 4;
        const std::uint16_t type = get16(bytes_, at);
        if (type != 0x0800 && type != 0x86dd)
            return "Ethernet type " + std::to_string(type);
        return ip(at + 2, type == 0x0800 ? 4 : 6);
    }

    std::string ip(std::size_t at, int version) { return version == 4 ? ipv4(at) : ipv6(at); }

    std::string ipv4(std::size_t at)
    {
        const std::size_t header = (bytes_.at(at) & 15u) * 4u, length = get16(bytes_, at + 2);
        if (bytes_.at(at) >> 4 != 4 || header < 20)
            return "IPv4: version or header length";
        if (length < header || at + length > bytes_.size())
            return "IPv4: total length " + std::to_string(length);
        if (naive_sum(slice(bytes_, at, header)) != 0xffff)
            return "IPv4: header checksum";
        if (bytes_.at(at + 8) == 0)
            return "IPv4: TTL 0";
        Bytes addresses = slice(bytes_, at + 12, 8);
        if (get16(bytes_, at + 6) & 0x3fff)
            return ""; // a fragment's transport checksum covers more than it holds
        return transport(bytes_.at(at + 9), at + header, length - header, addresses);
    }

    std::string ipv6(std::size_t at)
    {
        const std::size_t length = get16(bytes_, at + 4);
        if (bytes_.at(at) >> 4 != 6)
            return "IPv6: version";
        if (at + 40 + length > bytes_.size())
            return "IPv6: payload length " + std::to_string(length);
        if (bytes_.at(at + 7) == 0)
            return "IPv6: hop limit 0";
        std::uint8_t next = bytes_.at(at + 6);
        std::size_t l4 = at + 40;
        while (next == 0 || next == 43 || next == 44 || next == 60) {
            if (next == 44 && get16(bytes_, l4 + 2) & 0xfff9)
                return "";
            const std::size_t size = next == 44 ? 8u : (bytes_.at(l4 + 1) + 1u) * 8u;
            next = bytes_.at(l4);
            l4 += size;
        }
        if (l4 > at + 40 + length)
            return "IPv6: extension headers beyond the packet";
        return transport(next, l4, at + 40 + length - l4, slice(bytes_, at + 8, 32));
    }

    std::string transport(std::uint8_t protocol, std::size_t at, std::size_t length, const Bytes &addresses)
    {
        if (protocol == 4 || protocol == 41)
            return ip(at, protocol == 4 ? 4 : 6);
        Bytes body = slice(bytes_, at, length);
        std::uint32_t pseudo = naive_sum(addresses);
        pseudo = naive_sum(
            {0, protocol, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)}, pseudo);
        if (protocol == 17 && (get16(body, 4) < 8 || get16(body, 4) > length))
            return "UDP: length";
        if (protocol == 17 && get16(body, 2) == 6080)
            return gue(at, body, length);
        if (protocol == 17 && get16(body, 6) == 0 && addresses.size() == 8)
            return "";
        if (protocol == 6 && (body.at(12) >> 4 < 5 || (body.at(12) >> 4) * 4u > length))
            return "TCP: data offset";
        if (protocol == 1 && length < 8)
            return "ICMP: length";
        const bool pseudo_counts = protocol == 6 || protocol == 17 || protocol == 58;
        if ((pseudo_counts || protocol == 1) && naive_sum(body, pseudo_counts ? pseudo : 0) != 0xffff)
            return "checksum of protocol " + std::to_string(protocol);
        return "";
    }

    // No checksum over either family: RFC 6935.
    std::string gue(std::size_t at, const Bytes &body, std::size_t length)
    {
        if (get16(body, 4) != length)
            return "GUE: length";
        if (get16(body, 0) < 49152)
            return "GUE: source port " + std::to_string(get16(body, 0));
        if (get16(body, 6) != 0)
            return "GUE: checksum";
        return ip(at + 8, bytes_.at(at + 8) >> 4);
    }

    const Bytes &bytes_;
};

} // namespace aya::test
