// SPDX-License-Identifier: BSD-2-Clause
// What people and programs read.
#pragma once

#include "findings.hpp"
#include "inspect.hpp"
#include "state.hpp"

#include <optional>
#include <vector>

namespace aya::backend
{

// "203.0.113.10 on lo; ipip, decapsulated at tc ingress of eth0 for 10.0.1.11"
std::string describe(const Settings &settings);

// One line each on standard output. The exit code: 1 if there are any.
int report(const std::vector<Finding> &findings, const Settings &settings, bool json);

// `facts`: nullopt if the interface is gone. The exit code: 0.
int report(const State &state, const std::optional<Facts> &facts,
           const std::optional<DecapCounters> &counters, bool json);
int report_nothing_set_up(bool json);

} // namespace aya::backend
