// SPDX-License-Identifier: BSD-2-Clause
//
// Packets in every mix of families, VLAN tags and sizes, and a service with one backend to send them to.
#pragma once

#include <vector>

#include "core_path.hpp"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test
{

constexpr const char *kClient[] = {"198.51.100.7", "2001:db8:c::7"};
constexpr const char *kVip[] = {"203.0.113.10", "2001:db8::10"};
constexpr const char *kOwn[] = {"192.0.2.1", "2001:db8:b::1"};
constexpr const char *kBackend[] = {"10.0.1.11", "2001:db8:b::11"};
constexpr const char *kRouterMac = "02:00:00:00:00:02", *kOwnMac = "02:00:00:00:00:01",
                     *kBackendMac = "02:00:00:00:0b:01";

inline Packet &ip(Packet &packet, int family, const char *src, const char *dst)
{
    return family == 4 ? packet.ipv4(src, dst) : packet.ipv6(src, dst);
}

inline const char *pick(const char *const (&pair)[2], int family)
{
    return pair[family == 6];
}

struct Case {
    int inner, outer; // 4 or 6; outer 0: l2
    bool gue;         // UDP between them
    int vlans;
    std::size_t payload;
    u8 tos;
    bool udp;
};

struct Way {
    int outer;
    bool gue;
};
constexpr Way kWays[] = {{0, false}, {4, false}, {6, false}, {4, true}, {6, true}};

inline std::vector<Case> cases()
{
    std::vector<Case> all;
    for (int inner : {4, 6})
        for (const auto &[outer, gue] : kWays)
            for (int vlans : {0, 1, 2})
                for (std::size_t payload : {0, 1, 2, 100, 1379})
                    for (u8 tos : std::initializer_list<u8>{0, 0x03, 0xb8, 0xff})
                        for (bool udp : {false, true})
                            all.push_back({inner, outer, gue, vlans, payload, tos, udp});
    return all;
}

class World
{
public:
    explicit World(int outer, u16 mtu = 1500) : World(Way{outer, false}, mtu) {}
    explicit World(Way way, u16 mtu = 1500)
        : backend(tables.add_backend(web, {.encap = encap(way), .mtu = mtu}))
    {
        tables.set_lookup(web, {backend});
    }

    static Encap encap(Way way)
    {
        if (way.outer == 0)
            return {};
        const char *src = pick(kOwn, way.outer), *dst = pick(kBackend, way.outer);
        return way.gue ? gue(src, dst) : ipip(src, dst);
    }

    Tables tables;
    u16 web = tables.add_service(
        {"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp", "203.0.113.10:443/udp", "[2001:db8::10]:443/udp"});
    u32 backend;
    CorePath path{tables.view()};
};

inline Packet link(const Case &c, const char *dst_mac, const char *src_mac)
{
    Packet packet;
    packet.macs(dst_mac, src_mac);
    if (c.vlans == 2)
        packet.vlan(0x6123, 0x88a8);
    if (c.vlans >= 1)
        packet.vlan(100);
    return packet;
}

inline Packet &client_packet(Packet &packet, const Case &c, u8 ttl)
{
    ip(packet, c.inner, pick(kClient, c.inner), pick(kVip, c.inner)).tos(c.tos).ttl(ttl);
    return (c.udp ? packet.udp(40000, 443) : packet.tcp(40000, 443, "PA")).payload(c.payload);
}

} // namespace aya::test
