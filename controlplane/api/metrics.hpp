// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "api/exposition.hpp"
#include "api/views.hpp"

#include <span>
#include <string>

namespace aya::api
{

struct Metric {
    Family family;
    void (*write)(Exposition &out, const Scene &scene); // the samples
};

std::span<const Metric> metrics();

std::string metrics_text(const Scene &scene);

inline constexpr const char *kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

} // namespace aya::api
