// SPDX-License-Identifier: BSD-2-Clause
// What ethtool(8) shows of a network interface: its driver, and the features of `ethtool -k`.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace aya::ethtool
{

std::string driver(const std::string &interface); // empty: unknown

struct Feature {
    std::string name;
    bool active = false;
    bool changeable = false;
};

// Empty: there is no such interface, or the kernel does not say.
std::vector<Feature> features(const std::string &interface);

// False: it is not as asked for.
bool set_feature(const std::string &interface, const std::string &name, bool on);

} // namespace aya::ethtool
