// SPDX-License-Identifier: BSD-2-Clause
// Puts the parts together and lets them run on one event loop.
#pragma once

#include "api/api.hpp"
#include "api/http_server.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/instance.hpp"
#include "paths/counters.hpp"
#include "paths/forwarding.hpp"
#include "paths/refusals.hpp"
#include "publish/publisher.hpp"
#include "reconcile/changes.hpp"
#include "reconcile/live_observer.hpp"
#include "reconcile/reconciler.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace aya
{

struct DaemonOptions {
    std::filesystem::path config_file;
    Instance instance;
};

// All errors of one file, one line each.
StartError start_error(const std::filesystem::path &file, const ConfigErrors &errors);

class Daemon
{
public:
    // Takes up the instance: lock, tables, socket, first publish. Throws StartError, SegmentError and
    // std::runtime_error, each with a line that says what to do.
    Daemon(const DaemonOptions &options, const Config &file);

    // Until SIGTERM or SIGINT. The tables stay, and the data plane continues with them.
    void run();

private:
    void start(const Config &file);
    void request_reconcile();
    void follow_counters();
    void log_refusals();
    void log_image_changes(const TableImage &before) const;
    boost::asio::awaitable<void> reconcile_loop();
    boost::asio::awaitable<void> watch_loop();
    boost::asio::awaitable<void> reload_loop();

    DaemonOptions options_;
    InstanceLock lock_;
    boost::asio::io_context io_{1};
    boost::asio::signal_set reload_signal_;
    boost::asio::signal_set stop_signals_;
    boost::asio::steady_timer wake_;
    bool dirty_ = false;
    Forwarding forwarding_;
    Publisher publisher_;
    LiveObserver observer_;
    Reconciler reconciler_;
    Changes changes_;
    Counters counters_;
    RefusalLog refusal_log_{monotonic_ns()};
    api::Scene scene_;
    api::Api api_;
    api::HttpServer server_;
    api::Router metrics_router_;
    std::optional<api::HttpServer> metrics_server_;
};

} // namespace aya
