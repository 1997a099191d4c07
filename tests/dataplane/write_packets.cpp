// SPDX-License-Identifier: BSD-2-Clause
//
// write_packets FILE COUNT SEED: a pcap of packets as a balancer meets them on a bad day, for VIPs
// 203.0.113.10 and 2001:db8::10: all kinds, a quarter damaged, truncated or with bytes to spare, some beyond
// every MTU.
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "random_packets.hpp"

namespace
{

void put32_host(std::ofstream &file, std::uint32_t value)
{
    file.write(reinterpret_cast<const char *>(&value), sizeof(value));
}

void put_packet(std::ofstream &file, const aya::test::Bytes &frame)
{
    put32_host(file, 0);
    put32_host(file, 0);
    put32_host(file, static_cast<std::uint32_t>(frame.size()));
    put32_host(file, static_cast<std::uint32_t>(frame.size()));
    file.write(reinterpret_cast<const char *>(frame.data()), static_cast<std::streamsize>(frame.size()));
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::cerr << "usage: write_packets FILE COUNT SEED\n";
        return 2;
    }
    std::ofstream file(argv[1], std::ios::binary);
    for (const std::uint32_t word : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 65535u, 1u}) // Ethernet, microseconds
        put32_host(file, word);
    aya::test::RandomPackets random(std::strtoull(argv[3], nullptr, 10),
                                    {.ipv4 = {"203.0.113.10", "203.0.113.10", "203.0.113.99"},
                                     .ipv6 = {"2001:db8::10", "2001:db8::10", "2001:db8::99"},
                                     .ports = {443, 443, 80}});
    const unsigned long count = std::strtoul(argv[2], nullptr, 10);
    for (unsigned long i = 0; i < count; i++) {
        aya::test::Bytes frame = random.next();
        if (random.below(64) == 0)
            frame.resize(random.below(14)); // not even an Ethernet header
        else if (random.below(64) == 0)
            frame.resize(frame.size() + random.below(8000));
        put_packet(file, frame);
    }
    return file ? 0 : 1;
}
