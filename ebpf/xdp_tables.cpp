// SPDX-License-Identifier: BSD-2-Clause
#include "xdp_tables.hpp"

#include <bpf/bpf.h>
#include <unistd.h>

#include "common/clock.hpp"
#include "common/instance.hpp"
#include "common/segments.hpp"
#include "pins.hpp"

namespace aya
{

namespace
{

constexpr const char *kFlushThem =
    "; `aya-controlplane --flush` removes them (open connections may then change "
    "their backend)";

} // namespace

XdpTables::XdpTables(const std::string &instance_directory, const Capacities &capacities)
    : directory_(pinned_tables_directory(instance_directory)), capacities_(capacities),
      in_place_(pins::exists(directory_)), found_(in_place_)
{
    if (in_place_)
        open();
    else
        create();
    __atomic_store_n(&header_.at<SegmentHeader>()->owner_pid, static_cast<u32>(::getpid()), __ATOMIC_RELAXED);
    for (u32 i = 0; i < 2; i++) {
        slots_[i].settings = settings_.at<aya_settings>(i);
#define AYA_X(table, entry, per) slots_[i].table = table##_.at<aya_##entry>(u64{i} * capacities.per##s);
        AYA_TABLES(AYA_X)
#undef AYA_X
    }
}

XdpTables::~XdpTables() = default;

void XdpTables::open()
{
    header_ = BpfArray::open(directory_ + "/header", sizeof(SegmentHeader), 1);
    check_header();
    make(directory_, open_pinned);
    tx_ports_ = BpfHandle::open(directory_ + "/tx_ports");
}

void XdpTables::create()
{
    unfinished_.emplace(directory_ + pins::kUnfinished);
    const std::string &directory = unfinished_->path();
    header_ = create_and_pin(directory, "header", sizeof(SegmentHeader), 1);
    make(directory, create_and_pin);
    const int fd =
        bpf_map_create(BPF_MAP_TYPE_DEVMAP, "tx_ports", sizeof(u32), sizeof(u32), kMaxPorts, nullptr);
    if (fd < 0)
        throw BpfError(bpf_failure("cannot create the BPF table tx_ports", -fd));
    tx_ports_ = BpfHandle(fd);
    tx_ports_.pin(directory + "/tx_ports");
    *header_.at<SegmentHeader>() = {.magic = kXdpTablesMagic,
                                    .abi_version = AYA_ABI_VERSION,
                                    .header_size = sizeof(SegmentHeader),
                                    .layout_hash = xdp_layout_hash(),
                                    .size = 0,
                                    .identity = random_identity(),
                                    .owner_pid = 0,
                                    .worker_count = 0,
                                    .capacities = capacities_,
                                    .started_ns = monotonic_ns(),
                                    .tables_identity = 0,
                                    .reserved = {}};
}

void XdpTables::make(const std::string &directory, Maker maker)
{
    const Capacities &c = capacities_;
    control_ = maker(directory, "control", sizeof(aya_control), 1);
    settings_ = maker(directory, "settings", sizeof(aya_settings[2]), 1);
    buckets_ = maker(directory, "buckets", sizeof(aya_buckets), c.services);
    source_buckets_ = maker(directory, "source_buckets", sizeof(u64), u64{2} * AYA_SOURCE_BUCKETS);
    lookup_ = maker(directory, "lookup", sizeof(aya_lookup_line), c.lookup_slots / 16);
#define AYA_X(table, entry, per) table##_ = maker(directory, #table, sizeof(aya_##entry), 2 * u64{c.per##s});
    AYA_TABLES(AYA_X)
#undef AYA_X
}

void XdpTables::check_header() const
{
    const SegmentHeader &found = *header_.at<const SegmentHeader>();
    if (found.magic != kXdpTablesMagic)
        throw BpfError(directory_ +
                       ": pins that aya-controlplane did not create; remove them if nothing uses them");
    if (found.abi_version != AYA_ABI_VERSION)
        throw BpfError(directory_ + ": tables of ABI version " + std::to_string(found.abi_version) +
                       ", this program has version " + std::to_string(AYA_ABI_VERSION) + kFlushThem);
    if (found.layout_hash != xdp_layout_hash())
        throw BpfError(directory_ + ": tables of ABI version " + std::to_string(AYA_ABI_VERSION) +
                       " but of another struct layout, made by another build" + kFlushThem);
    if (found.capacities != capacities_)
        throw BpfError(directory_ + ": tables for " + to_string(found.capacities) +
                       "; the configuration requires " + to_string(capacities_) +
                       "; restore /controlplane/limits" + kFlushThem);
}

void XdpTables::put_in_place()
{
    if (in_place_)
        return;
    unfinished_->put_in_place(directory_);
    unfinished_.reset();
    in_place_ = true;
}

void XdpTables::withdraw()
{
    if (in_place_ && !found_)
        pins::remove_directory(directory_);
}

void XdpTables::set_tx_port(u32 port_index, u32 interface_index)
{
    if (const int error = bpf_map_update_elem(tx_ports_.fd(), &port_index, &interface_index, 0))
        throw BpfError(bpf_failure("cannot set the interface of port " + std::to_string(port_index), -error));
}

std::vector<std::pair<const char *, int>> XdpTables::program_maps() const
{
    std::vector<std::pair<const char *, int>> maps = {{"control", control_.fd()},
                                                      {"settings", settings_.fd()},
                                                      {"lookup", lookup_.fd()},
                                                      {"buckets", buckets_.fd()},
                                                      {"source_buckets", source_buckets_.fd()},
                                                      {"tx_ports", tx_ports_.fd()}};
#define AYA_X(table, entry, per) maps.emplace_back(#table, table##_.fd());
    AYA_PACKET_TABLES(AYA_X)
#undef AYA_X
    return maps;
}

} // namespace aya
