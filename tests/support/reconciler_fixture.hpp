// SPDX-License-Identifier: BSD-2-Clause
// A real reconciler on tables in memory, with a state file of its own; what it observes is set by the test.
#pragma once

#include "config/parse.hpp"
#include "memory_sink.hpp"
#include "publish/publisher.hpp"
#include "reconcile/reconciler.hpp"
#include "temporary_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

namespace aya::test
{

inline constexpr const char *kTwoBackends = R"({
  "seed": "000102030405060708090a0b0c0d0e0f",
  "services": [ { "name": "web", "vips": ["203.0.113.10:80/tcp"], "lookup_size": 251,
                  "health": { "type": "tcp" },
                  "backends": [ { "name": "one", "address": "10.0.1.1", "weight": 1 },
                                { "name": "two", "address": "10.0.1.2", "weight": 1 } ] } ] })";

inline Config config_of(const std::string &text)
{
    auto config = parse_config(text);
    if (!config)
        throw std::runtime_error(config.errors().front().where + ": " + config.errors().front().message);
    return *config;
}

inline std::string replaced(std::string text, const std::string &from, const std::string &to)
{
    const auto at = text.find(from);
    if (at == std::string::npos)
        throw std::logic_error("no " + from);
    return text.replace(at, from.size(), to);
}

// All is up and reachable unless the test says otherwise.
class SetObserver final : public Observer
{
public:
    void follow(const Config &config) override
    {
        followed.clear();
        led_by = nullptr;
        for (const ServiceConfig &service : config.services)
            for (const BackendConfig &backend : service.backends)
                followed.insert(service.name + "/" + backend.name);
    }

    BackendObserved observe(const ServiceConfig &service, const BackendConfig &backend) const override
    {
        asked++;
        const auto found = health.find(service.name + "/" + backend.name);
        NextHop hop{.address = backend.address,
                    .mac = parse_mac("52:54:00:00:00:01"),
                    .port = 0,
                    .port_mac = {},
                    .mtu = 1500,
                    .source = IpAddress::v4(10, 0, 0, 1)};
        return {.health = found == health.end() ? Health::up : found->second, .next_hop = hop};
    }

    void published(const TableImage &image) override { led_by = &image; }
    std::vector<std::string> warnings() const override { return doubts; }
    std::uint64_t route_lookups() const override { return 7; }

    std::vector<Prefix> local_in(const Prefix &vip) const override { return within(local, vip); }

    std::map<std::string, Health> health;
    std::set<Prefix> local;
    std::vector<std::string> doubts; // of the observing itself
    std::set<std::string> followed;
    const TableImage *led_by = nullptr; // what is live, of what is followed
    mutable int asked = 0;              // observe() calls
};

struct Bench {
    explicit Bench(const std::string &config = kTwoBackends, const Capacities &capacities = kSmall)
        : sink(capacities), publisher(sink), reconciler(publisher, observer, state_file())
    {
        const auto applied = reconciler.start(config_of(config), std::nullopt, now);
        EXPECT_TRUE(applied) << (applied ? "" : applied.errors().front().message);
    }

    static constexpr Capacities kSmall = {
        .services = 16, .backends = 64, .vips = 64, .lookup_slots = 1 << 16};

    // Anything may have been observed.
    Result<Published> observe(Reconciler::Clock::time_point at)
    {
        reconciler.touch_all();
        return reconciler.reconcile(at);
    }

    std::filesystem::path state_file() const { return directory.path() / "state.json"; }
    u8 live_state(const std::string &service, const std::string &backend) const
    {
        const auto live = publisher.find_backend(service, backend);
        return live ? live->state : u8{AYA_BACKEND_FREE};
    }

    TemporaryDirectory directory;
    MemorySink sink;
    SetObserver observer;
    Publisher publisher;
    Reconciler reconciler;
    Reconciler::Clock::time_point now{};
};

} // namespace aya::test
