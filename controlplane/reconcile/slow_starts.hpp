// SPDX-License-Identifier: BSD-2-Clause
// Backends on their way to their whole weight: those that were down and are back, and those that joined live
// ones. A server with cold caches gets its part bit by bit. Pure: the clock is passed in.
#pragma once

#include "config/config.hpp"
#include "model/observed.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace aya
{

class SlowStarts
{
public:
    using Clock = std::chrono::steady_clock;

    // `rule` has a window. A backend that had begun begins again.
    void begin(const std::string &service, const std::string &backend, const SlowStart &rule,
               Clock::time_point now);

    // Time has passed. Returns the services of which a backend has got on.
    std::vector<std::string> advance(Clock::time_point now);

    // Of kWholeWeight, as of the last call of advance().
    unsigned part(const std::string &service, const std::string &backend) const;

    // The others have their whole weight at once.
    using Still = std::function<bool(const std::string &service, const std::string &backend)>;
    void keep(const Still &still);

    bool empty() const { return starting_.empty(); }

private:
    struct Start {
        std::string service;
        std::string backend;
        SlowStart rule;
        Clock::time_point begun;
        unsigned part = kWholeWeight;
    };
    static unsigned part_of(const Start &start, Clock::time_point now);

    std::unordered_map<std::string, Start> starting_; // by service, newline, backend
};

} // namespace aya
