// SPDX-License-Identifier: BSD-2-Clause
// Options that correspond to keys of a service or backend. Only what was given is sent; what is allowed
// is for the daemon to say, so that there is one validation.
#pragma once

#include "program.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aya::ctl
{

// A whole number; out of range is the daemon's to refuse, not a number at all is bad usage.
CLI::Option *add_number(CLI::App *app, const std::string &name, std::optional<std::int64_t> &value,
                        const std::string &description);

// Takes one value each time it is given, so that a positional may follow.
CLI::Option *add_repeated(CLI::App *app, const std::string &name, std::vector<std::string> &values,
                          const std::string &description);

// Names are part of paths, where an empty one would mean something else.
CLI::Validator not_empty();

struct ServiceFields {
    std::vector<std::string> vips;
    std::string scheduler;
    std::string affinity;
    std::string encap;
    std::optional<std::int64_t> gue_port;
    std::string health_type;
    std::string health_interval;
    std::string health_timeout;
    std::optional<std::int64_t> health_rise;
    std::optional<std::int64_t> health_fall;
    std::optional<std::int64_t> health_port;
    std::optional<std::int64_t> lookup_size;
    std::vector<std::string> idle_timeouts; // "tcp_established=15m"; the tcp_ may be left out
    std::string panic_threshold;            // "50%", or 50 which means the same
    std::optional<bool> stateless;

    void add_options(Program &program, CLI::App *app);
    // Puts what was given over what is there; `health` and `idle_timeouts` are merged key by key.
    void apply(Json &service) const;
};

struct BackendFields {
    std::optional<std::int64_t> weight;
    std::string mac;

    void add_options(CLI::App *app);
    void apply(Json &backend) const; // a MAC address of "auto" is null
    bool empty() const { return !weight && mac.empty(); }
};

} // namespace aya::ctl
