// SPDX-License-Identifier: BSD-2-Clause
//
// write_tables FILE: makes a tables segment, then publishes what each line of standard input says and answers
// its generation. A line is JSON: a list of services,
//   {"vips": ["203.0.113.10:80/tcp", "[2001:db8::10]:443/udp"], "flags": 0, "lookup_size": 251,
//   "idle_timeout": 900,
//    "backends": [{"state": 3, "incarnation": 1, "egress_port": 0, "mtu": 1500, "dst_mac": "...", "src_mac":
//    "...",
//                  "outer_src": "10.0.0.1", "outer_dst": "10.0.0.2"}]}
// or an object {"header": {"abi_version": 7}} that spoils the segment's header.
#include <iostream>

#include <nlohmann/json.hpp>

#include "table_writer.hpp"

namespace
{

using Json = nlohmann::json;
using namespace aya;

test::VipSpec vip_of(const std::string &text)
{
    const std::size_t slash = text.rfind('/');
    const std::size_t colon = text.rfind(':', slash);
    test::VipSpec vip;
    vip.address = text[0] == '[' ? text.substr(1, colon - 2) : text.substr(0, colon);
    vip.port = static_cast<u16>(std::stoul(text.substr(colon + 1)));
    vip.protocol = text.substr(slash + 1) == "udp" ? AYA_PROTO_UDP : AYA_PROTO_TCP;
    return vip;
}

test::BackendSpec backend_of(const Json &json)
{
    test::BackendSpec spec;
    spec.state = json.value("state", spec.state);
    spec.incarnation = json.value("incarnation", spec.incarnation);
    spec.egress_port = json.value("egress_port", spec.egress_port);
    spec.mtu = json.value("mtu", spec.mtu);
    spec.dst_mac = json.value("dst_mac", spec.dst_mac);
    spec.src_mac = json.value("src_mac", spec.src_mac);
    spec.outer_src = json.value("outer_src", spec.outer_src);
    spec.outer_dst = json.value("outer_dst", spec.outer_dst);
    return spec;
}

test::ServiceSpec service_of(const Json &json)
{
    test::ServiceSpec spec;
    spec.flags = json.value("flags", spec.flags);
    spec.lookup_size = json.value("lookup_size", spec.lookup_size);
    spec.idle_timeout = json.value("idle_timeout", spec.idle_timeout);
    for (const Json &vip : json.at("vips"))
        spec.vips.push_back(vip_of(vip.get<std::string>()));
    for (const Json &backend : json.at("backends"))
        spec.backends.push_back(backend_of(backend));
    return spec;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: write_tables FILE\n";
        return 2;
    }
    test::TableWriter writer(argv[1]);
    for (std::string line; std::getline(std::cin, line);) {
        const Json json = Json::parse(line);
        if (json.is_object()) {
            writer.header().abi_version = json.at("header").value("abi_version", AYA_ABI_VERSION);
        } else {
            std::vector<test::ServiceSpec> services;
            for (const Json &service : json)
                services.push_back(service_of(service));
            writer.publish(services);
        }
        std::cout << writer.generation() << std::endl;
    }
    return 0;
}
