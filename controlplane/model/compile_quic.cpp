// SPDX-License-Identifier: BSD-2-Clause
#include "model/compile_quic.hpp"

#include <bit>
#include <cstring>

#include "aya/quic.h"
#include "config/quic_lb.hpp"

namespace aya
{

namespace
{

constexpr size_t kFewestPlaces = 16;

struct ServerKey {
    aya_block id;
    u32 length;
    u32 backend; // index
};

// One for each backend and each length that server ids have.
std::vector<ServerKey> keys_of(const ServiceImage &image, const ServiceConfig &service)
{
    std::set<u32> lengths;
    for (const QuicLbConfig &config : service.quic_lb)
        lengths.insert(config.server_id_length);
    const aya_block all = {~u64{0}, ~u64{0}};
    std::vector<ServerKey> keys;
    for (const u32 length : lengths)
        for (u32 i = 0; i < image.backends.size(); i++) {
            const aya_block counts = aya_block_back(all, sizeof(aya_block) - length);
            keys.push_back({aya_block_and(image.backends[i].server.id, counts), length, i});
        }
    return keys;
}

// Empty: some key is further from its place than data planes look.
std::vector<u32> place_all(const std::vector<ServerKey> &keys, const aya_hash_key &hash_key, size_t size,
                           u32 free)
{
    std::vector<u32> places(size, free);
    for (const ServerKey &key : keys) {
        const u32 at = aya_server_place(&hash_key, key.id, key.length);
        u32 walked = 0;
        while (walked < AYA_SERVER_PROBES && places[(at + walked) & (size - 1)] != free)
            walked++;
        if (walked == AYA_SERVER_PROBES)
            return {};
        places[(at + walked) & (size - 1)] = key.backend;
    }
    return places;
}

} // namespace

void compile_quic(ServiceImage &image, const ServiceConfig &service, const Seed &seed)
{
    if (service.quic_lb.empty())
        return;
    image.flags |= AYA_SERVICE_QUIC;
    for (const QuicLbConfig &config : service.quic_lb)
        image.quic.configs[config.config_id] = quic_entry(config);
    u64 words[2];
    std::memcpy(words, seed.data(), sizeof(words));
    aya_hash_key hash_key;
    aya_hash_key_init(&hash_key, words);
    const std::vector<ServerKey> keys = keys_of(image, service);
    if (keys.empty())
        return;
    const auto free = static_cast<u32>(image.backends.size());
    for (size_t size = std::max(kFewestPlaces, std::bit_ceil(2 * keys.size())); image.servers.empty();
         size *= 2)
        image.servers = place_all(keys, hash_key, size, free);
}

} // namespace aya
