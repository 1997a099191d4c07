// SPDX-License-Identifier: BSD-2-Clause
// The publisher's rules, one by one.
#include <gtest/gtest.h>

#include "images.hpp"

namespace aya::test
{
namespace
{

constexpr Capacities kSmall{.services = 4, .backends = 8, .vips = 64, .lookup_slots = 16 * 16};

class PublisherTest : public testing::Test
{
protected:
    Published publish(const TableImage &image)
    {
        auto result = publisher_.publish(image, now_ += step_);
        EXPECT_TRUE(result) << (result ? "" : result.errors()[0].message);
        if (!result)
            return {};
        EXPECT_EQ(result->generation, sink_.generation());
        EXPECT_EQ(snapshot_of(sink_, sink_.generation()), snapshot_of(image));
        return *result;
    }

    Published publish(const std::vector<ServiceImage> &services) { return publish(make_image(services)); }

    // Refused as often as it is asked, and nothing has changed: neither the tables, nor what is left of them.
    void expect_refused(const std::vector<ServiceImage> &services, const std::string &limit)
    {
        const auto before = sink_.copy_of_everything();
        for (int i = 0; i < 20; i++) {
            const auto result = publisher_.publish(make_image(services), now_ += step_);
            ASSERT_FALSE(result);
            EXPECT_EQ(result.errors()[0].where, limit);
            EXPECT_NE(result.errors()[0].message, "");
        }
        EXPECT_EQ(before, sink_.copy_of_everything());
    }

    const aya_service &service_entry(const std::string &name)
    {
        return sink_.slot(sink_.generation()).services[publisher_.find_service(name)->id];
    }

    const aya_guard &guard_of(const std::string &name)
    {
        return sink_.slot(sink_.generation()).guards[publisher_.find_service(name)->id];
    }

    std::vector<std::string> previous_of(const std::string &name)
    {
        const aya_service &entry = service_entry(name);
        return lookup_names(sink_, sink_.generation(), entry.previous_offset, entry.previous_size);
    }

    MemorySink sink_{kSmall};
    Publisher publisher_{sink_};
    Publisher::Clock::time_point now_ = Publisher::Clock::now();
    Publisher::Clock::duration step_ = std::chrono::minutes(1); // from one publish to the next
};

TEST_F(PublisherTest, AnEmptyImageIsAGenerationToo)
{
    const auto published = publish(std::vector<ServiceImage>{});
    EXPECT_EQ(published.generation, 1u);
    EXPECT_TRUE(published.changed);
    EXPECT_FALSE(publish(std::vector<ServiceImage>{}).changed);
}

TEST_F(PublisherTest, WhatIsThereAlreadyIsNotWritten)
{
    const auto service = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"});
    EXPECT_TRUE(publish({service}).changed);
    const auto before = sink_.copy_of_everything();
    const auto again = publish({service}); // another object that says the same
    EXPECT_FALSE(again.changed);
    EXPECT_EQ(again.generation, 1u);
    EXPECT_EQ(before, sink_.copy_of_everything());
}

TEST_F(PublisherTest, WritesOnlyWhatChanged)
{
    const auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"});
    auto dns = make_service("dns", {"203.0.113.2:53/udp"}, {"c"});
    TableImage image = make_image({web, dns});
    publish(image);
    publish(make_image({web, dns}));
    dns.backends[0].entry.macs[0] = 1;
    image.services[1] = std::make_shared<const ServiceImage>(dns);
    publish(image);
    // Marks in entries of `web`, in the slot that is written next: they would be gone had it been copied.
    const u32 id = publisher_.find_backend("web", "a")->id;
    sink_.slot(3).backends[id].macs[11] = 77;
    dns.backends[0].entry.macs[0] = 2;
    image.services[1] = std::make_shared<const ServiceImage>(dns);
    publish(image);
    EXPECT_EQ(sink_.slot(3).backends[id].macs[11], 77);
    EXPECT_EQ(publisher_.generation(), 3u);
}

TEST_F(PublisherTest, WritesATunnelThatChangedAlone)
{
    auto dns = make_service("dns", {"203.0.113.2:53/udp"}, {"c"});
    publish({dns});
    dns.backends[0].tunnel.udp[2] = 0x17;
    publish({dns});
    ASSERT_EQ(publisher_.generation(), 2u);
    const u32 id = publisher_.find_backend("dns", "c")->id;
    EXPECT_EQ(sink_.slot(2).tunnels[id].udp[2], 0x17);
    publish({make_service("dns", {"203.0.113.2:53/udp"}, {"d"})});
    EXPECT_EQ(sink_.slot(3).tunnels[id].udp[2], 0) << "nothing of it is left when it is gone";
}

TEST_F(PublisherTest, ServicesWithTheSameListsShareThem)
{
    const auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a"});
    const auto dns = make_service("dns", {"203.0.113.2:53/udp"}, {"c"});
    publish({with_list(web, refusing("10.0.0.0/8")), with_list(dns, refusing("10.0.0.0/8"))});
    EXPECT_EQ(guard_of("web").sources, guard_of("dns").sources);
    publish({with_list(web, refusing("10.0.0.0/8")), with_list(dns, refusing("11.0.0.0/8"))});
    EXPECT_NE(guard_of("web").sources, guard_of("dns").sources);
    publish({web, dns});
    EXPECT_EQ(guard_of("web").sources, 0u);
}

TEST_F(PublisherTest, ListsThatSayTheSameAreNotWrittenAgain)
{
    const auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a"});
    EXPECT_TRUE(publish({with_list(web, refusing("10.0.0.0/8"))}).changed);
    EXPECT_FALSE(publish({with_list(web, refusing("10.0.0.0/8"))}).changed);
}

TEST_F(PublisherTest, ReplacedListsGiveTheirPlaceBack)
{
    const auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a"});
    for (int i = 0; i < 50; i++) // many times what the arena holds
        publish({with_list(web, refusing(std::to_string(1 + i) + ".0.0.0/8"))});
    publish({web});
    publish({with_list(web, refusing("10.0.0.0/8"))});
    publish(std::vector<ServiceImage>{});
    publish({with_list(web, refusing("11.0.0.0/8"))});
}

TEST_F(PublisherTest, ListsThatDoNotFitTheArenaAreRefused)
{
    const auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a"});
    publish({with_list(web, refusing("10.0.0.0/8"))});
    std::vector<Prefix> many;
    for (u8 i = 1; i < 200; i += 2)
        many.push_back({IpAddress::v4(i, 0, 0, 0), 8});
    const auto set = std::make_shared<const std::vector<u32>>(build_source_set(many, {}, true));
    expect_refused({with_list(web, set),
                    with_list(make_service("dns", {"203.0.113.2:53/udp"}, {"c"}), refusing("12.0.0.0/8"))},
                   "/controlplane/limits/lookup_slots");
}

TEST_F(PublisherTest, NeedsReadersToHaveLeftTheOtherSlot)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"});
    publish({web});
    sink_.report(0, 1);
    EXPECT_TRUE(publisher_.ready());
    web.backends[0].entry.macs[0] = 1;
    publish({web});
    EXPECT_FALSE(publisher_.ready()) << "a reader is at generation 1";
    const auto before = sink_.copy_of_everything();
    EXPECT_THROW((void)publisher_.publish(make_image({}), now_ += step_), std::logic_error);
    EXPECT_THROW((void)publisher_.retire_previous({"web"}), std::logic_error);
    EXPECT_EQ(before, sink_.copy_of_everything());
    sink_.report(0, 2);
    EXPECT_TRUE(publisher_.ready());
    sink_.join(0);
    EXPECT_TRUE(publisher_.ready()) << "who joins later reads the live generation";
}

TEST_F(PublisherTest, GoingDownAndComingBackRaisesTheIncarnationOnce)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"});
    publish({web});
    const auto first = *publisher_.find_backend("web", "a");
    for (u8 state : {AYA_BACKEND_DRAINING, AYA_BACKEND_UP}) {
        web.backends[0].entry.state = state;
        publish({web});
        EXPECT_EQ(publisher_.find_backend("web", "a")->incarnation, first.incarnation) << "flows are kept";
    }
    web.backends[0].entry.state = AYA_BACKEND_DOWN;
    publish({web});
    EXPECT_EQ(publisher_.find_backend("web", "a")->incarnation, first.incarnation + 1);
    web.backends[0].entry.macs[0] = 9; // still down, otherwise changed
    publish({web});
    web.backends[0].entry.state = AYA_BACKEND_UP;
    publish({web});
    EXPECT_EQ(publisher_.find_backend("web", "a")->incarnation, first.incarnation + 1);
    EXPECT_EQ(publisher_.find_backend("web", "a")->id, first.id);
    EXPECT_EQ(publisher_.find_backend("web", "b")->incarnation, 1);
}

TEST_F(PublisherTest, AnotherAddressUnderTheSameNameIsAnotherBackend)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a"});
    publish({web});
    const auto before = *publisher_.find_backend("web", "a");
    web.backends[0].address = IpAddress::v4(10, 0, 0, 99);
    publish({web});
    EXPECT_EQ(publisher_.find_backend("web", "a")->incarnation, before.incarnation + 1);
}

TEST_F(PublisherTest, AnIdRestsAsLongAsPossibleAndComesBackWithAnotherIncarnation)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a"});
    publish({web});
    std::map<u32, u16> last;
    u32 reused = 0;
    std::vector<u32> recent{publisher_.find_backend("web", "a")->id};
    for (int i = 0; i < 50; i++) {
        web = make_service("web", {"203.0.113.1:80/tcp"}, {"a" + std::to_string(i)});
        publish({web});
        const auto live = *publisher_.find_backend("web", web.backends[0].name);
        EXPECT_FALSE(
            std::count(recent.end() - std::min<long>(static_cast<long>(recent.size()), kSmall.backends - 1),
                       recent.end(), live.id))
            << "id " << live.id << " had no rest";
        recent.push_back(live.id);
        if (const auto before = last.find(live.id); before != last.end()) {
            EXPECT_GT(live.incarnation, before->second);
            reused++;
        }
        last[live.id] = live.incarnation;
    }
    EXPECT_GT(reused, 30u);
}

TEST_F(PublisherTest, AllBackendsCanBeReplacedAtOnceInAFullTable)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b", "c", "d", "e", "f", "g", "h"});
    publish({web});
    std::map<u32, u16> before;
    for (const auto &backend : web.backends) {
        const auto live = *publisher_.find_backend("web", backend.name);
        before[live.id] = live.incarnation;
    }
    web = make_service("web", {"203.0.113.1:80/tcp"}, {"i", "j", "k", "l", "m", "n", "o", "p"});
    publish({web});
    for (const auto &backend : web.backends) {
        const auto live = *publisher_.find_backend("web", backend.name);
        EXPECT_EQ(live.incarnation, before.at(live.id) + 1);
    }
}

TEST_F(PublisherTest, KeepsThePreviousTableUntilItIsRetired)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"}, 4);
    publish({web});
    EXPECT_FALSE(publisher_.find_service("web")->has_previous);
    EXPECT_TRUE(publisher_.services_with_previous().empty());
    web.backends[0].entry.state = AYA_BACKEND_DRAINING;
    web.lookup = make_lookup({1, 1, 1, 1});
    publish({web});
    EXPECT_EQ(previous_of("web"), (std::vector<std::string>{"a", "b", "a", "b"}));
    EXPECT_EQ(publisher_.services_with_previous(), std::vector<std::string>{"web"});

    const auto retired = publisher_.retire_previous({"web", "unknown"});
    EXPECT_TRUE(retired.changed);
    EXPECT_EQ(retired.generation, 3u);
    EXPECT_EQ(service_entry("web").previous_size, 0u);
    EXPECT_FALSE(publisher_.find_service("web")->has_previous);
    EXPECT_FALSE(publisher_.retire_previous({"web"}).changed);
    EXPECT_FALSE(publish({web}).changed);
    EXPECT_EQ(snapshot_of(sink_, 3), snapshot_of(make_image({web})));
}

TEST_F(PublisherTest, AnEmptyTableDoesNotTakeThePlaceOfThePreviousOne)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"}, 4);
    publish({web});
    const auto full = web.lookup;
    web.lookup = make_lookup({});
    publish({web});
    EXPECT_EQ(service_entry("web").lookup_size, 0u);
    EXPECT_EQ(previous_of("web").size(), 4u);
    web.lookup = make_lookup({1, 1, 1, 1});
    publish({web});
    EXPECT_EQ(previous_of("web"), (std::vector<std::string>{"a", "b", "a", "b"}));
    web.lookup = full;
    publish({web});
    EXPECT_EQ(previous_of("web"), (std::vector<std::string>{"b", "b", "b", "b"}));
}

TEST_F(PublisherTest, ATableThatStoodForAMomentIsNotThePreviousOne)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"}, 4);
    web.lookup = make_lookup({0, 0, 0, 0}); // b was found up a second later
    publish({web});
    step_ = kLookupInForce - std::chrono::milliseconds(1);
    web.lookup = make_lookup({0, 1, 0, 1});
    publish({web});
    EXPECT_FALSE(publisher_.find_service("web")->has_previous);
    step_ = kLookupInForce;
    web.lookup = make_lookup({1, 1, 0, 1});
    publish({web});
    EXPECT_EQ(previous_of("web"), (std::vector<std::string>{"a", "b", "a", "b"}));
    step_ = std::chrono::seconds(1);
    web.lookup = make_lookup({1, 1, 1, 1});
    publish({web});
    EXPECT_EQ(previous_of("web"), (std::vector<std::string>{"a", "b", "a", "b"}))
        << "stays: it was in force for longer";
}

TEST_F(PublisherTest, AMomentsFailureOfAllProbesLeavesNoPreviousTable)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"}, 4);
    publish({web});
    const auto full = web.lookup;
    web.lookup = make_lookup({1, 1, 1, 1});
    publish({web});
    step_ = std::chrono::seconds(1);
    web.lookup = full;
    publish({web});
    EXPECT_FALSE(publisher_.find_service("web")->has_previous);
    step_ = std::chrono::minutes(1);
    web.lookup = make_lookup({0, 0, 0, 0}); // and its span is free for others
    publish({web});
    EXPECT_EQ(previous_of("web"), (std::vector<std::string>{"a", "b", "a", "b"}));
}

TEST_F(PublisherTest, APreviousTableIsOutlivedAfterAsLongAsItWasInForce)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"}, 4);
    web.idle_timeout[AYA_FLOW_ESTABLISHED] = 838; // 15 min
    publish({web});
    step_ = std::chrono::seconds(20);
    web.lookup = make_lookup({1, 1, 1, 1});
    publish({web});
    EXPECT_TRUE(publisher_.outlived_previous(now_ + std::chrono::seconds(19)).empty());
    EXPECT_EQ(publisher_.outlived_previous(now_ + std::chrono::seconds(20)), std::vector<std::string>{"web"});
    step_ = std::chrono::hours(1);
    web.lookup = make_lookup({0, 1, 1, 1});
    publish({web});
    EXPECT_TRUE(publisher_.outlived_previous(now_ + std::chrono::minutes(14)).empty());
    EXPECT_FALSE(publisher_.outlived_previous(now_ + std::chrono::minutes(15)).empty());
}

TEST_F(PublisherTest, AFlapFindsItsTableWhereItWas)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"}, 4);
    publish({web});
    const auto full = web.lookup;
    const u32 offset = service_entry("web").lookup_offset;
    web.lookup = make_lookup({1, 1, 1, 1});
    publish({web});
    EXPECT_NE(service_entry("web").lookup_offset, offset);
    web.lookup = full;
    publish({web});
    EXPECT_EQ(service_entry("web").lookup_offset, offset);
    EXPECT_EQ(previous_of("web"), (std::vector<std::string>{"b", "b", "b", "b"}));
}

TEST_F(PublisherTest, ASpanIsNotReusedWhileAReaderMayFollowIt)
{
    auto web = make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"}, 16);
    std::vector<u32> up(16, 0);
    publish({web});
    // A table for each generation; those of the live one, and of the slot before it, must never be written.
    for (u32 round = 0; round < 40; round++) {
        const u64 generation = sink_.generation();
        const auto before = snapshot_of(sink_, generation);
        up[round % 16] ^= 1;
        web.lookup = make_lookup(up);
        publish({web});
        EXPECT_EQ(snapshot_of(sink_, generation), before);
    }
}

TEST_F(PublisherTest, VipsPassFromOneServiceToAnother)
{
    auto one = make_service("one", {"203.0.113.1:80/tcp", "203.0.113.1:81/tcp"}, {"a"});
    auto two = make_service("two", {"203.0.113.1:82/tcp"}, {"b"});
    publish({one, two});
    std::swap(one.vips, two.vips);
    publish({one, two});
    publish({two});
    publish({one});
    const auto view = sink_.view(sink_.generation());
    EXPECT_EQ(search(view, *parse_vip("203.0.113.1:80/tcp")), u32{AYA_SERVICE_NONE});
    EXPECT_EQ(search(view, *parse_vip("203.0.113.1:82/tcp")), publisher_.find_service("one")->id);
}

TEST_F(PublisherTest, FollowsWhichAddressesTheKernelHas)
{
    const auto local_entries = [this] {
        u32 count = 0;
        for (u32 i = 0; i < kSmall.vips; i++)
            count += sink_.slot(sink_.generation()).vips[i].flags & AYA_VIP_LOCAL;
        return count;
    };
    ServiceImage web = make_service("web", {"203.0.113.10:80/tcp", "203.0.113.11:80/tcp"}, {"a"});
    ServiceImage dns = make_service("dns", {"203.0.113.10:53/udp"}, {"a"});
    publish({web, dns});
    EXPECT_EQ(local_entries(), 0u);
    web.local = dns.local = {host_prefix(IpAddress::v4(203, 0, 113, 10))};
    EXPECT_TRUE(publish({web, dns}).changed);
    EXPECT_EQ(local_entries(), 1u);
    EXPECT_FALSE(publish({web, dns}).changed);
    web.local = dns.local = {};
    publish({web, dns});
    EXPECT_EQ(local_entries(), 0u);
}

TEST_F(PublisherTest, RefusesAVipOfTwoServices)
{
    publish({make_service("one", {"203.0.113.1:80/tcp"}, {"a"})});
    expect_refused({make_service("one", {"203.0.113.1:80/tcp"}, {"a"}),
                    make_service("two", {"203.0.113.1:80/tcp"}, {"b"})},
                   "/services");
    expect_refused({make_service("two", {"203.0.113.9:80/tcp"}, {"b"}),
                    make_service("six", {"203.0.113.9:80/tcp"}, {"b"})},
                   "/services");
}

TEST_F(PublisherTest, RefusesTwoOfOneNameAndNamesThatDoNotFit)
{
    publish(std::vector<ServiceImage>{});
    const auto web = make_service("web", {}, {"a"});
    expect_refused({web, web}, "/services");
    expect_refused({make_service("web", {}, {"a", "a"})}, "/services");
    expect_refused({make_service(std::string(64, 'x'), {}, {"a"})}, "/services");
    expect_refused({make_service("web", {}, {std::string(64, 'x')})}, "/services");
    publish({make_service(std::string(63, 'x'), {}, {std::string(63, 'y')})});
}

TEST_F(PublisherTest, RefusesMoreServicesThanFit)
{
    std::vector<ServiceImage> services;
    for (u32 i = 0; i < kSmall.services; i++)
        services.push_back(make_service("s" + std::to_string(i), {}, {"a"}));
    publish(services);
    auto more = services;
    more.push_back(make_service("more", {}, {"a"}));
    expect_refused(more, "/controlplane/limits/services");
    services[0].name = "other";
    publish(services);
}

TEST_F(PublisherTest, RefusesMoreBackendsThanFit)
{
    auto web = make_service("web", {}, {"a", "b", "c", "d", "e", "f", "g", "h"});
    publish({web});
    expect_refused({web, make_service("dns", {}, {"i"})}, "/controlplane/limits/backends");
    web.backends.resize(6);
    web.lookup = lookup_in_turns(web, 17);
    publish({web});
    expect_refused({web, make_service("dns", {}, {"i", "j", "k"})}, "/controlplane/limits/backends");
    publish({web, make_service("dns", {}, {"i", "j"})});
}

TEST_F(PublisherTest, RefusesMoreVipsThanFit)
{
    auto web = make_service("web", {}, {"a"});
    for (u8 i = 0; i < 16; i++)
        web.vips.push_back({IpAddress::v4(10, 9, 0, i), 80, Protocol::tcp});
    publish({web});
    web.vips.push_back({IpAddress::v4(10, 9, 0, 0), 81, Protocol::tcp});
    web.idle_timeout[1] = 5;
    expect_refused({web}, "/controlplane/limits/vips");
    web.vips.erase(web.vips.begin() + 1);
    publish({web});
}

TEST_F(PublisherTest, RefusesATableThatTheArenaHasNoRoomFor)
{
    auto web = make_service("web", {}, {"a", "b"}, 100);
    publish({web}); // 112 of 256 slots
    auto dns = make_service("dns", {}, {"c"}, 200);
    expect_refused({web, dns}, "/controlplane/limits/lookup_slots");
    web.lookup = make_lookup(std::vector<u32>(100, 1));
    expect_refused({web, make_service("dns", {}, {"c"}, 33)}, "/controlplane/limits/lookup_slots");
    publish({web}); // 224
    dns.lookup = lookup_in_turns(dns, 32);
    publish({web, dns}); // 256
    web.lookup = make_lookup(std::vector<u32>(100, 0));
    expect_refused({web, dns}, "/controlplane/limits/lookup_slots");
    publisher_.retire_previous({"web"});
    publish({web, dns});
}

TEST_F(PublisherTest, AnotherSeedIsPublished)
{
    TableImage image = make_image({make_service("web", {"203.0.113.1:80/tcp"}, {"a"})});
    publish(image);
    const aya_hash_key before = sink_.slot(1).settings->hash_key;
    image.seed[5]++;
    EXPECT_TRUE(publish(image).changed);
    EXPECT_NE(std::memcmp(&before, &sink_.slot(2).settings->hash_key, sizeof(before)), 0);
    EXPECT_FALSE(publish(image).changed);
}

TEST_F(PublisherTest, WhatIsMoreThanOnePortIsMarked)
{
    publish({make_service("web", {"203.0.113.1:80/tcp"}, {"a"})});
    EXPECT_EQ(sink_.slot(1).settings->wide, 0u);
    publish({make_service("web", {"203.0.113.1:80/tcp", "203.0.113.1:*/udp"}, {"a"})});
    EXPECT_EQ(sink_.slot(2).settings->wide, 1u);
}

} // namespace
} // namespace aya::test
