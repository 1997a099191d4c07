// SPDX-License-Identifier: BSD-2-Clause
// What an operator changes at run time, as pure functions: a configuration and a request in, a new
// and validated configuration out, or all errors and the old one untouched. `text` is JSON; pointers
// in errors about it are relative to it.
#pragma once

#include "common/result.hpp"
#include "config.hpp"

#include <string_view>

namespace aya
{

// `text`: a service as in the configuration file. The new one is the last of services.
Result<Config> add_service(const Config &config, std::string_view text);

// `text`: the keys to change. An object inside (health, idle_timeouts) changes only the keys that it
// has; a list replaces the list; null takes an optional value away. `name` and `backends` are refused.
Result<Config> patch_service(const Config &config, std::string_view service, std::string_view text);

Result<Config> remove_service(const Config &config, std::string_view service);

// `text`: a backend as in the configuration file. The new one is the last of the service's backends.
Result<Config> add_backend(const Config &config, std::string_view service, std::string_view text);

// `text`: any of weight, state, mac (null: back to the neighbour's).
Result<Config> patch_backend(const Config &config, std::string_view service, std::string_view backend,
                             std::string_view text);

Result<Config> remove_backend(const Config &config, std::string_view service, std::string_view backend);

// The answers to a name that does not exist.
ConfigError no_service(const Config &config, std::string_view name);
ConfigError no_backend(const ServiceConfig &service, std::string_view name);

} // namespace aya
