// SPDX-License-Identifier: BSD-2-Clause
// The tables of an instance as pinned BPF maps: what tables.h has, names, and a header that says what they
// are.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aya/pinned.hpp"
#include "bpf_array.hpp"
#include "pins.hpp"

namespace aya
{

class XdpTables
{
public:
    // Takes up what is pinned in the instance's directory, or makes new tables, which get their place with
    // put_in_place(). Throws BpfError: tables of another version or of other capacities are refused.
    XdpTables(const std::string &instance_directory, const Capacities &capacities);
    ~XdpTables();
    XdpTables(const XdpTables &) = delete;
    XdpTables &operator=(const XdpTables &) = delete;

    void put_in_place();
    void withdraw(); // undoes it, if they were put there by this object

    const Capacities &capacities() const { return capacities_; }
    const SegmentHeader &header() const { return *header_.at<SegmentHeader>(); }
    const TableSlot &slot(u64 generation) const { return slots_[generation & 1]; }
    u32 *lookup() const { return lookup_.at<u32>(); }
    aya_control *control() const { return control_.at<aya_control>(); }

    // Where packets that leave through another port go. Throws BpfError.
    void set_tx_port(u32 port_index, u32 interface_index);

    // Maps that a program takes from here, by the names that they have in it.
    std::vector<std::pair<const char *, int>> program_maps() const;

private:
    using Maker = BpfArray (*)(const std::string &directory, const char *name, u32 entry_size, u64 entries);
    void open();
    void create();
    void make(const std::string &directory, Maker maker);
    void check_header() const;

    std::string directory_;
    Capacities capacities_;
    bool in_place_ = false;
    bool found_ = false; // in place when we came
    std::optional<pins::UnfinishedDirectory> unfinished_;
    BpfArray header_, control_, settings_, lookup_;
    BpfArray buckets_, source_buckets_; // the programs' own, but of all ports
#define AYA_X(table, entry, per) BpfArray table##_;
    AYA_TABLES(AYA_X)
#undef AYA_X
    BpfHandle tx_ports_;
    std::array<TableSlot, 2> slots_{};
};

} // namespace aya
