// SPDX-License-Identifier: BSD-2-Clause
#include "daemon.hpp"

#include "common/clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <csignal>
#include <thread>
#include <unistd.h>
#include <utility>

namespace aya
{

namespace
{

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Clock = Reconciler::Clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// Observations come in bursts: the first is published at once, and the rest together, so long after it.
constexpr auto kGather = 5ms;
constexpr auto kWatch = 250ms; // how often the data plane is looked at
constexpr auto kStartPatience = 10s;
constexpr const char *kGroup = "aya";

// A bug, not a condition: let it end the process where its cause is still to be seen.
void rethrow(const std::exception_ptr &error)
{
    if (error)
        std::rethrow_exception(error);
}

} // namespace

StartError start_error(const std::filesystem::path &file, const ConfigErrors &errors)
{
    std::string lines;
    for (const ConfigError &error : errors)
        lines += (lines.empty() ? "" : "\n") + format_error(file.string(), error);
    return StartError(lines);
}

Daemon::Daemon(const DaemonOptions &options, const Config &file)
    : options_(options), lock_(options.instance, "controlplane"), reload_signal_(io_, SIGHUP),
      stop_signals_(io_, SIGTERM, SIGINT), wake_(io_), forwarding_(make_forwarding(file, options.instance)),
      publisher_(*forwarding_.sink),
      observer_(
          io_.get_executor(), publisher_, *forwarding_.path, *forwarding_.sink,
          [name = options.instance.name, most = file.controlplane.limits.backends] {
              return health::make_tunnel_device(name, most);
          },
          [this](const std::string &service) {
              reconciler_.touch(service);
              request_reconcile();
          }),
      reconciler_(publisher_, observer_, options.instance.state_file()),
      changes_(reconciler_, options.config_file, [this] { follow_counters(); }),
      scene_{.reconciler = reconciler_,
             .tables = *forwarding_.sink,
             .dataplane = *forwarding_.path,
             .monitor = observer_.monitor(),
             .counters = counters_,
             .instance = options.instance.name,
             .config_file = options.config_file.string(),
             .started = Clock::now()},
      api_(scene_, changes_),
      server_(io_.get_executor(), [this](api::Request request) { return api_.handle(std::move(request)); }),
      metrics_router_(api::metrics_router(scene_))
{
    server_.listen_local(options.instance.api_socket(), kGroup);
    if (file.controlplane.metrics) {
        metrics_server_.emplace(io_.get_executor(), [this](api::Request request) {
            return metrics_router_.route(std::move(request));
        });
        metrics_server_->listen_tcp(*file.controlplane.metrics);
    }
    start(file);
}

void Daemon::start(const Config &file)
{
    forwarding_.path->poll();
    const auto deadline = Clock::now() + kStartPatience;
    while (!reconciler_.ready()) {
        if (Clock::now() > deadline)
            throw StartError("a worker of the data plane still reads tables older than generation " +
                             std::to_string(publisher_.generation()) + "; restart aya-dataplane");
        std::this_thread::sleep_for(1ms);
    }
    const u64 before = publisher_.generation();
    const auto state_file = options_.instance.state_file();
    const auto kept = read_state(state_file);
    if (!kept)
        throw start_error(state_file, kept.errors());
    const auto applied = reconciler_.start(file, *kept, Clock::now());
    if (!applied)
        throw start_error(options_.config_file, applied.errors());
    follow_counters();
    for (const Change &change : applied->changes)
        spdlog::info("start: {}", to_string(change));
    if (before == 0)
        spdlog::info("instance {}: new tables, generation {}", options_.instance.name,
                     applied->published.generation);
    else
        spdlog::info("instance {}: resumed with the live tables at generation {}, {}", options_.instance.name,
                     before,
                     applied->published.changed ? "now " + std::to_string(applied->published.generation)
                                                : std::string("unchanged"));
    forwarding_.path->start();
}

void Daemon::run()
{
    ::signal(SIGPIPE, SIG_IGN);
    stop_signals_.async_wait([this](boost::system::error_code error, int signal) {
        if (error)
            return;
        spdlog::info("{}: stopping; the data plane continues with generation {}", ::strsignal(signal),
                     publisher_.generation());
        io_.stop();
    });
    asio::co_spawn(io_, reconcile_loop(), rethrow);
    asio::co_spawn(io_, watch_loop(), rethrow);
    asio::co_spawn(io_, reload_loop(), rethrow);
    spdlog::info("aya-controlplane {} is running, process {}", AYA_VERSION, ::getpid());
    io_.run();
}

void Daemon::request_reconcile()
{
    dirty_ = true;
    wake_.cancel();
}

asio::awaitable<void> Daemon::reconcile_loop()
{
    auto next = Clock::now();
    for (;;) {
        if (!dirty_) {
            wake_.expires_at(Clock::time_point::max());
            co_await wake_.async_wait(kAwait);
            continue;
        }
        wake_.expires_at(next);
        while (std::get<0>(co_await wake_.async_wait(kAwait)))
            ; // cancelled by one more request: the time runs on
        dirty_ = false;
        const TableImage before = reconciler_.image();
        co_await changes_.reconcile();
        log_image_changes(before);
        next = Clock::now() + kGather;
    }
}

asio::awaitable<void> Daemon::watch_loop()
{
    asio::steady_timer timer(io_);
    for (;;) {
        timer.expires_after(kWatch);
        co_await timer.async_wait(kAwait);
        if (forwarding_.path->poll()) {
            reconciler_.touch_all();
            request_reconcile();
        }
        log_refusals();
        if (reconciler_.retire_due(Clock::now()))
            request_reconcile();
    }
}

asio::awaitable<void> Daemon::reload_loop()
{
    for (;;) {
        const auto [error, signal] = co_await reload_signal_.async_wait(kAwait);
        if (error)
            co_return;
        static_cast<void>(co_await changes_.reload("SIGHUP")); // the log has said what came of it
    }
}

void Daemon::follow_counters()
{
    std::vector<Counters::Owner> services;
    std::vector<Counters::Owner> backends;
    for (const ServiceConfig &service : reconciler_.config().services) {
        if (const auto live = publisher_.find_service(service.name))
            services.push_back({live->id, service.name});
        for (const BackendConfig &backend : service.backends)
            if (const auto live = publisher_.find_backend(service.name, backend.name))
                backends.push_back({live->id, service.name + '\n' + backend.name});
    }
    counters_.follow(forwarding_.path->counters(), services, backends);
}

void Daemon::log_refusals()
{
    const Sink &tables = *forwarding_.sink;
    const auto name_of = [&tables](u32 id) {
        return id < tables.capacities().services
                   ? std::string(tables.slot(tables.generation()).service_names[id].text)
                   : std::string();
    };
    for (const std::string &line : refusal_log_.news(forwarding_.path->counters(), monotonic_ns(), name_of))
        spdlog::warn("{}", line);
}

// What the log would not say otherwise: health changes have their line already.
void Daemon::log_image_changes(const TableImage &before) const
{
    const auto &now = reconciler_.image().services;
    for (std::size_t place = 0; place < now.size(); place++) {
        const auto &service = now[place];
        // Elsewhere only if the configuration changed meanwhile, which the log has told.
        if (place >= before.services.size() || before.services[place] == service ||
            before.services[place]->name != service->name)
            continue;
        const ServiceImage &old = *before.services[place];
        if (service->panic != old.panic)
            spdlog::warn("service {}: {}", service->name,
                         service->panic ? "too many backends are down: health is ignored (panic_threshold)"
                                        : "health is used again");
        for (std::size_t i = 0; i < service->backends.size() && i < old.backends.size(); i++) {
            const BackendImage &backend = service->backends[i];
            const bool same = backend.reachable == old.backends[i].reachable &&
                              backend.needs_tunnel == old.backends[i].needs_tunnel;
            if (backend.name != old.backends[i].name || same)
                continue;
            if (backend.reachable)
                spdlog::info("backend {} of {}: next hop resolved", backend.name, service->name);
            else
                spdlog::warn("backend {} of {} unreachable: {}", backend.name, service->name, backend.reason);
        }
    }
}

} // namespace aya
