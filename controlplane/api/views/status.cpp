// SPDX-License-Identifier: BSD-2-Clause
#include "api/views.hpp"
#include "common/reasons.hpp"

#include <unistd.h>

namespace aya::api
{

namespace
{

struct Tally {
    std::size_t total = 0, up = 0, down = 0, draining = 0, disabled = 0, unreachable = 0;
};

// Up and down are health, draining and disabled are state, so that they need not add up to the total.
Tally tally_of(const Scene &scene, const ServiceConfig &service)
{
    Tally tally;
    const ServiceImage *image = scene.reconciler.find_image(service.name);
    for (std::size_t i = 0; i < service.backends.size(); i++) {
        const BackendConfig &backend = service.backends[i];
        const Health health = scene.reconciler.observer().observe(service, backend).health;
        tally.total++;
        tally.up += health == Health::up || health == Health::unchecked;
        tally.down += health == Health::down;
        tally.draining += backend.state == AdminState::draining;
        tally.disabled += backend.state == AdminState::disabled;
        tally.unreachable += image && i < image->backends.size() && !image->backends[i].reachable;
    }
    return tally;
}

// Packets that were too big, and whose senders need not heed AYA when it says so: the network has to change.
void warn_of_sizes(const Scene &scene, std::vector<std::string> &lines)
{
    const CounterSources counters = scene.dataplane.counters();
    for (const aya_reason reason : {AYA_REASON_REPLY_NO_DF, AYA_REASON_BELOW_IPV6_MINIMUM})
        if (const u64 count = scene.counters.reason(counters, reason))
            lines.push_back(
                std::string(kReasons[reason].name) + ": " + std::to_string(count) +
                " packets did not fit the way to their backends, and their senders cannot be made "
                "to send smaller ones; raise the MTU between here and the backends");
}

} // namespace

OrderedJson version_view(const Scene &scene)
{
    return {{"version", AYA_VERSION}, {"abi", AYA_ABI_VERSION}, {"instance", scene.instance}};
}

std::vector<std::string> warnings_of(const Scene &scene)
{
    std::vector<std::string> lines = scene.dataplane.warnings();
    for (std::string &line : scene.reconciler.observer().warnings())
        lines.push_back(std::move(line));
    for (const auto &service : scene.reconciler.image().services)
        lines.insert(lines.end(), service->warnings.begin(), service->warnings.end());
    warn_of_sizes(scene, lines);
    return lines;
}

OrderedJson status_view(const Scene &scene)
{
    const Config &config = scene.reconciler.config();
    Tally sum;
    for (const ServiceConfig &service : config.services) {
        const Tally tally = tally_of(scene, service);
        sum.total += tally.total;
        sum.up += tally.up;
        sum.down += tally.down;
        sum.draining += tally.draining;
        sum.disabled += tally.disabled;
        sum.unreachable += tally.unreachable;
    }
    return {{"version", AYA_VERSION},
            {"instance", scene.instance},
            {"pid", ::getpid()},
            {"uptime_seconds", whole_seconds(std::chrono::steady_clock::now() - scene.started)},
            {"generation", scene.reconciler.publisher().generation()},
            {"config_file", scene.config_file},
            {"services", config.services.size()},
            {"backends",
             {{"total", sum.total},
              {"up", sum.up},
              {"down", sum.down},
              {"draining", sum.draining},
              {"disabled", sum.disabled},
              {"unreachable", sum.unreachable}}},
            {"dataplane", scene.dataplane.forwards() ? dataplane_view(scene.dataplane) : OrderedJson()},
            {"warnings", warnings_of(scene)}};
}

} // namespace aya::api
