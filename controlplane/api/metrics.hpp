// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "api/views.hpp"

#include <string>

namespace aya::api
{

// Prometheus text exposition format 0.0.4.
std::string metrics_text(const Scene &scene);

inline constexpr const char *kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

} // namespace aya::api
