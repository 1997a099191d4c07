// SPDX-License-Identifier: BSD-2-Clause
// Which changes make a host the backend that is asked for: a pure function.
#pragma once

#include "facts.hpp"
#include "state.hpp"

#include <string>
#include <vector>

namespace aya::backend
{

// All changes that shall be in force, in the order of making: first what keeps the host quiet, last the VIPs.
// `old`: those in force already; a change that is in both keeps its `before`, so that undoing goes back
// to where the host was at first. What was there before us is not a change of ours.
std::vector<Change> plan(const Facts &facts, const Settings &settings, const std::vector<Change> &old,
                         const std::string &bpf_dir);

// What `old` has and `wanted` has not.
std::vector<Change> difference(const std::vector<Change> &old, const std::vector<Change> &wanted);

// tc ingress, except where only native XDP can mix families: kernels before 6.3.
Hook choose_hook(const Facts &facts, const Settings &settings);

} // namespace aya::backend
