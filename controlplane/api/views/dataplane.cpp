// SPDX-License-Identifier: BSD-2-Clause
#include "api/views.hpp"

#include "common/clock.hpp"

#include <cstring>

namespace aya::api
{

namespace
{

std::string mac_text(const u8 (&bytes)[6])
{
    Mac mac;
    std::memcpy(mac.bytes.data(), bytes, sizeof(bytes));
    return to_string(mac);
}

OrderedJson worker_view(const DataplaneSegment &segment, u32 index)
{
    const WorkerLine &line = segment.worker(index);
    const WorkerTotals &totals = segment.totals(index);
    const u64 beat = line.heartbeat_ns.load(std::memory_order_relaxed);
    const u64 now = monotonic_ns();
    return {{"index", index},
            {"lcore", line.lcore},
            {"alive", segment.worker_responds(index)},
            {"generation", line.epoch.load(std::memory_order_relaxed)},
            {"heartbeat_ms", now > beat ? (now - beat) / 1'000'000 : 0},
            {"rx_packets", totals.rx_packets},
            {"tx_packets", totals.tx_packets}};
}

OrderedJson process_view(const DataplaneSegment &process)
{
    OrderedJson workers = OrderedJson::array();
    bool alive = process.process_alive();
    for (u32 i = 0; i < process.worker_count(); i++) {
        workers.push_back(worker_view(process, i));
        alive = alive && process.worker_responds(i);
    }
    return {{"pid", process.header().owner_pid},
            {"alive", alive},
            {"uptime_seconds", (monotonic_ns() - process.header().started_ns) / 1'000'000'000},
            {"workers", std::move(workers)}};
}

OrderedJson port_view(const ForwardingPath &path, u32 index)
{
    const PortLine &port = path.ports()[index];
    OrderedJson json = {{"index", index},
                        {"name", field_text(port.name)},
                        {"interface", field_text(port.interface)},
                        {"punt", field_text(port.punt)},
                        {"mac", mac_text(port.mac)},
                        {"mtu", port.mtu},
                        {"queues", port.queues}};
    const LossCounts losses = path.losses(index);
    for (const LossCount &row : kLossCounts)
        json["losses"][std::string(row.name)] = losses.*row.count;
    if (const auto xdp = path.xdp_status(index)) {
        json["mode"] = xdp->mode;
        json["program_id"] = xdp->program_id;
        json["rx_packets"] = xdp->rx_packets;
        json["tx_packets"] = xdp->tx_packets;
    }
    return json;
}

} // namespace

OrderedJson dataplane_view(const ForwardingPath &path)
{
    OrderedJson json = {{"path", path.name()}, {"carrier", path.carrier()}};
    if (const DataplaneSegment *process = path.process())
        json.update(process_view(*process));
    else
        json["alive"] = path.forwards();
    OrderedJson ports = OrderedJson::array();
    for (u32 i = 0; i < path.ports().size(); i++)
        if (path.ports()[i].present)
            ports.push_back(port_view(path, i));
    json["ports"] = std::move(ports);
    return json;
}

} // namespace aya::api
