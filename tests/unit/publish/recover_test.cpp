// SPDX-License-Identifier: BSD-2-Clause
// A new publisher on live tables: takes them up as they are, or says what is wrong with them.
#include <cstring>

#include <gtest/gtest.h>

#include "images.hpp"

namespace aya::test
{
namespace
{

constexpr Capacities kFew{.services = 8, .backends = 32, .vips = 64, .lookup_slots = 1024};

class RecoverTest : public testing::Test
{
protected:
    RecoverTest()
    {
        Publisher publisher(sink_);
        web_ = make_service("web", {"203.0.113.1:80/tcp", "203.0.113.1:*/udp"}, {"a", "b"});
        dns_ = make_service("dns", {"[2001:db8::1]:53/udp"}, {"a", "c"});
        EXPECT_TRUE(publisher.publish(make_image({web_, dns_}), later()));
        web_.backends[0].entry.state = AYA_BACKEND_DOWN;
        web_.lookup = lookup_in_turns(web_, 17);
        EXPECT_TRUE(publisher.publish(make_image({web_, dns_}), later()));
        web_id_ = publisher.find_service("web")->id;
        a_ = *publisher.find_backend("web", "a");
        b_ = *publisher.find_backend("web", "b");
        vip_ = 0;
        while (live().vips[vip_].protocol != AYA_PROTO_TCP)
            vip_++;
    }

    const TableSlot &live() { return sink_.slot(sink_.generation()); }

    // A minute after the last time.
    Publisher::Clock::time_point later() { return now_ += std::chrono::minutes(1); }

    Publisher::Clock::time_point now_ = Publisher::Clock::now();
    MemorySink sink_{kFew};
    ServiceImage web_, dns_;
    u32 web_id_ = 0;
    LiveBackend a_, b_;
    u32 vip_ = 0;
};

TEST_F(RecoverTest, KnowsEverythingAgain)
{
    Publisher publisher(sink_);
    EXPECT_EQ(publisher.generation(), 2u);
    EXPECT_EQ(publisher.find_service("web")->id, web_id_);
    EXPECT_TRUE(publisher.find_service("web")->has_previous);
    EXPECT_EQ(publisher.services_with_previous(), std::vector<std::string>{"web"});
    const auto a = *publisher.find_backend("web", "a");
    EXPECT_EQ(a.id, a_.id);
    EXPECT_EQ(a.incarnation, a_.incarnation);
    EXPECT_EQ(a.state, AYA_BACKEND_DOWN);
    EXPECT_FALSE(publisher.find_backend("web", "c"));
    EXPECT_FALSE(publisher.find_service("www"));
}

TEST_F(RecoverTest, WritesNothingIfTheTablesSayWhatIsWanted)
{
    const auto before = sink_.copy_of_everything();
    Publisher publisher(sink_);
    const auto published = publisher.publish(make_image({web_, dns_}), later());
    ASSERT_TRUE(published);
    EXPECT_FALSE(published->changed);
    EXPECT_EQ(published->generation, 2u);
    EXPECT_EQ(before, sink_.copy_of_everything());
}

TEST_F(RecoverTest, KnowsListsAgain)
{
    const auto image =
        make_image({with_list(web_, refusing("10.0.0.0/8")), with_list(dns_, refusing("10.0.0.0/8"))});
    Publisher(sink_).publish(image, later()).value();
    Publisher publisher(sink_);
    EXPECT_FALSE(publisher.publish(image, later())->changed);
    const auto other = make_image({with_list(web_, refusing("11.0.0.0/8")), dns_});
    ASSERT_TRUE(publisher.publish(other, later()));
    EXPECT_EQ(snapshot_of(sink_, sink_.generation()), snapshot_of(other));
}

TEST_F(RecoverTest, RefusesListsOutsideOfTheArena)
{
    Publisher(sink_).publish(make_image({with_list(web_, refusing("10.0.0.0/8")), dns_}), later()).value();
    live().guards[web_id_].sources = ~0u;
    EXPECT_THROW(Publisher{sink_}, SegmentError);
}

TEST_F(RecoverTest, RepairsTheSlotThatAKilledPredecessorLeftHalfWritten)
{
    const TableSlot &other = sink_.slot(3);
    std::memset(other.services, 0x55, kFew.services * sizeof(aya_service));
    std::memset(other.backends, 0x55, kFew.backends * sizeof(aya_backend));
    std::memset(other.tunnels, 0x55, kFew.backends * sizeof(aya_tunnel));
    std::memset(other.guards, 0x55, kFew.services * sizeof(aya_guard));
    std::memset(other.vips, 0x55, kFew.vips * sizeof(aya_vip));
    std::memset(other.service_names, 0x55, kFew.services * sizeof(aya_name));
    std::memset(other.backend_names, 0x55, kFew.backends * sizeof(aya_name));
    std::memset(other.settings, 0x55, sizeof(aya_settings));
    Publisher publisher(sink_);
    dns_.backends[0].entry.macs[0] = 5;
    const auto image = make_image({web_, dns_});
    ASSERT_TRUE(publisher.publish(image, later()));
    EXPECT_EQ(snapshot_of(sink_, 3), snapshot_of(image));
    EXPECT_EQ(publisher.find_backend("web", "a")->id, a_.id);
}

TEST_F(RecoverTest, IdsThatNoFlowCanKnowAreGivenFirst)
{
    Publisher(sink_).publish(make_image({web_}), later()).value();
    Publisher publisher(sink_);
    auto more = make_service("more", {}, {"x", "y", "z"});
    ASSERT_TRUE(publisher.publish(make_image({web_, more}), later()));
    for (const char *name : {"x", "y", "z"})
        EXPECT_EQ(publisher.find_backend("more", name)->incarnation, 1) << "never used before";
}

// One kind of damage to the live tables each.
class Damaged : public RecoverTest, public testing::WithParamInterface<int>
{
public:
    struct Case {
        const char *name;
        void (Damaged::*act)();
        const char *text;
    };
    static const std::vector<Case> kCases;

    aya_service &service() { return live().services[web_id_]; }
    aya_backend &backend() { return live().backends[a_.id]; }
    aya_vip &vip() { return live().vips[vip_]; }

    void span_outside() { service().lookup_offset = 1024; }
    void span_too_long() { service().lookup_size = 0xffffffff; }
    void span_off_line() { service().lookup_offset += 1; }
    void span_shared() { service().previous_offset = service().lookup_offset; }
    void service_without_name() { live().service_names[web_id_] = {}; }
    void name_without_service() { service() = {}; }
    void name_without_end() { std::memset(live().service_names[web_id_].text, 'x', AYA_NAME_SIZE); }
    void same_service_name() { std::strcpy(live().service_names[web_id_].text, "dns"); }
    void backend_without_name() { live().backend_names[a_.id] = {}; }
    void backend_in_no_state() { backend().state = 9; }
    void backend_free_with_name() { backend().state = AYA_BACKEND_FREE; }
    void backend_of_no_service() { backend().service = 7; }
    void backend_of_service_outside() { backend().service = 0xffff; }
    void same_backend_name() { std::strcpy(live().backend_names[a_.id].text, "b"); }
    void vip_of_no_service() { vip().service = 7; }
    void vip_of_service_outside() { vip().service = 0xffffffff; }
    void vip_misplaced() { vip().port.raw ^= 0x5a5a; }
    void vip_mask() { live().settings->vip_mask = 31; }
    void vip_key() { live().settings->vip_key.k[0] += u64{5} << 32; }
};

const std::vector<Damaged::Case> Damaged::kCases = {
    {"SpanOutside", &Damaged::span_outside, "lookup table"},
    {"SpanTooLong", &Damaged::span_too_long, "lookup table"},
    {"SpanOffLine", &Damaged::span_off_line, "lookup table"},
    {"SpanShared", &Damaged::span_shared, "lookup table"},
    {"ServiceWithoutName", &Damaged::service_without_name, "entry or a name"},
    {"NameWithoutService", &Damaged::name_without_service, "entry or a name"},
    {"NameWithoutEnd", &Damaged::name_without_end, "unterminated name"},
    {"SameServiceName", &Damaged::same_service_name, "two services are named dns"},
    {"BackendWithoutName", &Damaged::backend_without_name, "entry or a name"},
    {"BackendInNoState", &Damaged::backend_in_no_state, "entry or a name"},
    {"BackendFreeWithName", &Damaged::backend_free_with_name, "entry or a name"},
    {"BackendOfNoService", &Damaged::backend_of_no_service, "does not exist"},
    {"BackendOfServiceOutside", &Damaged::backend_of_service_outside, "does not exist"},
    {"SameBackendName", &Damaged::same_backend_name, "another backend of its service"},
    {"VipOfNoService", &Damaged::vip_of_no_service, "VIP"},
    {"VipOfServiceOutside", &Damaged::vip_of_service_outside, "VIP"},
    {"VipMisplaced", &Damaged::vip_misplaced, "VIPs: entry"},
    {"VipMask", &Damaged::vip_mask, "vip_mask"},
    {"VipKey", &Damaged::vip_key, "VIPs: entry"},
};

TEST_P(Damaged, IsRefusedWithAReason)
{
    const Case &damage = kCases[static_cast<size_t>(GetParam())];
    (this->*damage.act)();
    try {
        Publisher publisher(sink_);
        FAIL() << "taken up";
    } catch (const SegmentError &error) {
        EXPECT_NE(std::string(error.what()).find(damage.text), std::string::npos) << error.what();
    }
}

INSTANTIATE_TEST_SUITE_P(Tables, Damaged, testing::Range(0, static_cast<int>(Damaged::kCases.size())),
                         [](const auto &one) {
                             return Damaged::kCases[static_cast<size_t>(one.param)].name;
                         });

} // namespace
} // namespace aya::test
