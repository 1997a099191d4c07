// SPDX-License-Identifier: BSD-2-Clause
#include "publish/shm_sink.hpp"

#include "common/clock.hpp"
#include "common/instance.hpp"
#include "common/segments.hpp"
#include "publish/arena.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <unistd.h>

namespace aya
{

namespace
{

// Every capacity is what a layout can be computed of; a damaged header must not lead outside the file.
void check_tables(const MappedFile &file, const Capacities &wanted)
{
    const SegmentHeader &header = check_segment(file, kTablesMagic, "aya-controlplane");
    if (header.capacities != wanted)
        throw SegmentError(
            file.path() + ": created for " + to_string(header.capacities) + "; the configuration requires " +
            to_string(wanted) +
            "; restore controlplane.limits, or stop aya-dataplane, remove the file and start both daemons");
    if (TablesLayout(wanted).size != file.size())
        throw SegmentError(file.path() + ": capacities in the header do not fit the file's size");
}

} // namespace

Capacities capacities_for(const Limits &limits)
{
    // A VIP has an entry, and so has its address; half full at most.
    const u64 vips = std::bit_ceil(u64{limits.vips} * 4);
    // Live, previous and next table of every service, the last line of each partly empty, and a fourth part
    // against fragmentation.
    const u64 lines = u64{limits.lookup_slots} / Arena::kLine + limits.services;
    const u64 slots = std::min<u64>(lines * 4 * Arena::kLine, UINT32_MAX / Arena::kLine * Arena::kLine);
    return {.services = limits.services,
            .backends = limits.backends,
            .vips = static_cast<u32>(vips),
            .lookup_slots = static_cast<u32>(slots)};
}

ShmSink::ShmSink(const std::string &directory, const Capacities &capacities)
    : capacities_(capacities), path_(tables_file(directory)), dataplane_(dataplane_file(directory))
{
    const TablesLayout layout(capacities);
    in_place_ = ::access(path_.c_str(), F_OK) == 0;
    if (in_place_) {
        file_ = MappedFile::open(path_, MappedFile::Access::read_write);
        check_tables(file_, capacities);
    } else {
        const std::string unnamed = path_ + ".new";
        ::unlink(unnamed.c_str()); // of a predecessor that did not get as far as its first flip
        file_ = MappedFile::create(unnamed, layout.size,
                                   "lower /controlplane/limits (lookup_slots takes 16 bytes each)");
        *file_.at<SegmentHeader>(0) = {.magic = kTablesMagic,
                                       .abi_version = AYA_ABI_VERSION,
                                       .header_size = sizeof(SegmentHeader),
                                       .layout_hash = layout_hash(),
                                       .size = layout.size,
                                       .identity = random_identity(),
                                       .owner_pid = 0,
                                       .worker_count = 0,
                                       .capacities = capacities,
                                       .started_ns = 0,
                                       .tables_identity = 0,
                                       .reserved = {}};
    }
    auto *header = file_.at<SegmentHeader>(0);
    __atomic_store_n(&header->owner_pid, static_cast<u32>(::getpid()), __ATOMIC_RELAXED);
    __atomic_store_n(&header->started_ns, monotonic_ns(), __ATOMIC_RELAXED);

    control_ = file_.at<aya_control>(layout.control);
    lookup_ = file_.at<u32>(layout.lookup);
    for (size_t i = 0; i < slots_.size(); i++)
        slots_[i] = layout.slot[i].in(file_.at<char>(0));
}

ShmSink::~ShmSink()
{
    if (file_ && !in_place_)
        ::unlink((path_ + ".new").c_str());
}

u64 ShmSink::generation() const
{
    return __atomic_load_n(&control_->generation, __ATOMIC_RELAXED);
}

u64 ShmSink::identity() const
{
    return file_.at<const SegmentHeader>(0)->identity;
}

void ShmSink::prepare(u64 generation)
{
    announce_writing(*control_, generation);
}

// Sequentially consistent, as is the look at the workers' lines in quiescent(): a worker that joins writes
// its line first and reads the generation then, so that either it sees this store, or it is seen.
void ShmSink::flip(u64 generation)
{
    __atomic_store_n(&control_->generation, generation, __ATOMIC_SEQ_CST);
    if (in_place_)
        return;
    if (::rename((path_ + ".new").c_str(), path_.c_str()) != 0)
        throw SegmentError(path_ + ": cannot be put in place: " + std::strerror(errno));
    in_place_ = true;
}

bool ShmSink::quiescent()
{
    return dataplane_.quiescent(identity(), generation());
}

} // namespace aya
