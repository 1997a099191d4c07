// SPDX-License-Identifier: BSD-2-Clause
// What a backend is before its first probe. The probes themselves find nobody, and nobody waits for them.
#include "reconcile/live_observer.hpp"

#include "paths/dataplane_watch.hpp"
#include "reconciler_fixture.hpp"

#include <boost/asio/io_context.hpp>

namespace aya::test
{
namespace
{

// A service `web`, with probes once an hour, at addresses that nobody has.
ServiceConfig web(const std::vector<std::string> &backends, std::optional<InitState> init = std::nullopt)
{
    ServiceConfig service;
    service.name = "web";
    service.vips = {*parse_vip("203.0.113.10:80/tcp")};
    service.lookup_size = 251;
    service.health.type = HealthType::tcp;
    service.health.interval = std::chrono::hours(1);
    service.health.init_state = init;
    for (const std::string &name : backends) {
        BackendConfig backend;
        backend.name = name;
        backend.address = IpAddress::v4(192, 0, 2, static_cast<u8>(name[0]));
        service.backends.push_back(backend);
    }
    return service;
}

struct Life {
    explicit Life(ServiceConfig service) { begin(std::move(service)); }

    // The daemon starts, with the tables of the life before.
    void begin(ServiceConfig service)
    {
        end();
        publisher.emplace(sink);
        observer.emplace(
            io.get_executor(), *publisher, watch, sink,
            []() -> std::unique_ptr<health::TunnelDevice> { throw std::runtime_error("no tunnels here"); },
            [](const std::string &) {});
        change(std::move(service));
    }

    void end()
    {
        observer.reset();
        publisher.reset();
    }

    void change(ServiceConfig service)
    {
        config.services = {std::move(service)};
        observer->follow(config);
        ServiceObserved seen;
        for (const BackendConfig &backend : config.services[0].backends) {
            seen.backends.push_back(observer->observe(config.services[0], backend));
            if (const auto found = found_out.find(backend.name); found != found_out.end())
                seen.backends.back().health = found->second;
        }
        image = {.seed = {},
                 .services = {std::make_shared<ServiceImage>(compile(config.services[0], seen, {}))}};
        EXPECT_TRUE(publisher->publish(image, {}));
        observer->published(image);
    }

    // The tables do not take it.
    void refuse(ServiceConfig service)
    {
        Config refused;
        refused.services = {std::move(service)};
        observer->follow(refused);
        observer->follow(config);
        observer->published(image);
    }

    unsigned part(std::size_t backend) const
    {
        const ServiceConfig &service = config.services[0];
        return observer->observe(service, service.backends[backend]).part;
    }

    std::string health() const
    {
        std::string words;
        for (const BackendConfig &backend : config.services[0].backends)
            words += (words.empty() ? "" : " ") + backend.name + ":" +
                     std::string(to_string(observer->observe(config.services[0], backend).health));
        return words;
    }

    std::map<std::string, Health> found_out; // what is published instead of what is observed
    boost::asio::io_context io{1};
    DataplaneWatch watch{"/nonexistent/dataplane"};
    MemorySink sink{Bench::kSmall};
    std::optional<Publisher> publisher;
    std::optional<LiveObserver> observer;
    Config config;
    TableImage image;
};

TEST(LiveObserver, AServiceThatStartsAsAWholeIsUsedAtOnce)
{
    EXPECT_EQ(Life(web({"a", "b"})).health(), "a:unknown b:unknown");
}

TEST(LiveObserver, AColdStartWaitsForNextHopsForASecond)
{
    ServiceConfig unprobed = web({"a", "b"}); // nothing leaves this machine
    unprobed.health.type = HealthType::none;
    Life life(unprobed);
    const auto settling = [&] {
        const ServiceConfig &service = life.config.services[0];
        return life.observer->observe(service, service.backends[0]).settling;
    };
    EXPECT_TRUE(settling());
    life.io.run_for(std::chrono::milliseconds(1500));
    EXPECT_FALSE(settling()) << "nobody waits for ever";
    life.begin(unprobed);
    EXPECT_FALSE(settling()) << "the tables of the run before remember the next hops";
}

TEST(LiveObserver, ABackendThatJoinsLiveOnesWaits)
{
    Life life(web({"a", "b"}));
    life.change(web({"a", "c", "b"}));
    EXPECT_EQ(life.health(), "a:unknown c:waiting b:unknown");
    life.change(web({"a", "c", "b", "d"}));
    EXPECT_EQ(life.health(), "a:unknown c:waiting b:unknown d:waiting");
}

TEST(LiveObserver, ABackendThatReplacesAllIsUsedAtOnce)
{
    Life life(web({"a"}));
    life.change(web({"b"}));
    EXPECT_EQ(life.health(), "b:unknown");

    ServiceConfig drained = web({"b", "c"});
    drained.backends[0].state = AdminState::draining;
    life.change(drained);
    EXPECT_EQ(life.health(), "b:unknown c:unknown") << "nobody else gets new flows";
}

TEST(LiveObserver, ABackendThatJoinsDeadOnesIsUsedAtOnce)
{
    Life life(web({"a"}));
    life.found_out["a"] = Health::down;
    ServiceConfig service = web({"a"});
    service.panic_threshold = 100;
    life.change(service);
    service = web({"a", "b"});
    service.panic_threshold = 100;
    life.change(service);
    EXPECT_EQ(life.health(), "a:unknown b:unknown");
}

TEST(LiveObserver, InitStateGoesForAll)
{
    for (const InitState init : {InitState::fully_up, InitState::up}) {
        Life life(web({"a"}, init));
        life.change(web({"a", "b"}, init));
        EXPECT_EQ(life.health(), "a:unknown b:unknown") << to_string(init);
    }
    for (const InitState init : {InitState::down, InitState::fully_down}) {
        Life life(web({"a"}, init));
        life.change(web({"a", "b"}, init));
        EXPECT_EQ(life.health(), "a:waiting b:waiting") << to_string(init);
    }
}

TEST(LiveObserver, ProbesThatAreSwitchedOnTakeNobodyOut)
{
    ServiceConfig service = web({"a", "b"}, InitState::fully_down);
    service.health.type = HealthType::none;
    Life life(service);
    EXPECT_EQ(life.health(), "a:unchecked b:unchecked");
    life.change(web({"a", "b"}, InitState::fully_down));
    EXPECT_EQ(life.health(), "a:unknown b:unknown") << "they have traffic";
}

TEST(LiveObserver, ARestartKnowsWhoWasUpDownOrWaiting)
{
    Life life(web({"a", "b"}));
    life.found_out["b"] = Health::down;
    life.change(web({"a", "b", "c"}));
    life.begin(web({"a", "b", "c", "d"}));
    EXPECT_EQ(life.health(), "a:unknown b:down c:waiting d:waiting");
}

TEST(LiveObserver, AnotherAddressIsAnotherServer)
{
    Life life(web({"a", "b"}));
    ServiceConfig moved = web({"a", "b"});
    moved.backends[1].address = IpAddress::v4(192, 0, 2, 200);
    life.change(moved);
    EXPECT_EQ(life.health(), "a:unknown b:waiting");
}

// Without probes, with a slow start.
ServiceConfig slow_web(const std::vector<std::string> &backends)
{
    ServiceConfig service = web(backends);
    service.health.type = HealthType::none;
    service.slow_start.window = std::chrono::minutes(1);
    return service;
}

TEST(LiveObserver, ABackendThatJoinsLiveOnesStartsSlowly)
{
    Life life(slow_web({"a"}));
    EXPECT_EQ(life.part(0), kWholeWeight);
    life.change(slow_web({"a", "b"}));
    EXPECT_EQ(life.part(0), kWholeWeight);
    EXPECT_LT(life.part(1), kWholeWeight);
}

TEST(LiveObserver, ARefusedConfigurationLeavesSlowStartsAsTheyWere)
{
    Life life(slow_web({"a", "b"}));
    life.refuse(slow_web({"a"}));
    EXPECT_EQ(life.part(1), kWholeWeight) << "it was never gone";
    life.change(slow_web({"a", "b", "c"}));
    const unsigned part = life.part(2);
    ASSERT_LT(part, kWholeWeight);
    life.refuse(web({"a", "b"}));
    EXPECT_EQ(life.part(2), part) << "its start goes on";
    life.change(slow_web({"a", "b"}));
    life.change(slow_web({"a", "b", "c"}));
    EXPECT_LT(life.part(2), kWholeWeight) << "it was gone, and joins";
}

} // namespace
} // namespace aya::test
