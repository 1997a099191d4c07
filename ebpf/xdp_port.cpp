// SPDX-License-Identifier: BSD-2-Clause
#include "xdp_port.hpp"

#include <bpf/bpf.h>
#include <charconv>
#include <fstream>
#include <unistd.h>

#include "aya/forward.h"
#include "common/instance.hpp"

namespace aya
{

namespace
{

// A pin of this name may be there: it is replaced in one step.
void pin_over(const BpfHandle &handle, const std::string &path)
{
    const std::string aside = path + pins::kUnfinished;
    ::unlink(aside.c_str());
    handle.pin(aside);
    pins::rename(aside, path);
}

bpf_link_info info_of(const BpfHandle &link)
{
    bpf_link_info info = {};
    u32 length = sizeof(info);
    if (!link || bpf_obj_get_info_by_fd(link.fd(), &info, &length) != 0)
        return {};
    return info;
}

InterfaceFacts find_interface(const std::string &name)
{
    const auto facts = interface_facts(name);
    if (!facts)
        throw BpfError("no such interface: " + name + "; `ip link` lists the existing ones");
    if (!facts->ethernet)
        throw BpfError(name + ": not an Ethernet interface");
    return *facts;
}

// Of those that run, which machines number with gaps. A list like "0-3,8-11".
u32 highest_processor()
{
    constexpr const char *kOnline = "/sys/devices/system/cpu/online";
    std::string list;
    std::ifstream(kOnline) >> list;
    const std::size_t last = list.find_last_of(",-");
    const std::string number = last == std::string::npos ? list : list.substr(last + 1);
    u32 highest = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), highest).ec != std::errc())
        throw BpfError(std::string("cannot count the processors: ") + kOnline + " says \"" + list + "\"");
    return highest;
}

// As many as can write at a time: one per RX queue, which one processor serves at a time. Packets of a
// stacked interface come from any queue of those below.
u32 flow_tables(const InterfaceFacts &facts)
{
    if (!facts.stacked)
        return facts.rx_queues;
    return highest_processor() + 1;
}

constexpr const char *kFlushIt =
    "; `aya-controlplane --flush` removes it (open connections may then change their "
    "backend)";

} // namespace

XdpPort::XdpPort(const std::string &instance_directory, const XdpTables &tables,
                 const XdpPortOptions &options)
    : directory_(pinned_port_directory(instance_directory, options.interface)), options_(options),
      capacities_(tables.capacities()), facts_(find_interface(options.interface)),
      table_maps_(tables.program_maps())
{
    if (pins::exists(directory_))
        open(tables);
    else
        create(tables);
    if (attached() && record()->program_hash == ForwardObject::hash(sizes()))
        return;
    if (!attached() && !options.replace_program)
        refuse_other_program(options.interface, facts_);
    ForwardObject::Maps maps = table_maps_;
    maps.insert(maps.end(), {{"flows", flows_.fd()},
                             {"flow_loads", flow_loads_.fd()},
                             {"totals", totals_.fd()},
                             {"service_counters", service_counters_.fd()},
                             {"backend_counters", backend_counters_.fd()},
                             {"limits", limits_.fd()},
                             {"refusals", refusals_.fd()},
                             {"mode", mode_.fd()},
                             {"xsks_map", xsks_map_.fd()}});
    const ForwardObject object(sizes(), maps);
    program_ = BpfHandle(::dup(object.program_fd()));
}

XdpPort::~XdpPort() = default;

ForwardSizes XdpPort::sizes() const
{
    return {.capacities = capacities_,
            .queues = record()->queues,
            .flow_sets = options_.flow_sets,
            .port_index = options_.index,
            .by_processor = record()->by_processor != 0};
}

void XdpPort::create(const XdpTables &tables)
{
    if (!facts_.up)
        throw BpfError(options_.interface + ": the interface is down; ip link set " + options_.interface +
                       " up");
    const u32 tables_wanted = flow_tables(facts_);
    if (tables_wanted > AYA_XDP_QUEUES)
        throw BpfError(options_.interface + ": has " + std::to_string(tables_wanted) +
                       (facts_.stacked ? " processors" : " RX queues") + ", at most " +
                       std::to_string(AYA_XDP_QUEUES) + " can be served" +
                       (facts_.stacked ? std::string()
                                       : "; ethtool -L " + options_.interface + " combined " +
                                             std::to_string(AYA_XDP_QUEUES)));
    unfinished_.emplace(directory_ + pins::kUnfinished);
    const std::string &directory = unfinished_->path();
    record_ = create_and_pin(directory, "record", sizeof(XdpPortRecord), 1);
    *record() = {.layout_hash = xdp_layout_hash(),
                 .tables_identity = tables.header().identity,
                 .program_hash = 0,
                 .queues = tables_wanted,
                 .flow_sets = options_.flow_sets,
                 .interface_index = facts_.index,
                 .vlan_offload = 0,
                 .by_processor = facts_.stacked,
                 .backends = capacities_.backends};
    make(directory, create_and_pin);
    const int fd =
        bpf_map_create(BPF_MAP_TYPE_XSKMAP, "xsks_map", sizeof(u32), sizeof(u32), AYA_XSKS, nullptr);
    if (fd < 0)
        throw BpfError(bpf_failure("cannot create the BPF table xsks_map", -fd));
    xsks_map_ = BpfHandle(fd);
    xsks_map_.pin(directory + "/xsks_map");
}

void XdpPort::open(const XdpTables &tables)
{
    record_ = BpfArray::open(directory_ + "/record", sizeof(XdpPortRecord), 1);
    check_record(tables);
    make(directory_, open_pinned);
    xsks_map_ = BpfHandle::open(directory_ + "/xsks_map");
    link_ = BpfHandle::open(directory_ + "/link");
}

void XdpPort::make(const std::string &directory, Maker maker)
{
    const u64 queues = record()->queues;
    flows_ = maker(directory, "flows", sizeof(aya_flow_set), queues * options_.flow_sets);
    flow_loads_ = maker(directory, "flow_loads", sizeof(aya_backend_load), queues * capacities_.backends);
    totals_ = maker(directory, "totals", sizeof(aya_worker_totals[AYA_XDP_QUEUES]), 1);
    service_counters_ =
        maker(directory, "service_counters", sizeof(aya_service_counters), queues * capacities_.services);
    backend_counters_ =
        maker(directory, "backend_counters", sizeof(aya_backend_counters), queues * capacities_.backends);
    limits_ = maker(directory, "limits", sizeof(aya_limits), queues);
    refusals_ = maker(directory, "refusals", sizeof(aya_refusals), queues);
    mode_ = maker(directory, "mode", sizeof(aya_xdp_mode), 1);
}

void XdpPort::check_record(const XdpTables &tables) const
{
    const XdpPortRecord &found = *record();
    if (found.layout_hash != xdp_layout_hash() || found.tables_identity != tables.header().identity)
        throw BpfError(directory_ + ": a flow table of another build or of other tables" + kFlushIt);
    if (found.flow_sets != options_.flow_sets)
        throw BpfError(directory_ + ": a flow table for " + std::to_string(u64{found.flow_sets} * 2) +
                       " flows per queue; restore /dataplane/flows_per_worker" + kFlushIt);
    if ((found.by_processor != 0) != facts_.stacked)
        throw BpfError(directory_ + ": flow tables per " + (facts_.stacked ? "RX queue" : "processor") +
                       "; " + options_.interface + " has one per " +
                       (facts_.stacked ? "processor" : "RX queue") + " now" + kFlushIt);
    if (facts_.stacked) {
        if (found.queues < flow_tables(facts_))
            throw BpfError(directory_ + ": flow tables for " + std::to_string(found.queues) + " processors" +
                           kFlushIt);
        return;
    }
    if (found.queues < facts_.rx_queues)
        throw BpfError(directory_ + ": a flow table for " + std::to_string(found.queues) + " RX queues; " +
                       options_.interface + " has " + std::to_string(facts_.rx_queues) +
                       " now; restore the number (ethtool -L " + options_.interface + ")" + kFlushIt);
}

bool XdpPort::attached() const
{
    const auto facts = interface_facts(options_.interface);
    const bpf_link_info link = info_of(link_);
    // The index alone tells nothing: an interface in another network namespace can have the same.
    return facts && link.type == BPF_LINK_TYPE_XDP && link.xdp.ifindex == facts->index &&
           attached_program(facts->index).id == link.prog_id;
}

u32 XdpPort::program_id() const
{
    return info_of(link_).prog_id;
}

std::string XdpPort::attach()
{
    const bool is_attached = attached();
    if (is_attached)
        keep_tags(false);
    if (is_attached && !program_)
        return {};
    std::string done;
    if (unfinished_) {
        attach_anew(unfinished_->path());
        unfinished_->put_in_place(directory_);
        unfinished_.reset();
        done = "attached";
    } else if (!is_attached) {
        if (!program_)
            program_ = BpfHandle::open(directory_ + "/program");
        attach_anew(directory_);
        done = "attached again after the interface was recreated; flows kept";
    } else {
        if (const int error = bpf_link_update(link_.fd(), program_.fd(), nullptr))
            throw BpfError(bpf_failure(options_.interface + ": cannot replace the XDP program", -error));
        done = "replaced by this build's; flows kept";
    }
    pin_over(program_, directory_ + "/program");
    record()->program_hash = ForwardObject::hash(sizes());
    program_ = BpfHandle();
    return done;
}

void XdpPort::attach_anew(const std::string &directory)
{
    const auto facts = find_interface(options_.interface);
    Attachment made = attach_xdp(options_.interface, facts, program_.fd(), options_.replace_program);
    try {
        pin_over(made.link, directory + "/link");
    } catch (const BpfError &) {
        bpf_link_detach(made.link.fd());
        throw;
    }
    link_ = std::move(made.link);
    record()->interface_index = facts.index;
    keep_tags(true);
}

// In generic mode the kernel keeps a tag beside the packet, and puts it back.
void XdpPort::keep_tags(bool is_new)
{
    tags_ = mode() == XdpMode::native ? keep_vlan_tags(options_.interface) : VlanTags();
    record()->vlan_offload = (is_new ? 0 : record()->vlan_offload) | tags_.turned_off;
}

void XdpPort::detach()
{
    pins::remove_port(directory_);
    link_ = BpfHandle();
}

} // namespace aya
