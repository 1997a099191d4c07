// SPDX-License-Identifier: BSD-2-Clause
// Whom lists and limits refuse, by the samples that workers leave: aya/refusals.h.
#pragma once

#include "aya/refusals.h"
#include "publish/counter_source.hpp"

#include <compare>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace aya
{

// The samples that are there, oldest first. Those that a worker is about to overwrite are left out.
std::vector<aya_refusal> read_refusals(const CounterSources &sources);

// "198.51.100.7:40000"
std::string client_of(const aya_refusal &refusal);

// What the log says of them: a line for each service, reason and whether clients were let in, not more often
// than every kLogEvery.
class RefusalLog
{
public:
    static constexpr u64 kLogEvery = 10'000'000'000; // ns

    // Samples outlive the control plane: what is older was said by an earlier run.
    explicit RefusalLog(u64 since_ns) : seen_ns_(since_ns) {}

    // Lines about what is new since the last call. `name_of`: of a service, empty if it is gone.
    std::vector<std::string> news(const CounterSources &sources, u64 now_ns,
                                  const std::function<std::string(u32)> &name_of);

private:
    struct What {
        u32 service;
        u32 reason;
        bool is_let_in;
        auto operator<=>(const What &) const = default;
    };

    std::map<What, u64> said_; // when
    u64 seen_ns_;              // the newest sample
};

} // namespace aya
