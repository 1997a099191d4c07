// SPDX-License-Identifier: BSD-2-Clause
//
// From a change to "every worker uses it": compile() of the one service, publish, and the readers' epochs,
// with 1000 services x 100 backends in shared memory. The readers are threads that do what a worker does
// between bursts: load the generation, report it. Then the same from an event on, as the daemon has it: the
// reconciler is told what service was touched, asks what is observed of its backends, compiles and publishes.
// Wall time, since waiting is part of it: run by hand, on a quiet machine.
//
//   publish_bench [services [backends [slots]]]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "model/compile.hpp"
#include "publish/publisher.hpp"
#include "publish/shm_sink.hpp"
#include "reconcile/reconciler.hpp"

#include "dataplane_file.hpp"
#include "process.hpp"
#include "temporary_directory.hpp"

namespace
{

using namespace aya;

double now_ms()
{
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

struct Fleet {
    std::vector<ServiceConfig> services;
    std::vector<ServiceObserved> observed;
    Compiler compiler{CompileOptions{}};
    TableImage image;

    Fleet(u32 count, u32 backends, u32 slots)
    {
        for (u32 s = 0; s < count; s++) {
            ServiceConfig service;
            service.name = "service-" + std::to_string(s);
            service.vips = {
                {IpAddress::v4(203, 0, static_cast<u8>(s >> 8), static_cast<u8>(s)), 443, Protocol::tcp}};
            service.lookup_size = slots;
            service.encap = Encap::ipip;
            ServiceObserved seen;
            for (u32 b = 0; b < backends; b++) {
                BackendConfig backend;
                backend.name = "backend-" + std::to_string(b);
                backend.address =
                    IpAddress::v4(10, static_cast<u8>(s >> 4), static_cast<u8>(s), static_cast<u8>(b));
                backend.weight = 10;
                service.backends.push_back(backend);
                NextHop hop;
                hop.mac = Mac{{2, 0, 0, 0, 0, 1}};
                hop.port = 0;
                hop.source = IpAddress::v4(10, 255, 0, 1);
                seen.backends.push_back({.health = Health::up, .next_hop = hop});
            }
            services.push_back(std::move(service));
            observed.push_back(std::move(seen));
            image.services.push_back(compiler.compile(services[s], observed[s]));
        }
    }

    void compile(u32 s) { image.services[s] = compiler.compile(services[s], observed[s]); }
};

class Worker
{
public:
    Worker(const std::string &directory, u64 identity)
        : tables_(directory + "/tables"), file_(directory, 1, identity), thread_([this] { run(); })
    {
    }
    ~Worker()
    {
        stop_ = true;
        thread_.join();
    }

private:
    void run()
    {
        file_.join(0);
        while (!stop_) {
            const u64 generation = tables_.generation();
            file_.beat(0);
            file_.worker(0).epoch.store(generation, std::memory_order_release);
        }
        file_.worker(0).state = WorkerState::stopped;
    }

    TablesReader tables_;
    test::DataplaneFile file_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

void wait_ready(Publisher &publisher)
{
    while (!publisher.ready())
        ;
}

// By name, as the monitor and the next hops have it.
class FleetObserver final : public Observer
{
public:
    explicit FleetObserver(const Fleet &fleet)
    {
        for (size_t s = 0; s < fleet.services.size(); s++)
            for (size_t b = 0; b < fleet.services[s].backends.size(); b++)
                *find(fleet.services[s], fleet.services[s].backends[b]) = fleet.observed[s].backends[b];
    }
    void follow(const Config &) override {}
    std::vector<Prefix> local_in(const Prefix &) const override { return {}; }
    BackendObserved observe(const ServiceConfig &service, const BackendConfig &backend) const override
    {
        return observed_.at(service.name + '\n' + backend.name);
    }
    BackendObserved *find(const ServiceConfig &service, const BackendConfig &backend)
    {
        return &observed_[service.name + '\n' + backend.name];
    }

private:
    std::unordered_map<std::string, BackendObserved> observed_;
};

double middle(std::vector<double> &times, double at)
{
    std::sort(times.begin(), times.end());
    return times[static_cast<size_t>(at * static_cast<double>(times.size() - 1))];
}

void measure_event(const char *what, Reconciler &reconciler, Publisher &publisher, FleetObserver &observer,
                   const std::function<void(BackendObserved &, int)> &change)
{
    constexpr int kRounds = 101;
    std::vector<double> published, used;
    const auto &services = reconciler.config().services;
    for (int round = 0; round < kRounds; round++) {
        wait_ready(publisher);
        const ServiceConfig &service = services[static_cast<size_t>(round * 37) % services.size()];
        const double start = now_ms();
        change(*observer.find(service, service.backends[5]), round);
        reconciler.touch(service.name);
        if (!reconciler.reconcile(Reconciler::Clock::now())->changed)
            std::printf("nothing changed?\n");
        published.push_back(now_ms() - start);
        wait_ready(publisher);
        used.push_back(now_ms() - start);
    }
    std::printf("%-32s          %8.3f %8.3f %8.3f %8.3f\n", what, middle(published, 0.5), middle(used, 0),
                middle(used, 0.5), middle(used, 0.95));
}

void measure_events(const Fleet &fleet, Publisher &publisher, const std::string &directory)
{
    FleetObserver observer(fleet);
    Reconciler reconciler(publisher, observer, directory + "/state.json");
    Config config;
    config.services = fleet.services;
    wait_ready(publisher);
    if (!reconciler.start(config, std::nullopt, Reconciler::Clock::now())) {
        std::printf("the reconciler does not start\n");
        return;
    }
    std::printf("ms from an event on, median           published   in use:  best   median     95 %%\n");
    measure_event("a backend goes down", reconciler, publisher, observer,
                  [](BackendObserved &observed, int) { observed.health = Health::down; });
    measure_event("it comes back", reconciler, publisher, observer,
                  [](BackendObserved &observed, int) { observed.health = Health::up; });
    measure_event("a neighbour gets another MAC", reconciler, publisher, observer,
                  [](BackendObserved &observed, int round) {
                      observed.next_hop->mac->bytes[4] = static_cast<u8>(2 + round);
                  });
}

void measure(const char *what, Fleet &fleet, Publisher &publisher,
             const std::function<void(u32, int)> &change)
{
    constexpr int kRounds = 101;
    std::vector<double> compiled, published, used;
    for (int round = 0; round < kRounds; round++) {
        wait_ready(publisher);
        const u32 s = static_cast<u32>(round * 37) % static_cast<u32>(fleet.services.size());
        change(s, round);
        const double start = now_ms();
        fleet.compile(s);
        const double made = now_ms();
        if (!publisher.publish(fleet.image, Publisher::Clock::now())->changed)
            std::printf("nothing changed?\n");
        const double flipped = now_ms();
        wait_ready(publisher);
        used.push_back(now_ms() - start);
        compiled.push_back(made - start);
        published.push_back(flipped - made);
    }
    std::printf("%-32s %8.3f %8.3f %8.3f %8.3f %8.3f\n", what, middle(compiled, 0.5), middle(published, 0.5),
                middle(used, 0), middle(used, 0.5), middle(used, 0.95));
}

} // namespace

int main(int argc, char **argv)
{
    auto argument = [&](int i, u32 otherwise) {
        return argc > i ? static_cast<u32>(std::strtoul(argv[i], nullptr, 10)) : otherwise;
    };
    const u32 services = argument(1, 1000);
    const u32 backends = argument(2, 100);
    const u32 slots = argument(3, 65537);
    Fleet fleet(services, backends, slots);
    test::TemporaryDirectory directory("/dev/shm");
    ShmSink sink(directory.path(), capacities_for({.services = services,
                                                   .vips = services,
                                                   .backends = services * backends + 1000,
                                                   .lookup_slots = services * slots}));
    Publisher publisher(sink);
    double before = now_ms();
    if (!publisher.publish(fleet.image, Publisher::Clock::now()))
        return 1;
    std::printf("%u services x %u backends, tables of %u slots; first publish %.1f ms\n", services, backends,
                slots, now_ms() - before);
    Worker worker(directory.path(), sink.identity());
    std::printf("ms from a change on, median       compile  publish   in use:  best   median     95 %%\n");
    measure("a backend goes down", fleet, publisher,
            [&](u32 s, int) { fleet.observed[s].backends[7].health = Health::down; });
    measure("it comes back", fleet, publisher,
            [&](u32 s, int) { fleet.observed[s].backends[7].health = Health::up; });
    measure("a weight changes", fleet, publisher,
            [&](u32 s, int round) { fleet.services[s].backends[3].weight = static_cast<u16>(20 + round); });
    measure("a next hop gets another MAC", fleet, publisher, [&](u32 s, int round) {
        fleet.observed[s].backends[3].next_hop->mac->bytes[5] = static_cast<u8>(2 + round);
    });
    measure("a backend is added", fleet, publisher, [&](u32 s, int round) {
        BackendConfig backend = fleet.services[s].backends[0];
        backend.name = "more-" + std::to_string(round);
        fleet.services[s].backends.push_back(backend);
        fleet.observed[s].backends.push_back(fleet.observed[s].backends[0]);
    });
    measure("a VIP moves", fleet, publisher,
            [&](u32 s, int round) { fleet.services[s].vips[0].port = static_cast<u16>(1000 + round); });
    measure_events(fleet, publisher, directory.path());
    return 0;
}
