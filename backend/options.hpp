// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "settings.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace aya::backend
{

// The command line makes no sense. Exit code 2.
class UsageError : public std::runtime_error
{
    using std::runtime_error::runtime_error;
};

enum class Verb { up, check, status, down };

struct Options {
    Verb verb = Verb::status;
    std::vector<Prefix> vips{};
    std::optional<Encap> encap{};
    std::uint16_t gue_port = kGuePort;
    std::string interface {
    };
    std::vector<Prefix> balancers{};
    std::optional<Hook> hook{}; // nullopt: the one that fits
    std::vector<IpAddress> locals{};
    std::vector<Port> ports{};
    bool json = false;
    std::string run_dir = "/run/aya-backend";
    std::string bpf_dir = "/sys/fs/bpf/aya-backend";
};

// Throws UsageError. nullopt: help or version was asked for and printed.
std::optional<Options> parse_options(int argc, const char *const *argv);

} // namespace aya::backend
