// SPDX-License-Identifier: BSD-2-Clause
// Sums of the workers' counters, by the names of what they count.
#pragma once

#include "aya/shm.hpp"
#include "publish/counter_source.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace aya
{

struct PacketCount {
    u64 packets = 0;
    u64 bytes = 0;
    u64 new_flows = 0; // services only
};

// The data plane counts by id, and an id passes from a backend that was removed to one that was added. What
// it had counted by then is not the new one's. Counters start at 0 with each start of the data plane.
class Counters
{
public:
    // What the ids mean from now on. The very first call attributes everything counted so far to them.
    struct Owner {
        u32 id;
        std::string name;
    };
    void follow(const CounterSources &sources, const std::vector<Owner> &services,
                const std::vector<Owner> &backends);

    PacketCount service(const CounterSources &sources, u32 id) const;
    PacketCount backend(const CounterSources &sources, u32 id) const;
    static u64 reason(const CounterSources &sources, u32 reason);

private:
    struct Start {
        u64 started_ns; // of the source
        PacketCount count;
    };
    struct Base {
        std::string owner;
        std::vector<Start> starts; // what each source had counted when the owner got the id
    };
    using Bases = std::unordered_map<u32, Base>;
    using Read = PacketCount (*)(const CounterSource &, u32);

    void take(Bases &bases, const std::vector<Owner> &owners, const CounterSources &sources, Read read);
    static PacketCount since(const Bases &bases, const CounterSources &sources, u32 id, Read read);

    Bases services_;
    Bases backends_;
    bool started_ = false;
};

} // namespace aya
