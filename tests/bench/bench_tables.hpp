// SPDX-License-Identifier: BSD-2-Clause
//
// The tables of DESIGN's budget: 100 services of 100 backends, in the shape that the benchmarks share.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "aya/encap.h"
#include "aya/forward.h"

namespace aya::bench
{

constexpr u32 kServices = 100;
constexpr u32 kBackendsPerService = 100;
constexpr u32 kSlots = 65536;
constexpr u32 kVips = 1024;

// VIP n is 203.0.113.n:443 and [2001:db8::n]:443, TCP and UDP.
struct Tables {
    aya_settings settings{};
    std::vector<aya_vip> vips = std::vector<aya_vip>(kVips);
    std::vector<aya_port_range> port_ranges = std::vector<aya_port_range>(kVips);
    std::vector<aya_service> services = std::vector<aya_service>(kServices);
    std::vector<aya_backend> backends = std::vector<aya_backend>(kServices * kBackendsPerService);
    std::vector<aya_tunnel> tunnels = std::vector<aya_tunnel>(backends.size());
    std::vector<aya_guard> guards = std::vector<aya_guard>(kServices);
    std::vector<aya_quic> quics = std::vector<aya_quic>(kServices);
    std::vector<aya_server> servers = std::vector<aya_server>(backends.size());
    std::vector<u32> lookup = std::vector<u32>(kServices * kSlots);
    aya_view view{};

    explicit Tables(aya_outer_length encap)
    {
        const u64 seed[2] = {1, 2};
        aya_hash_key_init(&settings.hash_key, seed);
        u64 state = 3;
        for (u64 &k : settings.vip_key.k)
            k = aya_splitmix64(&state);
        settings.vip_mask = kVips - 1;
        for (u32 service = 0; service < kServices; service++)
            add_service(service, encap);
        view = {.settings = &settings,
                .vips = vips.data(),
                .port_ranges = port_ranges.data(),
                .services = services.data(),
                .backends = backends.data(),
                .tunnels = tunnels.data(),
                .guards = guards.data(),
                .quics = quics.data(),
                .servers = servers.data(),
                .lookup = lookup.data(),
                .vip_count = kVips,
                .service_count = kServices,
                .backend_count = static_cast<u32>(backends.size()),
                .lookup_count = static_cast<u32>(lookup.size()),
                .own_count = 0,
                .own = nullptr,
                .load_count = 0,
                .loads = nullptr,
                .bucket_count = 0,
                .buckets = nullptr,
                .source_buckets = nullptr,
                .refusals = nullptr,
                .reasons = nullptr,
                .now_ns = 0};
    }

    static be32 vip_ipv4(u32 service) { return aya_cpu_to_be32(0xcb007100u + service); }

private:
    void add_vip(u32 service, const be32 (&address)[4], u8 protocol)
    {
        const be16 port = aya_cpu_to_be16(443);
        u32 at = aya_vip_hash(&settings.vip_key, address, port, protocol) & settings.vip_mask;
        while (vips[at].protocol)
            at = (at + 1) & settings.vip_mask;
        std::memcpy(vips[at].address, address, sizeof(address));
        vips[at].port = port;
        vips[at].protocol = protocol;
        vips[at].service = service;
    }

    static void add_headers(aya_backend &backend, be32 address)
    {
        constexpr u8 kMacs[12] = {0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02};
        std::memcpy(backend.macs, kMacs, sizeof(kMacs));
        backend.outer_src = aya_cpu_to_be32(0xc0000201);
        backend.outer_dst = address;
        const u16 complement =
            aya_checksum_fold(0x45u + aya_cpu_to_be16(AYA_IPV4_DF).raw + AYA_OUTER_TTL +
                              aya_sum_be32(backend.outer_src) + aya_sum_be32(backend.outer_dst));
        backend.partial_checksum = static_cast<u16>(~complement);
    }

    void add_service(u32 service, aya_outer_length outer_length)
    {
        const be32 ipv4[4] = {{0}, {0}, aya_cpu_to_be32(0xffff), vip_ipv4(service)};
        const be32 ipv6[4] = {aya_cpu_to_be32(0x20010db8), {0}, {0}, aya_cpu_to_be32(service)};
        for (u8 protocol : {u8{AYA_PROTO_TCP}, u8{AYA_PROTO_UDP}}) {
            add_vip(service, ipv4, protocol);
            add_vip(service, ipv6, protocol);
        }
        aya_service &entry = services[service];
        entry.flags = AYA_SERVICE_PRESENT;
        entry.lookup_offset = service * kSlots;
        entry.lookup_size = kSlots;
        std::fill_n(entry.idle_timeout, AYA_FLOW_STATES, u16{900});
        for (u32 i = 0; i < kBackendsPerService; i++) {
            aya_backend &backend = backends[service * kBackendsPerService + i];
            backend.state = AYA_BACKEND_UP;
            backend.outer_length = outer_length;
            backend.service = static_cast<u16>(service);
            backend.mtu = 1480;
            add_headers(backend, aya_cpu_to_be32(0x0a000000u + (service << 8) + i + 1));
        }
        for (u32 i = 0; i < kSlots; i++)
            lookup[service * kSlots + i] = service * kBackendsPerService + i % kBackendsPerService;
    }
};

} // namespace aya::bench
