// SPDX-License-Identifier: BSD-2-Clause
// What connection ids need, from image to live tables.
#include <gtest/gtest.h>

#include "aya/quic.h"
#include "images.hpp"

namespace aya::test::publisher_quic_test
{
namespace
{

constexpr Capacities kCapacities{.services = 4, .backends = 8, .vips = 64, .lookup_slots = 16 * 16};
constexpr u32 kPlaces = 16;

// Backend i has server id i + 1 in one octet.
ServiceImage quic_service(const std::vector<std::string> &backends)
{
    ServiceImage service = make_service("quic", {"203.0.113.1:443/udp"}, backends);
    service.flags |= AYA_SERVICE_QUIC;
    aya_quic_config_init(&service.quic.configs[2], 1, 4, nullptr);
    const u64 seed[2] = {1, 0}; // that of make_image()
    aya_hash_key key;
    aya_hash_key_init(&key, seed);
    const auto free = static_cast<u32>(backends.size());
    service.servers.assign(kPlaces, free);
    for (u32 i = 0; i < backends.size(); i++) {
        aya_block &id = service.backends[i].server.id;
        id.high = u64{i + 1} << 56;
        u32 at = aya_server_place(&key, id, 1) % kPlaces;
        while (service.servers[at] != free)
            at = (at + 1) % kPlaces;
        service.servers[at] = i;
    }
    return service;
}

class PublisherQuicTest : public testing::Test
{
protected:
    void publish(const std::vector<ServiceImage> &services)
    {
        const auto result = publisher_->publish(make_image(services), now_ += std::chrono::minutes(1));
        ASSERT_TRUE(result) << result.errors()[0].message;
    }

    // The name of the backend that an id with config id 2 names, or nothing.
    std::string named(u8 server_id)
    {
        const aya_view view = sink_.view(sink_.generation());
        const auto service_id = static_cast<u16>(publisher_->find_service("quic")->id);
        aya_id_scratch scratch = {};
        scratch.id[0] = 2 << 5;
        scratch.id[1] = server_id;
        u8 notes = 0;
        const u32 found = aya_quic_search(&view, service_id, &scratch, AYA_QUIC_WINDOW, &notes);
        return found == AYA_BACKEND_NONE ? "" : sink_.slot(sink_.generation()).backend_names[found].text;
    }

    u32 places() { return entry().servers_offset; }
    const aya_quic &entry()
    {
        return sink_.slot(sink_.generation()).quics[publisher_->find_service("quic")->id];
    }

    MemorySink sink_{kCapacities};
    std::unique_ptr<Publisher> publisher_ = std::make_unique<Publisher>(sink_);
    Publisher::Clock::time_point now_ = Publisher::Clock::now();
};

TEST_F(PublisherQuicTest, IdsNameTheirBackends)
{
    publish({quic_service({"a", "b"})});
    EXPECT_EQ(named(1), "a");
    EXPECT_EQ(named(2), "b");
    EXPECT_EQ(named(3), "");
}

TEST_F(PublisherQuicTest, PlacesAreWrittenAnewOnlyWhenTheyDiffer)
{
    publish({quic_service({"a", "b"})});
    const u32 before = places();
    ServiceImage other = quic_service({"a", "b"});
    other.backends[0].entry.mtu = 1400;
    publish({other});
    EXPECT_EQ(places(), before);
    publish({quic_service({"b", "a"})});
    EXPECT_NE(places(), before) << "readers of the old tables may still look there";
    EXPECT_EQ(named(1), "b");
    publish({quic_service({"b", "a", "c"})});
    EXPECT_EQ(named(3), "c");
}

TEST_F(PublisherQuicTest, AnotherKeyAloneIsPublished)
{
    publish({quic_service({"a"})});
    ServiceImage other = quic_service({"a"});
    const u8 key[16] = {1};
    aya_quic_config_init(&other.quic.configs[2], 1, 4, key);
    publish({other});
    EXPECT_EQ(entry().configs[2].form, AYA_QUIC_THREE_PASSES);
    EXPECT_EQ(named(1), "");
}

TEST_F(PublisherQuicTest, NothingIsLeftOfAServiceThatGoes)
{
    for (int i = 0; i < 50; i++) { // more than the arena has room for
        publish({quic_service({"a", "b"})});
        publish({make_service("quic", {"203.0.113.1:443/udp"}, {"a", "b"})});
        EXPECT_EQ(entry().servers_size, 0u);
        EXPECT_EQ(named(1), "");
        publish({});
    }
    publish({quic_service({"a", "b"})});
    EXPECT_EQ(named(2), "b");
}

TEST_F(PublisherQuicTest, ARestartTakesThePlacesUp)
{
    publish({quic_service({"a", "b"})});
    const u32 before = places();
    publisher_ = std::make_unique<Publisher>(sink_);
    publish({quic_service({"a", "b"})});
    EXPECT_EQ(places(), before);
    EXPECT_EQ(named(2), "b");
    publish({make_service("quic", {"203.0.113.1:443/udp"}, {"a", "b"})});
    publish({make_service("quic", {"203.0.113.1:443/udp"}, {"a", "b"}), make_service("web", {}, {"a"}, 150)});
}

} // namespace
} // namespace aya::test::publisher_quic_test
