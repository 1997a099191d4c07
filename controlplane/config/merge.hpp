// SPDX-License-Identifier: BSD-2-Clause
// What differs between two configurations, and what a new file means for what runs.
#pragma once

#include "common/result.hpp"
#include "config.hpp"
#include "parse.hpp"

#include <string>
#include <vector>

namespace aya
{

enum class ChangeOp : unsigned char { add, remove, change };

// CHANGE of docs/api.md.
struct Change {
    ChangeOp op = ChangeOp::change;
    std::string what;  // "service inference backend gpu-01"
    std::string field; // only for change: "weight", "health.interval"
    OrderedJson from;  // only for change; null = absent
    OrderedJson to;

    bool operator==(const Change &) const = default;
};

// In the order of `to`, removals of a kind last. Empty if nothing differs (order of services and
// backends is no difference).
std::vector<Change> diff(const Config &from, const Config &to);

OrderedJson to_json(const Change &change);
std::string to_string(const Change &change); // "change service inference backend gpu-01: weight 8 -> 4"

// True if the change takes effect only when the daemons start again: seed, dataplane, controlplane.
bool needs_restart(const Change &change);

// Three-way merge, as `kubectl apply` does. Per key, what the operator changed at run time stays,
// unless the file itself changed that key between `last_applied` and `file`: then the file wins.
// Services and backends are matched by name; those added at run time stay, those that left the file go,
// those removed at run time stay away until the file changes them.
// The result is validated; what the file alone decides (all but services) is taken from `file`.
Result<Config> merge(const std::vector<ServiceConfig> &last_applied, const Config &file,
                     const std::vector<ServiceConfig> &running);

} // namespace aya
