// SPDX-License-Identifier: BSD-2-Clause
//
// write_tables FILE: makes a tables segment, then publishes what each line of standard input says and answers
// its generation. A line is JSON: a list of services,
//   {"vips": ["203.0.113.10:80/tcp", "[2001:db8::10]:443/udp"], "flags": 0, "slots": 251,
//    "backends": [{"state": 3, "incarnation": 1, "egress_port": 0, "mtu": 1500, "mac": "...", "own_mac":
//    "...",
//                  "outer_src": "10.0.0.1", "outer_dst": "10.0.0.2"}]}
// whose lookup table names the backends that are up in turn; or an object {"abi_version": 7} that spoils the
// header.
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "segment_writer.hpp"
#include "table_builder.hpp"

namespace
{

using Json = nlohmann::json;
using namespace aya;

constexpr Capacities kCapacities{.services = 32, .backends = 256, .vips = 256, .lookup_slots = 1 << 19};

test::BackendText backend_of(const Json &json)
{
    test::BackendText text;
    text.state = static_cast<aya_backend_state>(json.value("state", int{AYA_BACKEND_UP}));
    text.egress_port = json.value("egress_port", text.egress_port);
    text.mtu = json.value("mtu", text.mtu);
    text.mac = json.value("mac", text.mac);
    text.own_mac = json.value("own_mac", text.own_mac);
    if (json.contains("outer_dst"))
        text.encap =
            test::ipip(json.at("outer_src").get<std::string>(), json.at("outer_dst").get<std::string>());
    return text;
}

void add_service(test::Tables &tables, const Json &json)
{
    const u16 id = tables.add_service({}, json.value("flags", 0u));
    for (const Json &vip : json.at("vips"))
        tables.add_vip(test::VipText(vip.get<std::string>()), id);
    std::vector<u32> up;
    for (const Json &backend : json.at("backends")) {
        const u32 backend_id = tables.add_backend(id, backend_of(backend));
        tables.backend(backend_id).incarnation = backend.value("incarnation", u16{1});
        if (tables.backend(backend_id).state == AYA_BACKEND_UP)
            up.push_back(backend_id);
    }
    std::vector<u32> slots;
    for (u32 i = 0; !up.empty() && i < json.value("slots", 251u); i++)
        slots.push_back(up[i % up.size()]);
    tables.set_lookup(id, slots);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: write_tables FILE\n";
        return 2;
    }
    test::SegmentWriter writer(argv[1], kCapacities);
    for (std::string line; std::getline(std::cin, line);) {
        const Json json = Json::parse(line);
        if (json.is_object()) {
            writer.header().abi_version = json.at("abi_version");
        } else {
            const auto tables = std::make_unique<test::Tables>();
            for (const Json &service : json)
                add_service(*tables, service);
            writer.publish(*tables->view());
        }
        std::cout << writer.generation() << std::endl;
    }
    return 0;
}
