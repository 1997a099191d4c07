// SPDX-License-Identifier: BSD-2-Clause
// Random histories of changes, restarts, crashes and slow readers against a naive model: the image itself.
#include <algorithm>
#include <memory>
#include <optional>
#include <random>

#include <gtest/gtest.h>

#include "images.hpp"

namespace aya::test
{
namespace
{

constexpr Capacities kCapacities{.services = 12, .backends = 64, .vips = 256, .lookup_slots = 64 * 64};

class History
{
public:
    explicit History(u32 seed) : random_(seed) { publisher_ = std::make_unique<Publisher>(sink_); }

    void run(int steps)
    {
        for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); i++)
            step();
    }

private:
    u32 below(u32 limit) { return static_cast<u32>(random_() % limit); }

    void step()
    {
        switch (below(10)) {
        case 0:
            restart();
            break;
        case 1:
            retire();
            break;
        case 2:
            advance_reader();
            break;
        default:
            change();
            publish();
        }
        check();
    }

    void change()
    {
        for (u32 i = 1 + below(3); i > 0; i--)
            change_one();
    }

    void change_one()
    {
        const u32 kind = below(8);
        if (kind == 0 || services_.empty()) {
            add_service();
            return;
        }
        auto &service = services_[below(static_cast<u32>(services_.size()))];
        ServiceImage changed = *service;
        switch (kind) {
        case 1:
            services_.erase(services_.begin() + (&service - services_.data()));
            return;
        case 2:
            changed.backends.push_back(make_backend("b" + std::to_string(below(12))));
            if (has_twins(changed))
                return;
            break;
        case 3:
            if (!changed.backends.empty())
                changed.backends.erase(changed.backends.begin() +
                                       below(static_cast<u32>(changed.backends.size())));
            break;
        case 4:
            for (auto &backend : changed.backends)
                backend.entry.state = static_cast<u8>(AYA_BACKEND_DOWN + below(3));
            break;
        case 5:
            if (!changed.backends.empty())
                changed.backends[below(static_cast<u32>(changed.backends.size()))].entry.macs[0]++;
            break;
        case 6:
            changed.idle_timeout[1]++;
            std::shuffle(changed.backends.begin(), changed.backends.end(), random_);
            break;
        default:
            change_vips(changed);
        }
        changed.lookup = random_lookup(changed);
        service = std::make_shared<const ServiceImage>(changed);
    }

    static bool has_twins(const ServiceImage &service)
    {
        std::set<std::string> names;
        for (const auto &backend : service.backends)
            if (!names.insert(backend.name).second)
                return true;
        return false;
    }

    void add_service()
    {
        ServiceImage service = make_service("s" + std::to_string(below(30)), {}, {"b0", "b1", "b2"});
        for (const auto &other : services_)
            if (other->name == service.name)
                return;
        change_vips(service);
        service.lookup = random_lookup(service);
        services_.push_back(std::make_shared<const ServiceImage>(service));
    }

    void change_vips(ServiceImage &service)
    {
        service.vips.clear();
        for (u32 i = below(4); i > 0; i--) {
            VipKey vip{IpAddress::v4(203, 0, 113, static_cast<u8>(below(6))), static_cast<u16>(below(6)),
                       below(2) ? Protocol::tcp : Protocol::udp};
            if (vip.port == 2 || vip.port == 4)
                vip.more_ports = static_cast<u16>(below(2));
            if (below(3) == 0)
                vip.host_bits = 1;
            vip.address = network_of(vip.prefix()).address;
            bool taken = std::count(service.vips.begin(), service.vips.end(), vip) > 0;
            for (const auto &other : services_)
                if (other->name != service.name)
                    taken |= std::count(other->vips.begin(), other->vips.end(), vip) > 0;
            if (!taken)
                service.vips.push_back(vip);
        }
    }

    LookupTable random_lookup(const ServiceImage &service)
    {
        std::vector<u32> up;
        for (u32 i = 0; i < service.backends.size(); i++)
            if (service.backends[i].entry.state == AYA_BACKEND_UP)
                up.push_back(i);
        std::vector<u32> slots;
        if (!up.empty())
            for (u32 i = 1 + below(60); i > 0; i--)
                slots.push_back(up[below(static_cast<u32>(up.size()))]);
        return make_lookup(std::move(slots));
    }

    TableImage image() const
    {
        TableImage image;
        image.services = services_;
        return image;
    }

    void publish()
    {
        std::shuffle(services_.begin(), services_.end(), random_);
        const u64 before = sink_.generation();
        if (!publisher_->ready()) {
            ASSERT_LT(reader_epoch_, before);
            report(before);
            ASSERT_TRUE(publisher_->ready());
        }
        const auto everything = sink_.copy_of_everything();
        const auto tables = lookup_tables();
        const auto result = publisher_->publish(image(), now_ += std::chrono::minutes(1));
        if (!result) { // full: what was live is live, and wanted again
            refused_++;
            ASSERT_EQ(everything, sink_.copy_of_everything());
            services_ = live_services_;
            return;
        }
        const bool differs = snapshot_of(image()) != live_ || before == 0;
        EXPECT_EQ(result->changed, differs);
        EXPECT_EQ(result->generation, before + (result->changed ? 1 : 0));
        live_ = snapshot_of(image());
        live_services_ = services_;
        track_ids();
        expect_previous(tables);
        if (below(4) > 0)
            return;
        report(sink_.generation());
        ASSERT_TRUE(publisher_->ready());
        EXPECT_FALSE(publisher_->publish(image(), now_ += std::chrono::minutes(1)).value().changed);
        unchanged_++;
    }

    // Service -> ids in its lookup table.
    std::map<std::string, std::vector<u32>> lookup_tables()
    {
        std::map<std::string, std::vector<u32>> tables;
        for (const auto &service : live_services_) {
            const auto id = publisher_->find_service(service->name)->id;
            const aya_service &entry = sink_.slot(sink_.generation()).services[id];
            const u32 *slots = sink_.lookup() + entry.lookup_offset;
            tables[service->name].assign(slots, slots + entry.lookup_size);
        }
        return tables;
    }

    // A table that was replaced, and not empty, is the previous one now.
    void expect_previous(const std::map<std::string, std::vector<u32>> &before)
    {
        for (const auto &[name, now] : lookup_tables()) {
            const auto old = before.find(name);
            if (old == before.end() || old->second.empty() || old->second == now)
                continue;
            const aya_service &entry =
                sink_.slot(sink_.generation()).services[publisher_->find_service(name)->id];
            const u32 *slots = sink_.lookup() + entry.previous_offset;
            EXPECT_EQ(std::vector<u32>(slots, slots + entry.previous_size), old->second) << name;
        }
    }

    void retire()
    {
        if (!publisher_->ready())
            return;
        const auto names = publisher_->services_with_previous();
        const u64 before = sink_.generation();
        const auto retired = publisher_->retire_previous(names);
        EXPECT_EQ(retired.changed, !names.empty());
        EXPECT_EQ(retired.generation, before + (names.empty() ? 0 : 1));
        EXPECT_TRUE(publisher_->services_with_previous().empty());
    }

    // A killed predecessor leaves anything in the slot that it was writing, but only there and in free spans.
    void restart()
    {
        publisher_.reset();
        if (publisher_safe_to_scribble())
            scribble();
        publisher_ = std::make_unique<Publisher>(sink_);
        if (sink_.generation() == 0)
            return;
        const auto before = sink_.generation();
        if (publisher_->ready()) {
            services_ = live_services_;
            for (auto &service : services_) // equal, but not the same objects
                service = std::make_shared<const ServiceImage>(*service);
            const auto published = publisher_->publish(image(), now_ += std::chrono::minutes(1));
            ASSERT_TRUE(published);
            EXPECT_FALSE(published->changed);
            live_services_ = services_;
        }
        EXPECT_EQ(sink_.generation(), before);
    }

    bool publisher_safe_to_scribble() { return sink_.generation() > 0 && sink_.quiescent(); }

    void scribble()
    {
        const TableSlot &other = sink_.slot(sink_.generation() + 1);
        for (int i = 0; i < 20; i++) {
            std::memset(&other.services[below(kCapacities.services)], static_cast<int>(random_()),
                        sizeof(aya_service));
            std::memset(&other.backends[below(kCapacities.backends)], static_cast<int>(random_()),
                        sizeof(aya_backend));
            std::memset(&other.vips[below(kCapacities.vips)], static_cast<int>(random_()), sizeof(aya_vip));
            std::memset(&other.backend_names[below(kCapacities.backends)], static_cast<int>(random_()), 64);
            std::memset(&other.service_names[below(kCapacities.services)], static_cast<int>(random_()), 64);
        }
    }

    // The reader stays at a generation for as long as the publisher lets it be.
    void advance_reader()
    {
        if (sink_.generation() > 0)
            report(sink_.generation());
    }

    void report(u64 generation)
    {
        sink_.report(0, generation);
        reader_epoch_ = generation;
        read_ = snapshot_of(sink_, generation);
    }

    void check()
    {
        if (sink_.generation() == 0)
            return;
        ASSERT_EQ(snapshot_of(sink_, sink_.generation()), live_);
        if (reader_epoch_ > 0 && reader_epoch_ + 1 >= sink_.generation()) {
            ASSERT_EQ(snapshot_of(sink_, reader_epoch_), read_) << "the slot of a reader was written";
        }
    }

    // No (id, incarnation) ever means two backends, and a backend that was down never has one again that it
    // had before.
    void track_ids()
    {
        for (const auto &service : services_)
            for (const auto &backend : service->backends) {
                const auto live = publisher_->find_backend(service->name, backend.name);
                ASSERT_TRUE(live);
                const std::string owner = service->name + "/" + backend.name;
                const auto [found, added] = owners_.emplace(std::pair(live->id, live->incarnation), owner);
                EXPECT_EQ(found->second, owner);
                u16 &down = down_[{owner, live->id}];
                EXPECT_GE(live->incarnation, down);
                if (live->state == AYA_BACKEND_DOWN) {
                    EXPECT_FALSE(alive_.contains({live->id, live->incarnation}));
                    down = live->incarnation;
                }
            }
        for (const auto &service : services_)
            for (const auto &backend : service->backends)
                if (const auto live = publisher_->find_backend(service->name, backend.name);
                    live->state >= AYA_BACKEND_DRAINING)
                    alive_.insert({live->id, live->incarnation});
    }

    std::mt19937 random_;
    MemorySink sink_{kCapacities};
    std::unique_ptr<Publisher> publisher_;
    Publisher::Clock::time_point now_ = Publisher::Clock::now(); // every table is in force for long
    std::vector<std::shared_ptr<const ServiceImage>> services_, live_services_;
    Snapshot live_, read_;
    u64 reader_epoch_ = 0;
    std::map<std::pair<u32, u16>, std::string> owners_;
    std::map<std::pair<std::string, u32>, u16> down_; // (backend, id) -> incarnation when it was down last
    std::set<std::pair<u32, u16>> alive_;

public:
    int refused_ = 0;
    int unchanged_ = 0;
};

TEST(PublisherModel, EveryGenerationIsTheImageWholeAndOnly)
{
    int refused = 0;
    int unchanged = 0;
    for (u32 seed = 1; seed <= 12 && !testing::Test::HasFailure(); seed++) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        History history(seed);
        history.run(400);
        refused += history.refused_;
        unchanged += history.unchanged_;
    }
    EXPECT_GT(refused, 0) << "the tables were never full: the test is too tame";
    EXPECT_GT(unchanged, 100);
}

} // namespace
} // namespace aya::test
