// SPDX-License-Identifier: BSD-2-Clause
#include "paths/counters.hpp"

#include <algorithm>

namespace aya
{

namespace
{

PacketCount read_service(const CounterSource &source, u32 id)
{
    PacketCount sum;
    if (id >= source.capacities().services)
        return sum;
    for (u32 worker = 0; worker < source.worker_count(); worker++) {
        const ServiceCounters &counters = source.service_counters(worker, id);
        sum.packets += counters.packets;
        sum.bytes += counters.bytes;
        sum.new_flows += counters.new_flows;
    }
    return sum;
}

PacketCount read_backend(const CounterSource &source, u32 id)
{
    PacketCount sum;
    if (id >= source.capacities().backends)
        return sum;
    for (u32 worker = 0; worker < source.worker_count(); worker++) {
        const BackendCounters &counters = source.backend_counters(worker, id);
        sum.packets += counters.packets;
        sum.bytes += counters.bytes;
    }
    return sum;
}

} // namespace

void Counters::follow(const CounterSources &sources, const std::vector<Owner> &services,
                      const std::vector<Owner> &backends)
{
    take(services_, services, sources, read_service);
    take(backends_, backends, sources, read_backend);
    started_ = true;
}

void Counters::take(Bases &bases, const std::vector<Owner> &owners, const CounterSources &sources, Read read)
{
    for (const Owner &owner : owners) {
        Base &base = bases[owner.id];
        if (base.owner == owner.name)
            continue;
        base = {.owner = owner.name, .starts = {}};
        if (!started_)
            continue;
        for (const CounterSource *source : sources)
            base.starts.push_back({source->started_ns(), read(*source, owner.id)});
    }
}

PacketCount Counters::since(const Bases &bases, const CounterSources &sources, u32 id, Read read)
{
    PacketCount sum;
    for (const CounterSource *source : sources) {
        const PacketCount count = read(*source, id);
        sum.packets += count.packets;
        sum.bytes += count.bytes;
        sum.new_flows += count.new_flows;
    }
    const auto base = bases.find(id);
    if (base == bases.end())
        return sum;
    for (const Start &start : base->second.starts) {
        const auto is_its = [&](const CounterSource *source) {
            return source->started_ns() == start.started_ns;
        };
        if (std::none_of(sources.begin(), sources.end(), is_its))
            continue; // of a process that is gone, and its count with it
        sum.packets -= start.count.packets;
        sum.bytes -= start.count.bytes;
        sum.new_flows -= start.count.new_flows;
    }
    return sum;
}

PacketCount Counters::service(const CounterSources &sources, u32 id) const
{
    return since(services_, sources, id, read_service);
}

PacketCount Counters::backend(const CounterSources &sources, u32 id) const
{
    return since(backends_, sources, id, read_backend);
}

u64 Counters::reason(const CounterSources &sources, u32 reason) const
{
    u64 sum = 0;
    u64 lost = 0;
    for (const CounterSource *source : sources) {
        for (u32 worker = 0; worker < source->worker_count(); worker++)
            sum += source->totals(worker).reasons[reason];
        lost += source->lost_after_sending();
    }
    if (reason == AYA_REASON_TX_LOST)
        return sum + lost;
    return reason == AYA_REASON_NONE ? forwarded(sources, sum, lost) : sum;
}

u64 Counters::forwarded(const CounterSources &sources, u64 sum, u64 lost) const
{
    u64 since = 0;
    for (const CounterSource *source : sources)
        since += source->started_ns();
    if (since != shown_.since)
        shown_ = {.since = since, .packets = 0};
    shown_.packets = std::max(shown_.packets, sum - std::min(sum, lost));
    return shown_.packets;
}

} // namespace aya
