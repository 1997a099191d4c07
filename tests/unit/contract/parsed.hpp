// SPDX-License-Identifier: BSD-2-Clause
//
// aya_parse, with a result that a test can print.
#pragma once

#include <arpa/inet.h>
#include <map>
#include <string>

#include "aya/flow.h"
#include "packet_builder.hpp"

namespace aya::test
{

inline std::string address_text(const be32 address[4], int family)
{
    char text[INET6_ADDRSTRLEN] = "?";
    if (family == AYA_IPV4) {
        inet_ntop(AF_INET, &address[3], text, sizeof(text));
        const bool is_mapped = !address[0].raw && !address[1].raw && aya_be32_to_cpu(address[2]) == 0xffff;
        return is_mapped ? text : "not mapped";
    }
    inet_ntop(AF_INET6, address, text, sizeof(text));
    return "[" + std::string(text) + "]";
}

struct Parsed {
    aya_reason reason{};
    aya_packet packet{};

    // "tcp 198.51.100.7:40000 -> 203.0.113.10:443"
    std::string text() const
    {
        if (reason != AYA_REASON_NONE)
            return "reason " + std::to_string(reason);
        const aya_flow &flow = packet.flow;
        const std::map<int, std::string> names = {{6, "tcp"}, {17, "udp"}, {1, "icmp"}, {58, "icmpv6"}};
        const auto name = names.find(flow.protocol);
        return (name == names.end() ? std::to_string(flow.protocol) : name->second) + " " +
               address_text(flow.src, flow.family) + ":" + std::to_string(aya_be16_to_cpu(flow.src_port)) +
               " -> " + address_text(flow.dst, flow.family) + ":" +
               std::to_string(aya_be16_to_cpu(flow.dst_port));
    }
};

inline Parsed parse(const Bytes &frame)
{
    Parsed parsed;
    const u8 *begin = begin_of(frame);
    parsed.reason = aya_parse(begin, begin + frame.size(), static_cast<u32>(frame.size()), &parsed.packet);
    return parsed;
}

} // namespace aya::test
