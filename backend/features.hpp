// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <set>
#include <string>

namespace aya::backend
{

// The offloads of an interface that are on, by the names that `ethtool -k` knows ("rx-lro"). Empty where the
// kernel does not tell.
std::set<std::string> read_active_features(const std::string &interface);

} // namespace aya::backend
