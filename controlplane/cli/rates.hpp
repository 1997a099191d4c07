// SPDX-License-Identifier: BSD-2-Clause
// What happens now, from two looks at counters that only grow.
#pragma once

#include "json.hpp"

namespace aya::ctl
{

// Answers of /v1/counters, `seconds` apart, as an answer of the same shape whose counters are events a
// second, rounded. What was not there before, and what started again at 0 with the data plane, counts from 0.
Json per_second(const Json &before, const Json &after, double seconds);

} // namespace aya::ctl
