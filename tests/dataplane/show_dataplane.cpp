// SPDX-License-Identifier: BSD-2-Clause
//
// show_dataplane FILE: a data plane's segment as JSON, counters summed over workers and by worker.
#include <iostream>

#include <nlohmann/json.hpp>

#include "aya/segment.hpp"
#include "common/reasons.hpp"

namespace
{

using Json = nlohmann::json;
using namespace aya;

Json port_json(const PortLine &port)
{
    char mac[18];
    std::snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", port.mac[0], port.mac[1], port.mac[2],
                  port.mac[3], port.mac[4], port.mac[5]);
    return {{"name", port.name},
            {"interface", port.interface},
            {"punt", port.punt},
            {"mac", mac},
            {"mtu", port.mtu},
            {"queues", port.queues},
            {"punt_ifindex", port.punt_ifindex},
            {"state", static_cast<u32>(port.state)}};
}

Json losses_json(const PortLosses &losses)
{
    return {{"rx_missed", losses.rx_missed},
            {"rx_no_buffer", losses.rx_no_buffer},
            {"rx_errors", losses.rx_errors},
            {"tx_lost", losses.tx_lost}};
}

Json totals_json(const WorkerTotals &totals)
{
    Json reasons = Json::object();
    for (u32 i = 0; i < AYA_REASON_COUNT; i++) {
        if (totals.reasons[i] != 0)
            reasons[reason_name(i)] = totals.reasons[i];
    }
    return {{"rx_packets", totals.rx_packets},
            {"rx_bytes", totals.rx_bytes},
            {"tx_packets", totals.tx_packets},
            {"tx_bytes", totals.tx_bytes},
            {"reasons", reasons}};
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: show_dataplane FILE\n";
        return 2;
    }
    try {
        const MappedFile file = MappedFile::open(argv[1], MappedFile::Access::read_only);
        const SegmentHeader &header = check_segment(file, kDataplaneMagic, "aya-dataplane");
        const DataplaneLayout layout(header.capacities, header.worker_count);
        Json all{{"pid", header.owner_pid},
                 {"tables_identity", header.tables_identity},
                 {"backends", Json::object()}};
        for (u32 i = 0; i < kMaxPorts; i++) {
            const PortLine &port = file.at<const PortLine>(layout.ports)[i];
            if (port.name[0] == 0)
                continue;
            all["ports"].push_back(port_json(port));
            all["ports"].back()["losses"] = losses_json(file.at<const PortLosses>(layout.port_losses)[i]);
        }
        for (u32 i = 0; i < header.worker_count; i++) {
            const WorkerLine &line = file.at<const WorkerLine>(layout.workers)[i];
            Json worker = totals_json(file.at<const WorkerTotals>(layout.totals)[i]);
            worker["epoch"] = line.epoch.load();
            worker["heartbeat_ns"] = line.heartbeat_ns.load();
            worker["state"] = static_cast<u32>(line.state.load());
            worker["lcore"] = line.lcore;
            worker["tid"] = line.tid;
            all["workers"].push_back(worker);
            for (u32 id = 0; id < header.capacities.backends; id++) {
                const auto *counters = file.at<const BackendCounters>(layout.backend_counters) +
                                       u64{i} * header.capacities.backends + id;
                if (counters->packets != 0)
                    all["backends"][std::to_string(id)] =
                        all["backends"].value(std::to_string(id), u64{0}) + counters->packets;
            }
        }
        std::cout << all << "\n";
    } catch (const SegmentError &error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
    return 0;
}
