// SPDX-License-Identifier: BSD-2-Clause
// Server ids in the image: every backend is found by its own, as data planes look for it.
#include "model/compile_quic.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "aya/quic.h"
#include "config/quic_lb.hpp"
#include "model/compile.hpp"

namespace aya::compile_quic_test
{
namespace
{

// `backends` in 10.0.0.0/8, with the first of each pair of server id and nonce lengths for config id 0, and
// so on.
ServiceConfig service_with(size_t backends, std::initializer_list<std::pair<u8, u8>> lengths)
{
    ServiceConfig service;
    service.name = "quic";
    service.vips = {*parse_vip("203.0.113.10:443/udp")};
    service.lookup_size = 65537;
    for (const auto &[server_id, nonce] : lengths)
        service.quic_lb.push_back({.config_id = static_cast<u8>(service.quic_lb.size()),
                                   .server_id_length = server_id,
                                   .nonce_length = nonce,
                                   .key_file = std::nullopt});
    for (size_t i = 0; i < backends; i++) {
        BackendConfig backend;
        backend.name = "b" + std::to_string(i);
        backend.address = IpAddress::v4(10, 0, static_cast<u8>(i >> 8), static_cast<u8>(i));
        service.backends.push_back(backend);
    }
    return service;
}

ServiceImage image_of(const ServiceConfig &service)
{
    ServiceObserved observed;
    observed.backends.resize(service.backends.size(), {.health = Health::up, .next_hop = std::nullopt});
    return compile(service, observed, {});
}

// An image's tables as a data plane has them: ids of backends are their indices.
struct Live {
    explicit Live(const ServiceImage &image) : lookup(image.servers), quics{image.quic}
    {
        std::replace(lookup.begin(), lookup.end(), static_cast<u32>(image.backends.size()),
                     u32{AYA_BACKEND_NONE});
        quics[0].servers_size = static_cast<u32>(lookup.size());
        for (const BackendImage &backend : image.backends) {
            backends.push_back(backend.entry);
            backends.back().state = AYA_BACKEND_UP;
            servers.push_back(backend.server);
        }
        const u64 seed[2] = {};
        aya_hash_key_init(&settings.hash_key, seed);
        view.settings = &settings;
        view.backends = backends.data();
        view.servers = servers.data();
        view.quics = quics.data();
        view.lookup = lookup.data();
        view.backend_count = static_cast<u32>(backends.size());
        view.service_count = 1;
        view.lookup_count = static_cast<u32>(lookup.size());
    }

    u32 search(const Octets &id)
    {
        u8 notes = 0;
        aya_id_scratch scratch = {};
        std::copy(id.begin(), id.end(), scratch.id);
        return aya_quic_search(&view, 0, &scratch, static_cast<u32>(id.size()), &notes);
    }

    std::vector<u32> lookup;
    std::vector<aya_quic> quics;
    std::vector<aya_backend> backends;
    std::vector<aya_server> servers;
    aya_settings settings{};
    aya_view view{};
};

TEST(CompileQuic, FindsEachOfManyBackendsByItsIdsOfEachLength)
{
    const ServiceConfig service = service_with(5000, {{4, 4}, {2, 8}, {15, 4}});
    Live live(image_of(service));
    for (u32 i = 0; i < service.backends.size(); i++)
        for (const QuicLbConfig &config : service.quic_lb) {
            const Octets server_id = server_id_of(service.backends[i], config.server_id_length);
            const Octets nonce(config.nonce_length, 0x77);
            ASSERT_EQ(live.search(make_quic_id(config, server_id, nonce)), i);
        }
    EXPECT_EQ(live.search(make_quic_id(service.quic_lb[0], {11, 0, 0, 0}, Octets(4))), AYA_BACKEND_NONE);
}

TEST(CompileQuic, WithoutConfigurationsThereIsNothing)
{
    const ServiceImage image = image_of(service_with(3, {}));
    EXPECT_EQ(image.flags & AYA_SERVICE_QUIC, 0u);
    EXPECT_TRUE(image.servers.empty());
    EXPECT_EQ(image.backends[0].server.id.high, 0u);
}

TEST(CompileQuic, AServiceWithoutBackendsNamesNobody)
{
    Live live(image_of(service_with(0, {{4, 4}})));
    EXPECT_EQ(live.search({0x08, 10, 0, 0, 0, 1, 2, 3, 4}), AYA_BACKEND_NONE);
}

} // namespace
} // namespace aya::compile_quic_test
