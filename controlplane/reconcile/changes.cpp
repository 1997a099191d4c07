// SPDX-License-Identifier: BSD-2-Clause
#include "reconcile/changes.hpp"

#include "config/parse.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace aya
{

namespace
{

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Clock = Reconciler::Clock;

constexpr auto kPoll = 1ms;
constexpr auto kPatience = 10s; // a worker that hangs is not waited for after two

} // namespace

Changes::Changes(Reconciler &reconciler, std::filesystem::path config_file, std::function<void()> published)
    : reconciler_(reconciler), config_file_(std::move(config_file)), published_(std::move(published))
{
}

asio::awaitable<ConfigErrors> Changes::until_ready()
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    const auto deadline = Clock::now() + kPatience;
    while (!reconciler_.ready()) {
        if (Clock::now() > deadline)
            co_return ConfigErrors{
                {.where = "",
                 .message = "a worker of the data plane still reads tables older than generation " +
                            std::to_string(reconciler_.publisher().generation()) + "; see ayactl status",
                 .kind = ErrorKind::io}};
        timer.expires_after(kPoll);
        co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return ConfigErrors{};
}

// Only what can be published waits for the workers: what is wrong is refused at once. After the wait the
// change is made on what is in force by then.
asio::awaitable<Result<Applied>> Changes::edit(std::string_view origin, Reconciler::Edit edit)
{
    if (!reconciler_.ready())
        if (const auto tried = edit(reconciler_.config()); !tried) {
            log(origin, tried.errors());
            co_return tried.errors();
        }
    if (auto errors = co_await until_ready(); !errors.empty())
        co_return errors;
    auto applied = reconciler_.change(edit, Clock::now());
    log(origin, applied);
    co_return applied;
}

asio::awaitable<Result<Applied>> Changes::apply(std::string_view origin, Config file)
{
    if (!reconciler_.ready())
        if (const auto planned = reconciler_.plan(file); !planned) {
            log(origin, planned.errors());
            co_return planned.errors();
        }
    if (auto errors = co_await until_ready(); !errors.empty())
        co_return errors;
    auto applied = reconciler_.apply(file, Clock::now());
    log(origin, applied);
    co_return applied;
}

asio::awaitable<Result<Applied>> Changes::reload(std::string_view origin)
{
    auto file = load_config(config_file_);
    if (!file) {
        for (const ConfigError &error : file.errors())
            spdlog::error("{}: {}", origin, format_error(config_file_.string(), error));
        spdlog::error("{}: {} is refused; nothing changed", origin, config_file_.string());
        co_return file.errors();
    }
    co_return co_await apply(origin, std::move(*file));
}

// False: refused, as the log says.
bool Changes::publish_observed()
{
    const auto published = reconciler_.reconcile(Clock::now());
    if (!published) {
        for (const ConfigError &error : published.errors())
            spdlog::error("cannot publish: {}: {}", error.where, error.message);
        return false;
    }
    if (published->changed)
        spdlog::debug("generation {}", published->generation);
    return true;
}

asio::awaitable<void> Changes::reconcile()
{
    if (auto errors = co_await until_ready(); !errors.empty()) {
        spdlog::error("cannot publish: {}", errors.front().message);
        co_return;
    }
    const bool is_published = publish_observed();
    if (!reconciler_.retire_due(Clock::now()))
        co_return;
    if (auto errors = co_await until_ready(); !errors.empty())
        co_return;
    const Published retired = reconciler_.retire(Clock::now());
    if (retired.changed)
        spdlog::debug("generation {}: previous lookup tables retired", retired.generation);
    // What was refused may have room in the lookup arena now.
    if (is_published)
        co_return;
    if (auto errors = co_await until_ready(); errors.empty())
        publish_observed();
}

void Changes::log(std::string_view origin, const Result<Applied> &applied) const
{
    if (!applied) {
        for (const ConfigError &error : applied.errors())
            spdlog::warn("{}: refused: {}{}{}", origin, error.where, error.where.empty() ? "" : ": ",
                         error.message);
        return;
    }
    for (const Change &change : applied->changes)
        spdlog::info("{}: {}{}", origin, to_string(change),
                     needs_restart(change) ? " (takes effect when the daemons are restarted)" : "");
    if (applied->changes.empty())
        spdlog::info("{}: no change", origin);
    if (applied->published.changed) {
        spdlog::debug("generation {}", applied->published.generation);
        published_();
    }
}

} // namespace aya
