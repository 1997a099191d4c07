// SPDX-License-Identifier: BSD-2-Clause
//
// Puts tables that a test built in memory into a segment file, for the daemons under test. The publisher's
// job without its care: everything is copied, no reader is waited for.
#pragma once

#include <random>
#include <stdexcept>
#include <string>

#include "aya/segment.hpp"
#include "copy_tables.hpp"

namespace aya::test
{

class SegmentWriter
{
public:
    SegmentWriter(const std::string &path, const Capacities &capacities)
        : layout_(capacities), capacities_(capacities)
    {
        const std::string temporary = path + ".new";
        ::unlink(temporary.c_str());
        file_ = MappedFile::create(temporary, layout_.size, "test less");
        header() = {};
        header().magic = kTablesMagic;
        header().abi_version = AYA_ABI_VERSION;
        header().header_size = sizeof(SegmentHeader);
        header().layout_hash = layout_hash();
        header().size = layout_.size;
        header().identity = std::random_device{}() | u64{1};
        header().owner_pid = static_cast<u32>(::getpid());
        header().capacities = capacities;
        if (::rename(temporary.c_str(), path.c_str()) != 0)
            throw std::runtime_error("cannot rename " + temporary);
    }

    // Into the inactive slot, then the flip. Lookup tables alternate between two halves of the arena.
    u64 publish(const aya_view &view)
    {
        const u64 next = generation() + 1;
        const TableSlot slot = layout_.slot[next & 1].in(file_.at<char>(0));
        const u32 base = next & 1 ? capacities_.lookup_slots / 2 & ~15u : 0;
        if (view.vip_count > capacities_.vips || view.service_count > capacities_.services ||
            view.backend_count > capacities_.backends || view.lookup_count > capacities_.lookup_slots / 2)
            throw std::length_error("tables are larger than their segment");
        announce_writing(control(), next);
        copy_tables(view, slot, file_.at<u32>(layout_.lookup) + base);
        for (u32 i = 0; i < view.service_count; i++) {
            aya_service &service = slot.services[i];
            service.lookup_offset += base;
            service.previous_offset += base;
        }
        __atomic_store_n(&control().generation, next, __ATOMIC_RELEASE);
        return next;
    }

    u64 generation() const { return control().generation; }
    SegmentHeader &header() const { return *file_.at<SegmentHeader>(0); }

private:
    aya_control &control() const { return *file_.at<aya_control>(layout_.control); }

    TablesLayout layout_;
    Capacities capacities_;
    MappedFile file_;
};

} // namespace aya::test
