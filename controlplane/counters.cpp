// SPDX-License-Identifier: BSD-2-Clause
#include "counters.hpp"

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

void Counters::follow(const CounterSource *source, const std::vector<Owner> &services,
                      const std::vector<Owner> &backends)
{
    take(services_, services, source, read_service);
    take(backends_, backends, source, read_backend);
    started_ = true;
}

void Counters::take(Bases &bases, const std::vector<Owner> &owners, const CounterSource *source,
                    Read read)
{
    for (const Owner &owner : owners) {
        Base &base = bases[owner.id];
        if (base.owner == owner.name)
            continue;
        base = {.owner = owner.name, .count = {}, .started_ns = 0};
        if (started_ && source) {
            base.count = read(*source, owner.id);
            base.started_ns = source->started_ns();
        }
    }
}

PacketCount Counters::since(const Bases &bases, const CounterSource *source, u32 id, Read read)
{
    if (!source)
        return {};
    PacketCount count = read(*source, id);
    const auto base = bases.find(id);
    if (base != bases.end() && base->second.started_ns == source->started_ns()) {
        count.packets -= base->second.count.packets;
        count.bytes -= base->second.count.bytes;
        count.new_flows -= base->second.count.new_flows;
    }
    return count;
}

PacketCount Counters::service(const CounterSource *source, u32 id) const
{
    return since(services_, source, id, read_service);
}

PacketCount Counters::backend(const CounterSource *source, u32 id) const
{
    return since(backends_, source, id, read_backend);
}

u64 Counters::reason(const CounterSource *source, u32 reason)
{
    u64 sum = 0;
    for (u32 worker = 0; source && worker < source->worker_count(); worker++)
        sum += source->totals(worker).reasons[reason];
    return sum;
}

} // namespace aya
