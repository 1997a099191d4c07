// SPDX-License-Identifier: BSD-2-Clause
//
// Packets that a balancer meets on a bad day: all kinds that the decision knows, for few enough flows that
// they come again, and a share of them damaged. The same seed gives the same packets.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "packet_builder.hpp"

namespace aya::test
{

class RandomPackets
{
public:
    // Addresses that packets go to: VIPs and others.
    struct Targets {
        std::vector<std::string> ipv4, ipv6;
        std::vector<std::uint16_t> ports;
    };

    RandomPackets(std::uint64_t seed, Targets targets) : random_(seed), targets_(std::move(targets)) {}

    Bytes next()
    {
        Bytes frame = build();
        if (below(4) == 0)
            damage(frame);
        return frame;
    }

    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

private:
    Bytes build()
    {
        Packet packet;
        if (below(40) == 0)
            packet.macs("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:02");
        for (std::uint32_t tags = below(8) == 0 ? 1 + below(3) : 0; tags > 0; tags--)
            packet.vlan(static_cast<std::uint16_t>(below(4095)), below(2) ? 0x8100 : 0x88a8);
        return below(2) ? build_ipv4(packet) : build_ipv6(packet);
    }

    std::string client(bool ipv4)
    {
        const std::string number = std::to_string(1 + below(below(8) ? 12 : 250));
        return ipv4 ? "198.51.100." + number : "2001:db8:c::" + number;
    }

    std::string target(bool ipv4)
    {
        const auto &list = ipv4 ? targets_.ipv4 : targets_.ipv6;
        return list[below(static_cast<std::uint32_t>(list.size()))];
    }

    std::uint16_t port() { return targets_.ports[below(static_cast<std::uint32_t>(targets_.ports.size()))]; }
    std::uint16_t client_port() { return static_cast<std::uint16_t>(40000 + below(16)); }

    void add_transport(Packet &packet)
    {
        static const char *const flags[] = {"S", "A", "PA", "FA", "R", "SA", "A", "A", "", "SF"};
        const bool is_tcp = below(3) != 0;
        if (is_tcp)
            packet.tcp(client_port(), port(), flags[below(10)], below(4) ? 0 : below(11));
        else
            packet.udp(client_port(), port());
        const std::size_t length = below(6) ? below(40) : below(1500);
        if (is_tcp)
            packet.payload(length);
        else
            packet.payload(random_bytes(length));
    }

    // So that connection ids in them name all that they can name.
    Bytes random_bytes(std::size_t length)
    {
        Bytes bytes(length);
        for (std::uint8_t &byte : bytes)
            byte = static_cast<std::uint8_t>(below(256));
        return bytes;
    }

    void add_common(Packet &packet)
    {
        packet.tos(static_cast<std::uint8_t>(below(4) ? 0 : below(256)));
        if (below(12) == 0)
            packet.ttl(static_cast<std::uint8_t>(below(3)));
    }

    Bytes build_ipv4(Packet &packet)
    {
        const std::string src = below(30) ? client(true) : "127.0.0.1", dst = target(true);
        packet.ipv4(src, dst);
        add_common(packet);
        switch (below(12)) {
        case 0:
            return packet.icmp(static_cast<std::uint8_t>(below(3) ? 8 : below(20)))
                .payload(below(100))
                .build();
        case 1:
            return packet
                .icmp(static_cast<std::uint8_t>(below(2) ? 3 : 11), static_cast<std::uint8_t>(below(5)))
                .payload(quote(Packet().ipv4(dst, client(true)), false))
                .build();
        case 2:
            packet.fragment(below(8), below(3) ? 8 * (1 + below(100)) : 0, below(2));
            break;
        case 3:
            packet.options(1 + below(10));
            break;
        case 4:
            return packet.protocol(47).payload(below(60)).build();
        default:
            break;
        }
        add_transport(packet);
        return packet.build();
    }

    Bytes build_ipv6(Packet &packet)
    {
        const std::string src = below(30) ? client(false) : "::1", dst = target(false);
        packet.ipv6(src, dst);
        add_common(packet);
        switch (below(12)) {
        case 0:
            return packet.icmp(static_cast<std::uint8_t>(below(3) ? 128 : below(140)))
                .payload(below(100))
                .build();
        case 1:
            return packet.icmp(static_cast<std::uint8_t>(1 + below(4)))
                .payload(quote(Packet().ipv6(dst, client(false)), true))
                .build();
        case 2:
            packet.fragment(below(8), below(3) ? 8 * (1 + below(100)) : 0, below(2));
            break;
        case 3: {
            static const std::uint8_t kinds[] = {0, 43, 60};
            for (std::uint32_t n = 1 + below(5); n > 0; n--)
                packet.extension(kinds[below(3)], below(3));
            break;
        }
        default:
            break;
        }
        add_transport(packet);
        return packet.build();
    }

    // What the VIP (`sender`'s source) once sent to a client, cut as routers cut it.
    Bytes quote(Packet sender, bool is_ipv6)
    {
        if (is_ipv6)
            for (std::uint32_t n = below(3) ? 0 : 1 + below(3); n > 0; n--)
                sender.extension(below(2) ? 0 : 60, below(2));
        if (below(2))
            sender.tcp(port(), client_port(), "A");
        else
            sender.udp(port(), client_port());
        Bytes bytes = sender.payload(16).build_ip();
        bytes.resize(std::min<std::size_t>(bytes.size(), 28 + below(60)));
        return bytes;
    }

    void damage(Bytes &frame)
    {
        for (std::uint32_t n = 1 + below(3); n > 0; n--)
            frame[below(static_cast<std::uint32_t>(std::min<std::size_t>(frame.size(), 90)))] =
                static_cast<std::uint8_t>(below(256));
        if (below(3) == 0)
            frame.resize(14 + below(static_cast<std::uint32_t>(frame.size()) - 13));
        else if (below(6) == 0)
            frame.resize(frame.size() + below(60));
    }

    std::mt19937_64 random_;
    Targets targets_;
};

} // namespace aya::test
