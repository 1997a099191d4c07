// SPDX-License-Identifier: BSD-2-Clause
// A host that is a good backend: lo (1), eth0 (2) facing the balancer, eth1 (3).
#pragma once

#include "facts.hpp"

namespace aya::backend
{

inline IpAddress address(const char *text)
{
    return parse_ip_address(text).value();
}

inline Prefix host(const char *text)
{
    return host_prefix(address(text));
}

inline Link tunnel(int index, const char *name, const char *kind)
{
    return {index, name, kind, 1480, true, true, false, false};
}

inline Settings ipip_settings()
{
    Settings settings;
    settings.vips = {host("203.0.113.10"), host("2001:db8:ff::10")};
    settings.encap = Encap::ipip;
    settings.interface = "eth0";
    settings.locals = {address("10.0.1.11"), address("2001:db8:1::11")};
    settings.balancers = {{address("10.0.1.2"), 32}, {address("2001:db8:1::"), 64}};
    return settings;
}

inline Settings gue_settings()
{
    Settings settings = ipip_settings();
    settings.encap = Encap::gue;
    return settings;
}

inline Facts good_backend()
{
    Facts facts;
    facts.kernel = {6, 12};
    facts.links = {{1, "lo", "", 65536, true, true, true, true},
                   {2, "eth0", "", 1600, true, true, false, true},
                   {3, "eth1", "", 1500, true, true, false, true}};
    facts.addresses = {{1, address("203.0.113.10"), 32, false},
                       {1, address("2001:db8:ff::10"), 128, false},
                       {2, address("10.0.1.11"), 24, false},
                       {2, address("2001:db8:1::11"), 64, false}};
    facts.default_routes = {{true, {2}, 10, 254, 0}, {false, {2}, 10, 254, 0}};
    facts.ipv4 = {{"all", {1, 2, 0}}, {"lo", {}}, {"eth0", {}}, {"eth1", {}}};
    facts.attached.has_ingress_qdisc = true;
    facts.attached.ingress = {{1, 0xa7a, "bpf", "decap_tc", 42}};
    facts.attached.addresses = ipip_settings().locals;
    facts.attached.gue_port = 6080;
    facts.attached.vips = ipip_settings().vips;
    facts.attached.balancers = ipip_settings().balancers;
    return facts;
}

} // namespace aya::backend
