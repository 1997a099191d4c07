// SPDX-License-Identifier: BSD-2-Clause
//
// Runs frames through the core for a judge in another language: a frame in hex a line, the frame that leaves
// in hex a line, or `-`.
//
// The tables: five services, on TCP and UDP port 443 of 203.0.113.N and 2001:db8::N, with one backend each:
//
//     N = 10   l2
//     N = 14   ipip, outer 192.0.2.1 -> 10.0.1.11
//     N = 16   ipip, outer 2001:db8:b::1 -> 2001:db8:b::11
//     N = 24   gue, the same as 14
//     N = 26   gue, the same as 16
#include <iostream>

#include "core_path.hpp"
#include "table_builder.hpp"

namespace aya::test
{
namespace
{

struct World {
    Tables tables;
    CorePath path{tables.view()};

    World()
    {
        add("10", {});
        add("14", ipip("192.0.2.1", "10.0.1.11"));
        add("16", ipip("2001:db8:b::1", "2001:db8:b::11"));
        add("24", gue("192.0.2.1", "10.0.1.11"));
        add("26", gue("2001:db8:b::1", "2001:db8:b::11"));
    }

    void add(const std::string &number, const Encap &encap)
    {
        const u16 service = tables.add_service({});
        for (const char *protocol : {"tcp", "udp"}) {
            tables.add_vip(VipText("203.0.113." + number + ":443/" + protocol), service);
            tables.add_vip(VipText("[2001:db8::" + number + "]:443/" + protocol), service);
        }
        tables.set_lookup(service, {tables.add_backend(service, {.encap = encap})});
    }
};

Bytes from_hex(const std::string &text)
{
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        bytes.push_back(static_cast<u8>(std::stoul(text.substr(i, 2), nullptr, 16)));
    return bytes;
}

std::string to_hex(const Bytes &bytes)
{
    constexpr const char *digits = "0123456789abcdef";
    std::string text;
    for (u8 byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text.empty() ? "-" : text;
}

} // namespace
} // namespace aya::test

int main()
{
    using namespace aya::test;
    World world;
    for (std::string line; std::getline(std::cin, line);)
        std::cout << to_hex(world.path.run(from_hex(line)).out) << std::endl;
    return 0;
}
