// SPDX-License-Identifier: BSD-2-Clause
// The calls of docs/api.md.
#pragma once

#include "api/flow_counts.hpp"
#include "api/router.hpp"
#include "api/views.hpp"
#include "reconcile/changes.hpp"

namespace aya::api
{

class Api
{
public:
    // Both outlive it.
    Api(const Scene &scene, Changes &changes);

    boost::asio::awaitable<Response> handle(Request request) const
    {
        return router_.route(std::move(request));
    }

private:
    void add_views();
    void add_service_changes();
    void add_backend_changes();
    void add_config();

    const Scene &scene_;
    Changes &changes_;
    FlowCounts flow_counts_;
    Router router_;
};

// /metrics alone, for a listener that everybody may reach.
Router metrics_router(const Scene &scene);

} // namespace aya::api
