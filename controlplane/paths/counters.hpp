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
    // What a port lost after it was counted as forwarded is tx_lost, and no longer forwarded.
    u64 reason(const CounterSources &sources, u32 reason) const;

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

    u64 forwarded(const CounterSources &sources, u64 sum, u64 lost) const;

    // The forwarded packets that were shown last. A loss is known up to a second late; the count stands still
    // then, since one that goes back looks like a restart.
    struct Shown {
        u64 since = 0; // when the sources started
        u64 packets = 0;
    };
    mutable Shown shown_;
    Bases services_;
    Bases backends_;
    bool started_ = false;
};

} // namespace aya
