// SPDX-License-Identifier: BSD-2-Clause
//
// The encapsulations, a row each: how a packet reaches its backend. The bytes are written by aya/encap.h,
// from entries that the rows' functions fill in.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "aya/flow.h"
#include "aya/headers.h"
#include "aya/tables.h"
#include "common/address.hpp"

namespace aya
{

enum class Encap : std::uint8_t { l2, ipip, gue };

constexpr std::uint16_t kGuePort = AYA_GUE_PORT;

// The ends of a tunnel, both of one family.
struct TunnelEnds {
    const IpAddress &source;
    const IpAddress &destination;
    std::uint16_t port; // UDP of the destination; without meaning where there is no UDP
};

struct EncapRow {
    Encap value;
    std::string_view name;
    bool has_udp;                          // among the outer headers, to the service's gue_port
    aya_outer_length over_ipv4, over_ipv6; // of all outer headers

    // Fills in the outer headers, and outer_length. Null: there are none.
    void (*write_header)(aya_backend &entry, aya_tunnel &tunnel, const TunnelEnds &ends);
    // Says what write_header wrote, and what the packet path adds for this packet and hash. For `explain`.
    std::string (*header_text)(const aya_backend &entry, const aya_tunnel &tunnel, const aya_packet &packet,
                               u64 hash);

    constexpr bool has_tunnel() const { return write_header != nullptr; }
};

// outer_header.cpp

// What every backend has: the addresses of its frames.
void write_macs(aya_backend &entry, const Mac &destination, const Mac &source);

void write_ipip_header(aya_backend &entry, aya_tunnel &tunnel, const TunnelEnds &ends);
void write_gue_header(aya_backend &entry, aya_tunnel &tunnel, const TunnelEnds &ends);
std::string ipip_header_text(const aya_backend &entry, const aya_tunnel &tunnel, const aya_packet &packet,
                             u64 hash);
std::string gue_header_text(const aya_backend &entry, const aya_tunnel &tunnel, const aya_packet &packet,
                            u64 hash);

constexpr EncapRow kEncaps[] = {
    {Encap::l2, "l2", false, AYA_OUTER_NONE, AYA_OUTER_NONE, nullptr, nullptr},
    {Encap::ipip, "ipip", false, AYA_OUTER_IPV4, AYA_OUTER_IPV6, write_ipip_header, ipip_header_text},
    {Encap::gue, "gue", true, AYA_OUTER_GUE_IPV4, AYA_OUTER_GUE_IPV6, write_gue_header, gue_header_text},
};

constexpr std::span<const EncapRow> names_of(Encap)
{
    return kEncaps;
}

// The row that a backend's entry was made by; null for a length that none has.
constexpr const EncapRow *encap_of(const aya_backend &entry)
{
    for (const EncapRow &row : kEncaps)
        if (entry.outer_length == row.over_ipv4 || entry.outer_length == row.over_ipv6)
            return &row;
    return nullptr;
}

} // namespace aya
