// SPDX-License-Identifier: BSD-2-Clause
#include "segment.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <unistd.h>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/instance.hpp"
#include "common/segments.hpp"

namespace aya
{

namespace
{

template <std::size_t N>
void copy_text(char (&to)[N], const std::string &text)
{
    std::memset(to, 0, N);
    text.copy(to, N - 1);
}

} // namespace

SegmentWriter::SegmentWriter(const std::string &directory, const Capacities &capacities, u32 worker_count)
    : path_(dataplane_file(directory)), layout_(capacities, worker_count)
{
    const std::string temporary = path_ + ".new";
    ::unlink(temporary.c_str()); // of a process that died right here; we have the lock
    file_ = MappedFile::create(temporary, layout_.size, "use fewer /dataplane/workers");
    header_ = file_.at<SegmentHeader>(0);
    *header_ = {};
    header_->magic = kDataplaneMagic;
    header_->abi_version = AYA_ABI_VERSION;
    header_->header_size = sizeof(SegmentHeader);
    header_->layout_hash = layout_hash();
    header_->size = layout_.size;
    header_->identity = random_identity();
    header_->owner_pid = static_cast<u32>(::getpid());
    header_->worker_count = worker_count;
    header_->capacities = capacities;
    header_->started_ns = monotonic_ns();
}

void SegmentWriter::set_port(const Port &port, u32 punt_ifindex)
{
    PortLine &line = file_.at<PortLine>(layout_.ports)[port.index()];
    copy_text(line.name, port.device());
    copy_text(line.interface, port.interface());
    copy_text(line.punt, port.punt().value_or(""));
    std::copy(port.mac().bytes.begin(), port.mac().bytes.end(), line.mac);
    line.mtu = port.mtu();
    line.queues = static_cast<u16>(port.queues());
    line.punt_ifindex = punt_ifindex;
    line.present = 1;
}

void SegmentWriter::set_port_state(u32 port, PortState state) const
{
    PortLine &line = file_.at<PortLine>(layout_.ports)[port];
    line.state = state;
    line.present = state != PortState::gone;
}

void SegmentWriter::publish()
{
    const std::string temporary = path_ + ".new";
    if (::rename(temporary.c_str(), path_.c_str()) != 0)
        throw StartError(path_ + ": cannot put the segment in place: " + std::strerror(errno));
}

void SegmentWriter::set_tables_identity(u64 identity)
{
    __atomic_store_n(&header_->tables_identity, identity, __ATOMIC_SEQ_CST);
}

WorkerCounters SegmentWriter::counters(u32 worker) const
{
    const Capacities &c = header_->capacities;
    return {.totals = &file_.at<WorkerTotals>(layout_.totals)[worker],
            .services = file_.at<ServiceCounters>(layout_.service_counters) + u64{worker} * c.services,
            .backends = file_.at<BackendCounters>(layout_.backend_counters) + u64{worker} * c.backends,
            .service_count = c.services,
            .backend_count = c.backends};
}

} // namespace aya
