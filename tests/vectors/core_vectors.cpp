// SPDX-License-Identifier: BSD-2-Clause
//
// Runs frames through the core for a judge in another language. Reads commands, one a line:
//
//     frame HEX            -> "ACTION REASON BACKEND HEX", `-` for what there is not
//     down NAME | drain NAME | up NAME
//     new                  forget all flows and changes
//
// The tables: three services, on TCP and UDP port 443 of 203.0.113.N and 2001:db8::N, with one backend each:
//
//     N = 10   plain    l2
//     N = 14   ipv4     ipip, outer 192.0.2.1 -> 10.0.1.11
//     N = 16   ipv6     ipip, outer 2001:db8:b::1 -> 2001:db8:b::11
#include <iostream>
#include <map>
#include <memory>
#include <sstream>

#include "core_path.hpp"
#include "table_builder.hpp"

namespace aya::test
{
namespace
{

constexpr const char *kReasons[] = {
#define AYA_X(symbol, name, help) name,
    AYA_REASONS(AYA_X)
#undef AYA_X
};

struct World {
    Tables tables;
    std::map<std::string, u32> backends;
    CorePath path{tables.view()};

    World()
    {
        add("plain", "10", {});
        add("ipv4", "14", ipip("192.0.2.1", "10.0.1.11"));
        add("ipv6", "16", ipip("2001:db8:b::1", "2001:db8:b::11"));
    }

    void add(const std::string &name, const std::string &number, const Encap &encap)
    {
        const u16 service = tables.add_service({});
        for (const char *protocol : {"tcp", "udp"}) {
            tables.add_vip(VipText("203.0.113." + number + ":443/" + protocol), service);
            tables.add_vip(VipText("[2001:db8::" + number + "]:443/" + protocol), service);
        }
        backends[name] = tables.add_backend(service, {.encap = encap});
        tables.set_lookup(service, {backends[name]});
    }

    std::string name_of(u32 backend) const
    {
        for (const auto &[name, id] : backends)
            if (id == backend)
                return name;
        return "-";
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

void run(World &world, const std::string &hex)
{
    constexpr const char *actions[] = {"forward", "punt", "drop", "reply"};
    const Outcome outcome = world.path.run(from_hex(hex));
    std::cout << actions[outcome.action] << ' ' << kReasons[outcome.reason] << ' '
              << world.name_of(outcome.backend) << ' ' << to_hex(outcome.out) << std::endl;
}

} // namespace
} // namespace aya::test

int main()
{
    using namespace aya::test;
    auto world = std::make_unique<World>();
    std::string line, command, argument;
    while (std::getline(std::cin, line)) {
        std::istringstream words(line);
        command.clear(), argument.clear();
        words >> command >> argument;
        if (command == "frame")
            run(*world, argument);
        else if (command == "new")
            world = std::make_unique<World>();
        else if (command == "down")
            world->tables.take_down(world->backends.at(argument));
        else if (command == "drain")
            world->tables.backend(world->backends.at(argument)).state = AYA_BACKEND_DRAINING;
        else if (command == "up")
            world->tables.backend(world->backends.at(argument)).state = AYA_BACKEND_UP;
        else
            return 2;
    }
    return 0;
}
