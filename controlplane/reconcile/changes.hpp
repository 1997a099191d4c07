// SPDX-License-Identifier: BSD-2-Clause
// The ways in which a change comes in: each is judged at once, waits until the tables can be written, then is
// made.
#pragma once

#include "reconcile/reconciler.hpp"

#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <functional>
#include <string_view>

namespace aya
{

class Changes
{
public:
    // `published` is called after a configuration was published: services and backends may have other ids.
    Changes(Reconciler &reconciler, std::filesystem::path config_file, std::function<void()> published);

    // `origin` is for the log: "api", "SIGHUP".
    boost::asio::awaitable<Result<Applied>> edit(std::string_view origin, Reconciler::Edit edit);
    boost::asio::awaitable<Result<Applied>> apply(std::string_view origin, Config file);
    boost::asio::awaitable<Result<Applied>> reload(std::string_view origin);

    // What was observed, and previous lookup tables whose time is over.
    boost::asio::awaitable<void> reconcile();

    const std::filesystem::path &config_file() const { return config_file_; }

private:
    boost::asio::awaitable<ConfigErrors> until_ready();
    bool publish_observed();
    void log(std::string_view origin, const Result<Applied> &applied) const;

    Reconciler &reconciler_;
    std::filesystem::path config_file_;
    std::function<void()> published_;
};

} // namespace aya
