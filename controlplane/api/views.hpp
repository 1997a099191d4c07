// SPDX-License-Identifier: BSD-2-Clause
// What the API shows, as JSON: the objects of docs/api.md.
#pragma once

#include "config/parse.hpp"
#include "health/monitor.hpp"
#include "paths/counters.hpp"
#include "paths/forwarding_path.hpp"
#include "publish/sink.hpp"
#include "reconcile/reconciler.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace aya::api
{

// Everything that can be shown. References to parts of the daemon, which outlive it.
struct Scene {
    const Reconciler &reconciler;
    const Sink &tables;
    const ForwardingPath &dataplane;
    const health::Monitor &monitor;
    const Counters &counters;
    std::string instance;
    std::string config_file;
    std::chrono::steady_clock::time_point started;
};

class FlowCounts;

// Each noun has its file in views/.
OrderedJson version_view(const Scene &scene);
OrderedJson status_view(const Scene &scene);
OrderedJson services_view(const Scene &scene);
OrderedJson service_view(const Scene &scene, const ServiceConfig &service);
OrderedJson backend_list(const Scene &scene, const ServiceConfig &service);
OrderedJson backends_view(const Scene &scene, const ServiceConfig &service);
OrderedJson backend_view(const Scene &scene, const ServiceConfig &service, const BackendConfig &backend);
OrderedJson flows_view(const Scene &scene, const ServiceConfig &service, const BackendConfig &backend,
                       FlowCounts &counts);
OrderedJson dataplane_view(const ForwardingPath &path);
OrderedJson counters_view(const Scene &scene);
OrderedJson health_view(const Scene &scene);
OrderedJson refusals_view(const Scene &scene);

// What a success of the probes proves where that is less than that the backend serves, else empty: "host", it
// is there; "not refused", its port is not closed, if it is there at all.
std::string_view health_proves(const HealthConfig &health);

// That the probes of this backend go through at the moment, or null: they go to its own address.
const health::Tunnel *open_tunnel(const Scene &scene, const std::string &service, const std::string &backend);
OrderedJson changes_view(const std::vector<Change> &changes);

// What an operator should look at, one line each.
std::vector<std::string> warnings_of(const Scene &scene);

template <class Duration>
std::int64_t whole_seconds(Duration duration)
{
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

// As the data plane's ports and workers appear in text fields.
template <std::size_t N>
std::string field_text(const char (&field)[N])
{
    return {field, strnlen(field, N)};
}

} // namespace aya::api
