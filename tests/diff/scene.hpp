// SPDX-License-Identifier: BSD-2-Clause
//
// Tables that keep changing, and the packets that meet them. The same seed gives the same run.
#pragma once

#include <vector>

#include "model/source_set.hpp"
#include "random_packets.hpp"
#include "table_builder.hpp"

namespace aya::test
{

// Eight services of ten backends: every encapsulation, two egress ports, and an MTU that packets exceed. To
// the last one connection ids lead, also to 110 more backends that no lookup table names.
class DiffScene
{
public:
    explicit DiffScene(u64 seed)
        : packets_(seed, {.ipv4 = {"203.0.113.10", "203.0.113.10", "203.0.113.11", "203.0.113.12",
                                   "203.0.113.13", "203.0.113.14", "203.0.113.15", "203.0.113.16",
                                   "203.0.113.99", "203.0.113.65", "203.0.113.66", "203.0.113.70"},
                          .ipv6 = {"2001:db8::10", "2001:db8::10", "2001:db8::11", "2001:db8::12",
                                   "2001:db8::13", "2001:db8::14", "2001:db8::15", "2001:db8::16",
                                   "2001:db8::99", "2001:db8:1::5", "2001:db8:1::6"},
                          .ports = {443, 443, 443, 80, 1234}})
    {
        services_ = {
            tables_.add_service({"203.0.113.10:443/tcp", "203.0.113.10:443/udp", "203.0.113.10:80/tcp",
                                 "[2001:db8::10]:443/tcp", "[2001:db8::10]:443/udp"},
                                AYA_SERVICE_RESETS),
            tables_.add_service({"203.0.113.11:0/udp", "[2001:db8::11]:0/udp", "203.0.113.11:0/tcp"},
                                AYA_SERVICE_AFFINITY_SOURCE),
            tables_.add_service({"203.0.113.12:80/tcp", "203.0.113.12:443/tcp", "[2001:db8::12]:80/tcp",
                                 "[2001:db8::12]:443/tcp"},
                                AYA_SERVICE_STATELESS),
            tables_.add_service({"203.0.113.13:443/tcp", "203.0.113.13:80/tcp", "203.0.113.13:443/udp",
                                 "[2001:db8::13]:443/tcp", "[2001:db8::13]:443/udp"},
                                AYA_SERVICE_RANDOM),
            tables_.add_service({"203.0.113.14:443/tcp", "203.0.113.14:80/tcp", "203.0.113.14:443/udp",
                                 "[2001:db8::14]:443/tcp", "[2001:db8::14]:443/udp"},
                                AYA_SERVICE_IN_TURN | AYA_SERVICE_RESETS),
            tables_.add_service({"203.0.113.15:443/tcp", "203.0.113.15:80/tcp", "203.0.113.15:443/udp",
                                 "[2001:db8::15]:443/tcp", "[2001:db8::15]:443/udp"},
                                AYA_SERVICE_LEAST_FLOWS),
            tables_.add_service({"203.0.113.64/28:400-500/tcp", "203.0.113.64/28:443/udp",
                                 "203.0.113.66:80-1000/tcp", "[2001:db8:1::/64]:0/tcp",
                                 "[2001:db8:1::/64]:443/udp"}),
            tables_.add_service({"203.0.113.16:443/tcp", "203.0.113.16:0/udp", "[2001:db8::16]:443/tcp",
                                 "[2001:db8::16]:0/udp"})};
        tables_.add_vip("203.0.113.64/28:443/tcp", services_[0]);
        tables_.add_vip("203.0.113.64/26:0/tcp", services_[2]);
        tables_.add_vip("[2001:db8:1::/64]:80/tcp", services_[3]);
        tables_.add_vip("203.0.113.65:443/tcp", services_[4]);
        tables_.service(services_[1]).source_ignored_ipv4 = aya_cpu_to_be32(0xff);
        tables_.service(services_[1]).source_ignored_ipv6[3] = aya_cpu_to_be32(0xffffffff);
        tables_.set_sources(
            services_[0],
            build_source_set({*parse_prefix("198.51.100.5"), *parse_prefix("2001:db8:c::5"),
                              *parse_prefix("2000::/3"), *parse_prefix("198.51.100.0/24")},
                             {*parse_prefix("198.51.100.4/30"), *parse_prefix("2001:db8:c::4/126")}, true));
        for (u16 service : {services_[1], services_[3]})
            limit_packets(service);
        for (u16 service : {services_[4], services_[5]})
            limit_flows(service);
        tables_.guard(services_[5]).flags = AYA_GUARD_REFUSES_FLOWS;
        tables_.set_resets(true);
        tables_.set_local("203.0.113.11");
        tables_.set_local("2001:db8::10");
        tables_.set_local("203.0.113.70", services_[6]);
        const Encap encaps[] = {{},
                                ipip("192.0.2.1", "10.0.1.11"),
                                ipip("2001:db8:b::1", "2001:db8:b::11"),
                                gue("192.0.2.1", "10.0.1.12"),
                                gue("2001:db8:b::1", "2001:db8:b::12")};
        for (u16 service : services_)
            for (u32 i = 0; i < 10; i++)
                backends_.push_back(tables_.add_backend(
                    service,
                    {.encap = encaps[i % 5], .egress_port = static_cast<u16>(i == 6 ? 1 : 0), .mtu = 1300}));
        for (u16 service : services_)
            reschedule(service);
        add_ids(services_.back());
    }

    const Tables &tables() const { return tables_; }
    Bytes next_packet() { return packets_.next(); }
    u32 below(u32 limit) { return packets_.below(limit); }

    void change_something()
    {
        const u32 id = backends_[below(static_cast<u32>(backends_.size()))];
        aya_backend &backend = tables_.backend(id);
        tables_.service(services_[0]).flags ^= below(4) == 0 ? u32{AYA_SERVICE_LISTS} : 0;
        tables_.guard(services_[below(6)]).flags ^= below(4) == 0 ? u32{AYA_GUARD_COUNTS} : 0;
        switch (below(5)) {
        case 0:
            tables_.take_down(id);
            break;
        case 1:
            backend.state = AYA_BACKEND_DRAINING;
            break;
        case 2:
            backend.egress_port = below(4) ? u16{0} : u16{AYA_PORT_NONE};
            break;
        case 3:
            tables_.service(backend.service).previous_size = 0;
            break;
        default:
            backend.state = AYA_BACKEND_UP;
        }
        if (room_for_lookup_ > 0) {
            room_for_lookup_--;
            reschedule(backend.service);
        }
    }

private:
    // A token costs next to nothing: buckets are used up when all paths are told so.
    void limit_packets(u16 service)
    {
        tables_.service(service).flags |= AYA_SERVICE_LIMITS_PACKETS;
        tables_.guard(service).packet_cost = tables_.guard(service).source_packet_cost = 1;
    }

    void limit_flows(u16 service)
    {
        tables_.service(service).flags |= AYA_SERVICE_LIMITS_FLOWS;
        tables_.guard(service).flow_cost = tables_.guard(service).source_flow_cost = 1;
    }

    // Nearly every form of connection id. Server ids have one octet, so that random ids name some backend
    // half of the time.
    void add_ids(u16 service)
    {
        const std::string key = "8f95f09245765f80256934e50c66207f";
        tables_.add_quic(service, 0, 1, 4);
        tables_.add_quic(service, 1, 1, 15, key);
        tables_.add_quic(service, 2, 1, 5, key);
        tables_.add_quic(service, 3, 1, 6, key);
        tables_.add_quic(service, 4, 1, 18, key);
        tables_.add_quic(service, 5, 1, 17);
        for (u32 id = 0; id < 120; id++) {
            constexpr const char *kDigits = "0123456789abcdef";
            const u32 backend =
                id < 10 ? backends_[backends_.size() - 10 + id] : tables_.add_backend(service, {.mtu = 1300});
            tables_.set_server_id(backend, {kDigits[id >> 4], kDigits[id & 15]});
        }
    }

    // A lookup table over the service's backends that are up, with few slots, so that all are used; now and
    // then an empty one.
    void reschedule(u16 service)
    {
        std::vector<u32> up;
        for (u32 id : backends_)
            if (tables_.backend(id).service == service && tables_.backend(id).state == AYA_BACKEND_UP)
                up.push_back(id);
        std::vector<u32> slots(up.empty() || below(50) == 0 ? 0 : 61);
        for (u32 i = 0; i < slots.size(); i++)
            slots[i] = up[(i * 7 + below(3)) % up.size()];
        tables_.set_lookup(service, slots);
    }

    Tables tables_;
    RandomPackets packets_;
    std::vector<u16> services_;
    std::vector<u32> backends_;
    u32 room_for_lookup_ = 2000; // the arena only grows
};

} // namespace aya::test
