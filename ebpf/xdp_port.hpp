// SPDX-License-Identifier: BSD-2-Clause
// The forwarding program on one interface, with its own flow table and counters, pinned: it goes on when this
// process ends, and the next one takes it up.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aya/counters.h"
#include "aya/flow_table.h"
#include "aya/pinned.hpp"
#include "bpf_array.hpp"
#include "common/ethtool/vlan_tags.hpp"
#include "forward_object.hpp"
#include "interface.hpp"
#include "pins.hpp"
#include "xdp_tables.hpp"

namespace aya
{

struct XdpPortOptions {
    std::string interface;
    u32 index = 0;           // among the ports: AYA_PORT of the tables
    u32 flow_sets = 1 << 15; // of each RX queue, a power of two
    bool replace_program = false;
};

class XdpPort
{
public:
    // Takes up what is pinned for this interface, or makes its maps and loads the program. Changes nothing of
    // the interface. Throws BpfError.
    XdpPort(const std::string &instance_directory, const XdpTables &tables, const XdpPortOptions &options);
    ~XdpPort();
    XdpPort(const XdpPort &) = delete;
    XdpPort &operator=(const XdpPort &) = delete;

    // Attaches the program where it is not, also to a recreated interface; puts this build's in the
    // place of another build's. Answers what was done, for people; empty: all was as it should be. Throws
    // BpfError, and the interface is as it was.
    std::string attach();

    // Of the interface as attach() found it last.
    const VlanTags &tags() const { return tags_; }

    // Nothing was pinned for this interface, and attach() was not called yet.
    bool fresh() const { return unfinished_.has_value(); }

    // Undoes attach(), and removes what is pinned.
    void detach();

    // The program is attached to the interface that has the name now.
    bool attached() const;

    const std::string &interface() const { return options_.interface; }
    u32 queues() const { return record()->queues; } // flow tables
    bool by_processor() const { return record()->by_processor != 0; }
    XdpMode mode() const { return attached_program(record()->interface_index).mode; }
    u32 program_id() const;

    // True: forwards itself, whatever AF_XDP sockets there are.
    void bypass_sockets(bool on) const
    {
        __atomic_store_n(&mode_.at<aya_xdp_mode>()->bypass_sockets, on ? 1 : 0, __ATOMIC_RELEASE);
    }

    void set_punt_limit(u32 per_second) const
    {
        __atomic_store_n(&mode_.at<aya_xdp_mode>()->punt_limit, per_second, __ATOMIC_RELAXED);
    }

    void set_stations(const aya_stations &stations) const
    {
        auto *shared = &mode_.at<aya_xdp_mode>()->stations;
        __atomic_store_n(&shared->own, stations.own, __ATOMIC_RELAXED);
        for (u32 i = 0; i < AYA_OTHER_MACS; i++)
            __atomic_store_n(&shared->others[i], stations.others[i], __ATOMIC_RELAXED);
    }

    aya_flow_set *flows(u32 queue) const { return flows_.at<aya_flow_set>(u64{queue} * options_.flow_sets); }
    u32 flow_sets() const { return options_.flow_sets; }
    std::span<aya_backend_load> flow_loads(u32 queue) const
    {
        return {flow_loads_.at<aya_backend_load>(u64{queue} * capacities_.backends), capacities_.backends};
    }
    const aya_refusals *refusals(u32 queue) const { return refusals_.at<aya_refusals>(queue); }
    const aya_worker_totals &totals(u32 queue) const { return *totals_.at<aya_worker_totals>(queue); }
    const aya_service_counters &service_counters(u32 queue, u32 service) const
    {
        return *service_counters_.at<aya_service_counters>(u64{queue} * capacities_.services + service);
    }
    const aya_backend_counters &backend_counters(u32 queue, u32 backend) const
    {
        return *backend_counters_.at<aya_backend_counters>(u64{queue} * capacities_.backends + backend);
    }

private:
    using Maker = BpfArray (*)(const std::string &directory, const char *name, u32 entry_size, u64 entries);
    void open(const XdpTables &tables);
    void create(const XdpTables &tables);
    void make(const std::string &directory, Maker maker);
    void check_record(const XdpTables &tables) const;
    void keep_tags(bool is_new);
    void attach_anew(const std::string &directory);
    ForwardSizes sizes() const;
    XdpPortRecord *record() const { return record_.at<XdpPortRecord>(); }

    std::string directory_;
    XdpPortOptions options_;
    Capacities capacities_;
    InterfaceFacts facts_;
    VlanTags tags_;
    std::optional<pins::UnfinishedDirectory> unfinished_;
    ForwardObject::Maps table_maps_;
    BpfArray record_, flows_, flow_loads_, totals_, service_counters_, backend_counters_, limits_, refusals_,
        mode_;
    BpfHandle xsks_map_, link_;
    BpfHandle program_; // loaded, and not yet attached
};

} // namespace aya
