// SPDX-License-Identifier: BSD-2-Clause
// The whole API on a real reconciler, called without a network.
#pragma once

#include "api/api.hpp"
#include "dataplane_writer.hpp"
#include "paths/dataplane_watch.hpp"
#include "reconciler_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <fstream>
#include <optional>

namespace aya::test
{

using api::Request;
using api::Response;
using boost::beast::http::verb;

// Runs one coroutine to its end.
template <class T>
T await(boost::asio::io_context &io, boost::asio::awaitable<T> work)
{
    std::optional<T> result;
    std::exception_ptr failure;
    boost::asio::co_spawn(io, std::move(work), [&](const std::exception_ptr &error, T value) {
        failure = error;
        if (!error)
            result = std::move(value);
    });
    io.restart();
    while (!result && !failure && io.run_one())
        ;
    if (failure)
        std::rethrow_exception(failure);
    return std::move(*result);
}

struct ApiBench : Bench {
    explicit ApiBench(const std::string &config = kTwoBackends)
        : Bench(config), config_file((directory.path() / "aya.json").string()), watch(dataplane_file()),
          monitor(io.get_executor(), [](const health::Target &, const health::Tracker &, bool) {}),
          changes(reconciler, config_file, [] {}), scene{.reconciler = reconciler,
                                                         .tables = sink,
                                                         .dataplane = watch,
                                                         .monitor = monitor,
                                                         .counters = counters,
                                                         .instance = "test",
                                                         .config_file = config_file,
                                                         .started = std::chrono::steady_clock::now()},
          api(scene, changes)
    {
        write_config(config);
    }

    std::string dataplane_file() const { return (directory.path() / "dataplane").string(); }
    void write_config(const std::string &text) { std::ofstream(config_file) << text; }

    Response call(verb method, const std::string &path, const std::string &body = "")
    {
        return await(io, api.handle({.method = method, .path = path, .body = body}));
    }

    // The answer to a call that must succeed.
    OrderedJson get(const std::string &path) { return done(verb::get, path, "", 200); }
    OrderedJson done(verb method, const std::string &path, const std::string &body, unsigned status = 200)
    {
        const Response response = call(method, path, body);
        EXPECT_EQ(response.status, status) << path << ": " << response.body;
        return OrderedJson::parse(response.body);
    }

    // The first error of a call that must be refused, as "WHERE: MESSAGE".
    std::string refused(verb method, const std::string &path, const std::string &body, unsigned status)
    {
        const Response response = call(method, path, body);
        EXPECT_EQ(response.status, status) << path << ": " << response.body;
        const auto json = OrderedJson::parse(response.body);
        if (!json.contains("errors") || json["errors"].empty())
            return "";
        const auto &error = json["errors"][0];
        return error["where"].get<std::string>() + ": " + error["message"].get<std::string>();
    }

    std::string config_file;
    boost::asio::io_context io{1};
    DataplaneWatch watch;
    health::Monitor monitor;
    Counters counters;
    Changes changes;
    api::Scene scene;
    api::Api api;
};

} // namespace aya::test
