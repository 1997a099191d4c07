// SPDX-License-Identifier: BSD-2-Clause
#include "counters.hpp"

namespace aya
{

namespace
{

PacketCount read_service(const DataplaneSegment &segment, u32 id)
{
    PacketCount sum;
    if (id >= segment.header().capacities.services)
        return sum;
    for (u32 worker = 0; worker < segment.worker_count(); worker++) {
        const ServiceCounters &counters = segment.service_counters(worker, id);
        sum.packets += counters.packets;
        sum.bytes += counters.bytes;
        sum.new_flows += counters.new_flows;
    }
    return sum;
}

PacketCount read_backend(const DataplaneSegment &segment, u32 id)
{
    PacketCount sum;
    if (id >= segment.header().capacities.backends)
        return sum;
    for (u32 worker = 0; worker < segment.worker_count(); worker++) {
        const BackendCounters &counters = segment.backend_counters(worker, id);
        sum.packets += counters.packets;
        sum.bytes += counters.bytes;
    }
    return sum;
}

} // namespace

void Counters::follow(const DataplaneSegment *segment, const std::vector<Owner> &services,
                      const std::vector<Owner> &backends)
{
    take(services_, services, segment, read_service);
    take(backends_, backends, segment, read_backend);
    started_ = true;
}

void Counters::take(Bases &bases, const std::vector<Owner> &owners, const DataplaneSegment *segment,
                    Read read)
{
    for (const Owner &owner : owners) {
        Base &base = bases[owner.id];
        if (base.owner == owner.name)
            continue;
        base = {.owner = owner.name, .count = {}, .started_ns = 0};
        if (started_ && segment) {
            base.count = read(*segment, owner.id);
            base.started_ns = segment->header().started_ns;
        }
    }
}

PacketCount Counters::since(const Bases &bases, const DataplaneSegment *segment, u32 id, Read read)
{
    if (!segment)
        return {};
    PacketCount count = read(*segment, id);
    const auto base = bases.find(id);
    if (base != bases.end() && base->second.started_ns == segment->header().started_ns) {
        count.packets -= base->second.count.packets;
        count.bytes -= base->second.count.bytes;
        count.new_flows -= base->second.count.new_flows;
    }
    return count;
}

PacketCount Counters::service(const DataplaneSegment *segment, u32 id) const
{
    return since(services_, segment, id, read_service);
}

PacketCount Counters::backend(const DataplaneSegment *segment, u32 id) const
{
    return since(backends_, segment, id, read_backend);
}

u64 Counters::reason(const DataplaneSegment *segment, u32 reason)
{
    u64 sum = 0;
    for (u32 worker = 0; segment && worker < segment->worker_count(); worker++)
        sum += segment->totals(worker).reasons[reason];
    return sum;
}

} // namespace aya
