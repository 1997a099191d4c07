// SPDX-License-Identifier: BSD-2-Clause
//
// What the control plane pins in a BPF file system for the paths "xdp" and "auto", and how a data plane
// process maps it alongside the XDP program. Uses only the bpf() system call: a reader needs no libbpf.
//
//   DIR/INSTANCE/tables/       the tables of tables.h, one array map each, slot 1 after slot 0; and a header
//   DIR/INSTANCE/port-IFNAME/  of one interface: record, flows, mode, xsks_map, counters, program, link
#pragma once

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <vector>

#include "aya/budgets.h"
#include "aya/flow_table.h"
#include "aya/segment.hpp"
#include "aya/xdp_mode.h"

namespace aya
{

constexpr u64 kXdpTablesMagic = 0x3170647861796124; // "$ayaxdp1"

// layout_hash() and what the XDP program alone uses.
constexpr u64 xdp_layout_hash()
{
    u64 hash = layout_hash();
    for (u64 size : {sizeof(aya_flow_entry), sizeof(aya_flow_set), sizeof(aya_limits), sizeof(aya_buckets),
                     sizeof(aya_refusals), sizeof(aya_xdp_mode), offsetof(aya_flow_entry, state),
                     offsetof(aya_flow_entry, expires), offsetof(aya_flow_entry, backend)})
        hash = fnv1a(hash, size);
    return hash;
}

// What a port's maps were created for. One entry, pinned as "record".
struct XdpPortRecord {
    u64 layout_hash;
    u64 tables_identity;
    u64 program_hash; // of the program that is attached
    u32 queues;       // flow tables: one per RX queue, or per processor
    u32 flow_sets;    // of each
    u32 interface_index;
    u32 vlan_offload; // that was turned off at the interface: common/ethtool/vlan_tags.hpp
    u32 by_processor; // 1: one per processor
    u32 backends;     // that the tables have room for
};
static_assert(sizeof(XdpPortRecord) == 48);

// A pinned map. Move-only.
class PinnedMap
{
public:
    PinnedMap() = default;
    PinnedMap(PinnedMap &&other) noexcept { swap(other); }
    PinnedMap &operator=(PinnedMap &&other) noexcept
    {
        PinnedMap(std::move(other)).swap(*this);
        return *this;
    }
    ~PinnedMap()
    {
        if (data_)
            ::munmap(data_, size_);
        if (fd_ >= 0)
            ::close(fd_);
    }

    // Throws SegmentError.
    static PinnedMap open(const std::string &path)
    {
        PinnedMap map;
        bpf_attr attr = {};
        attr.pathname = reinterpret_cast<u64>(path.c_str());
        map.fd_ = call(BPF_OBJ_GET, attr);
        if (map.fd_ < 0)
            throw SegmentError(path + ": cannot be opened: " + std::strerror(errno));
        return map;
    }

    // An array of `entries` entries (0: as many as there are), mapped completely. Throws SegmentError.
    template <class Entry>
    static PinnedMap array(const std::string &path, MappedFile::Access access, u64 entries = 0)
    {
        PinnedMap map = open(path);
        const bpf_map_info info = map.info(path);
        if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(Entry) ||
            (entries != 0 && info.max_entries != entries) || !(info.map_flags & BPF_F_MMAPABLE))
            throw SegmentError(path + ": not the expected table; run all programs from one build");
        map.size_ = (u64{info.max_entries} * sizeof(Entry) + 4095) & ~u64{4095};
        const int protection = PROT_READ | (access == MappedFile::Access::read_write ? PROT_WRITE : 0);
        void *data = ::mmap(nullptr, map.size_, protection, MAP_SHARED, map.fd_, 0);
        if (data == MAP_FAILED)
            throw SegmentError(path + ": cannot be mapped: " + std::strerror(errno));
        map.data_ = data;
        return map;
    }

    template <class Entry>
    Entry *at(u64 index = 0) const
    {
        return static_cast<Entry *>(data_) + index;
    }

    // Removes an entry of a map that is not mapped, such as a socket. False: there was no such entry.
    bool erase(u32 key) const
    {
        bpf_attr attr = {};
        attr.map_fd = static_cast<u32>(fd_);
        attr.key = reinterpret_cast<u64>(&key);
        return call(BPF_MAP_DELETE_ELEM, attr) == 0;
    }

private:
    static int call(int command, bpf_attr &attr)
    {
        return static_cast<int>(::syscall(SYS_bpf, command, &attr, sizeof(attr)));
    }

    bpf_map_info info(const std::string &path) const
    {
        bpf_map_info info = {};
        bpf_attr attr = {};
        attr.info.bpf_fd = static_cast<u32>(fd_);
        attr.info.info_len = sizeof(info);
        attr.info.info = reinterpret_cast<u64>(&info);
        if (call(BPF_OBJ_GET_INFO_BY_FD, attr) != 0)
            throw SegmentError(path + ": no BPF map: " + std::strerror(errno));
        return info;
    }

    void swap(PinnedMap &other) noexcept
    {
        std::swap(fd_, other.fd_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

    int fd_ = -1;
    void *data_ = nullptr;
    u64 size_ = 0;
};

// The pinned tables as a data plane process reads them: TablesReader for maps.
class PinnedTables
{
public:
    // Throws SegmentError.
    explicit PinnedTables(const std::string &directory);

    const SegmentHeader &header() const { return *header_; }
    const aya_control &control() const { return *control_; }
    const aya_view &view(u64 generation) const { return views_[generation & 1]; }

private:
    template <class Entry>
    Entry *map(const std::string &path, u64 entries)
    {
        maps_.push_back(PinnedMap::array<Entry>(path, MappedFile::Access::read_only, entries));
        return maps_.back().template at<Entry>();
    }

    void check_header(const std::string &directory) const
    {
        if (header().magic != kXdpTablesMagic)
            throw SegmentError(directory + ": not tables of aya-controlplane");
        if (header().abi_version != AYA_ABI_VERSION)
            throw SegmentError(directory + ": tables of ABI version " + std::to_string(header().abi_version) +
                               ", this program has version " + std::to_string(AYA_ABI_VERSION) +
                               "; run both from one release");
        if (header().layout_hash != xdp_layout_hash())
            throw SegmentError(directory + ": same ABI version " + std::to_string(AYA_ABI_VERSION) +
                               " but another struct layout; run both from one build");
    }

    std::vector<PinnedMap> maps_;
    const SegmentHeader *header_;
    const aya_control *control_ = nullptr;
    std::array<aya_view, 2> views_{};
};

inline PinnedTables::PinnedTables(const std::string &directory)
    : header_(map<SegmentHeader>(directory + "/header", 1))
{
    check_header(directory);
    const Capacities &c = header().capacities;
    control_ = map<aya_control>(directory + "/control", 1);
    auto *settings = map<aya_settings[2]>(directory + "/settings", 1);
    TableSlot slots[2];
    for (u32 i = 0; i < 2; i++)
        slots[i].settings = &(*settings)[i];
#define AYA_X(table, entry, per)                                                  \
    slots[0].table = map<aya_##entry>(directory + "/" #table, 2 * u64{c.per##s}); \
    slots[1].table = slots[0].table + c.per##s;
    AYA_PACKET_TABLES(AYA_X)
#undef AYA_X
    const u32 *lookup = map<aya_lookup_line>(directory + "/lookup", c.lookup_slots / 16)->backend;
    for (u32 i = 0; i < 2; i++)
        views_[i] = view_of(slots[i], lookup, c);
}

} // namespace aya
