// SPDX-License-Identifier: BSD-2-Clause
#include "api/api.hpp"

#include "api/explain.hpp"
#include "api/metrics.hpp"
#include "api/quic_ids.hpp"
#include "config/edit.hpp"

#include <boost/beast/http/verb.hpp>

#include <algorithm>
#include <utility>

namespace aya::api
{

namespace
{

using boost::asio::awaitable;
using boost::beast::http::verb;

constexpr std::string_view kOrigin = "api";

std::string dump_of(const OrderedJson &json)
{
    return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

Response ok(const OrderedJson &json, unsigned status = 200)
{
    return {.status = status, .body = dump_of(json), .content_type = "application/json", .allow = {}};
}

unsigned status_of(ErrorKind kind)
{
    switch (kind) {
    case ErrorKind::invalid:
        return 400;
    case ErrorKind::not_found:
        return 404;
    case ErrorKind::conflict:
        return 409;
    case ErrorKind::io:
        return 500;
    }
    return 500;
}

Response refused(const ConfigErrors &errors)
{
    OrderedJson list = OrderedJson::array();
    unsigned status = 400;
    for (const ConfigError &error : errors) {
        status = std::max(status, status_of(error.kind));
        list.push_back({{"where", error.where}, {"message", error.message}});
    }
    return ok({{"errors", std::move(list)}}, status);
}

// A view needs no waiting.
template <class View>
Action now(View view)
{
    return [view](Call call) -> awaitable<Response> { co_return view(std::move(call)); };
}

OrderedJson applied_view(const Applied &applied)
{
    return {{"changes", changes_view(applied.changes)}, {"generation", applied.published.generation}};
}

} // namespace

Api::Api(const Scene &scene, Changes &changes) : scene_(scene), changes_(changes)
{
    add_views();
    add_service_changes();
    add_backend_changes();
    add_config();
}

void Api::add_views()
{
    const Scene &scene = scene_;
    const auto show = [&](std::string_view path, OrderedJson (*view)(const Scene &)) {
        router_.add(verb::get, path, now([&scene, view](const Call &) { return ok(view(scene)); }));
    };
    show("/v1/version", version_view);
    show("/v1/status", status_view);
    show("/v1/services", services_view);
    show("/v1/counters", counters_view);
    show("/v1/health", health_view);
    show("/v1/refusals", refusals_view);

    const auto show_service = [&](std::string_view path,
                                  OrderedJson (*view)(const Scene &, const ServiceConfig &)) {
        router_.add(verb::get, path, now([&scene, view](const Call &call) {
                        const Config &config = scene.reconciler.config();
                        const auto *service = find_service(config.services, call.names[0]);
                        return service ? ok(view(scene, *service))
                                       : refused({no_service(config, call.names[0])});
                    }));
    };
    show_service("/v1/services/{}", service_view);
    show_service("/v1/services/{}/backends", backends_view);
    const auto ask_backend = [&](verb method, std::string_view path, auto view) {
        router_.add(method, path, now([&scene, view](const Call &call) {
                        const Config &config = scene.reconciler.config();
                        const auto *service = find_service(config.services, call.names[0]);
                        if (!service)
                            return refused({no_service(config, call.names[0])});
                        const auto *backend = find_backend(*service, call.names[1]);
                        return backend ? view(scene, *service, *backend, call)
                                       : refused({no_backend(*service, call.names[1])});
                    }));
    };
    ask_backend(verb::get, "/v1/services/{}/backends/{}",
                [](const Scene &at, const ServiceConfig &service, const BackendConfig &backend,
                   const Call &) { return ok(backend_view(at, service, backend)); });
    ask_backend(
        verb::post, "/v1/services/{}/backends/{}/quic_ids",
        [](const Scene &, const ServiceConfig &service, const BackendConfig &backend, const Call &call) {
            const auto ids = quic_ids(service, backend, call.body);
            return ids ? ok(*ids) : refused(ids.errors());
        });
    ask_backend(
        verb::get, "/v1/services/{}/backends/{}/flows",
        [&counts = flow_counts_](const Scene &at, const ServiceConfig &service, const BackendConfig &backend,
                                 const Call &) { return ok(flows_view(at, service, backend, counts)); });
    router_.add(verb::post, "/v1/explain", now([&scene](const Call &call) {
                    const auto question = read_question(call.body);
                    return question ? ok(explain(scene, *question)) : refused(question.errors());
                }));
    router_.add(verb::get, "/metrics", now([&scene](const Call &) {
                    return Response{.status = 200,
                                    .body = metrics_text(scene),
                                    .content_type = kMetricsType,
                                    .allow = {}};
                }));
}

void Api::add_service_changes()
{
    router_.add(verb::post, "/v1/services", [this](Call call) -> awaitable<Response> {
        const auto applied = co_await changes_.edit(
            kOrigin, [&call](const Config &config) { return add_service(config, call.body); });
        if (!applied)
            co_return refused(applied.errors());
        co_return ok(service_view(scene_, scene_.reconciler.config().services.back()), 201);
    });
    router_.add(verb::patch, "/v1/services/{}", [this](Call call) -> awaitable<Response> {
        const std::string &name = call.names[0];
        const auto applied = co_await changes_.edit(
            kOrigin, [&](const Config &config) { return patch_service(config, name, call.body); });
        if (!applied)
            co_return refused(applied.errors());
        co_return ok(service_view(scene_, *find_service(scene_.reconciler.config().services, name)));
    });
    router_.add(verb::delete_, "/v1/services/{}", [this](Call call) -> awaitable<Response> {
        const auto applied = co_await changes_.edit(
            kOrigin, [&](const Config &config) { return remove_service(config, call.names[0]); });
        co_return applied ? ok({{"generation", applied->published.generation}}) : refused(applied.errors());
    });
}

void Api::add_backend_changes()
{
    const auto view = [this](const std::string &service_name, const std::string *backend_name,
                             unsigned status) {
        const ServiceConfig &service = *find_service(scene_.reconciler.config().services, service_name);
        const BackendConfig &backend =
            backend_name ? *find_backend(service, *backend_name) : service.backends.back();
        OrderedJson json = backend_view(scene_, service, backend);
        json["generation"] = scene_.reconciler.publisher().generation();
        return ok(json, status);
    };
    router_.add(verb::post, "/v1/services/{}/backends", [this, view](Call call) -> awaitable<Response> {
        const auto applied = co_await changes_.edit(
            kOrigin, [&](const Config &config) { return add_backend(config, call.names[0], call.body); });
        co_return applied ? view(call.names[0], nullptr, 201) : refused(applied.errors());
    });
    router_.add(verb::patch, "/v1/services/{}/backends/{}", [this, view](Call call) -> awaitable<Response> {
        const auto applied = co_await changes_.edit(kOrigin, [&](const Config &config) {
            return patch_backend(config, call.names[0], call.names[1], call.body);
        });
        co_return applied ? view(call.names[0], &call.names[1], 200) : refused(applied.errors());
    });
    router_.add(verb::delete_, "/v1/services/{}/backends/{}", [this](Call call) -> awaitable<Response> {
        const auto applied = co_await changes_.edit(kOrigin, [&](const Config &config) {
            return remove_backend(config, call.names[0], call.names[1]);
        });
        co_return applied ? ok({{"generation", applied->published.generation}}) : refused(applied.errors());
    });
}

void Api::add_config()
{
    router_.add(verb::get, "/v1/config",
                now([this](const Call &) { return ok(to_json(scene_.reconciler.config())); }));
    router_.add(verb::post, "/v1/config/check", now([this](const Call &call) {
                    const auto file = parse_config(call.body);
                    if (!file)
                        return refused(file.errors());
                    const auto changes = scene_.reconciler.plan(*file);
                    return changes ? ok({{"changes", changes_view(*changes)}}) : refused(changes.errors());
                }));
    router_.add(verb::post, "/v1/config/apply", [this](Call call) -> awaitable<Response> {
        auto file = parse_config(call.body);
        if (!file)
            co_return refused(file.errors());
        const auto applied = co_await changes_.apply(kOrigin, std::move(*file));
        co_return applied ? ok(applied_view(*applied)) : refused(applied.errors());
    });
    router_.add(verb::post, "/v1/config/reload", [this](Call) -> awaitable<Response> {
        const auto applied = co_await changes_.reload(kOrigin);
        co_return applied ? ok(applied_view(*applied)) : refused(applied.errors());
    });
}

Router metrics_router(const Scene &scene)
{
    Router router;
    router.add(verb::get, "/metrics", now([&scene](const Call &) {
                   return Response{
                       .status = 200, .body = metrics_text(scene), .content_type = kMetricsType, .allow = {}};
               }));
    return router;
}

} // namespace aya::api
