// SPDX-License-Identifier: BSD-2-Clause
#include "publish/dataplane_segment.hpp"

#include "common/clock.hpp"

#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace aya
{

namespace
{

struct ProcessStatus {
    char state = 'X';
    u64 started_ns = 0; // CLOCK_BOOTTIME
};

// proc_pid_stat(5). The command's name may hold spaces and parentheses: fields count from the last ')'.
std::optional<ProcessStatus> process_status(u32 pid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos)
        return std::nullopt;
    std::istringstream fields(text.substr(name_end + 1));
    constexpr int kStartTime = 22;
    ProcessStatus status;
    fields >> status.state;
    std::string skipped;
    for (int field = 4; field < kStartTime; field++)
        fields >> skipped;
    u64 ticks = 0;
    fields >> ticks;
    if (!fields)
        return std::nullopt;
    status.started_ns = ticks * (1'000'000'000 / static_cast<u64>(::sysconf(_SC_CLK_TCK)));
    return status;
}

} // namespace

bool DataplaneSegment::refresh()
{
    struct stat status = {};
    if (::stat(path_.c_str(), &status) != 0) {
        // Removing the name did not stop the readers.
        if (file_ && process_alive())
            return true;
        file_ = {};
        error_ = path_ + ": " + std::strerror(errno);
        return false;
    }
    if (file_ && file_.inode() == status.st_ino)
        return true;
    file_ = {};
    try {
        MappedFile file = MappedFile::open(path_, MappedFile::Access::read_only);
        const SegmentHeader &header = check_segment(file, kDataplaneMagic, "aya-dataplane");
        if (header.worker_count > kMaxWorkers ||
            DataplaneLayout(header.capacities, header.worker_count).size != file.size())
            throw SegmentError(path_ + ": the header does not fit the file's size");
        file_ = std::move(file);
        error_.clear();
        return true;
    } catch (const SegmentError &error) {
        error_ = error.what();
        return false;
    }
}

// The process that has the recorded id must not have started after the segment was made.
bool DataplaneSegment::process_alive() const
{
    const auto process = process_status(header().owner_pid);
    if (!process || process->state == 'Z' || process->state == 'X')
        return false;
    constexpr u64 kClockSlackNs = 1'000'000'000;
    const u64 suspended = boottime_ns() - monotonic_ns();
    const u64 started = process->started_ns - static_cast<u64>(clock_offsets().boottime_ns);
    return started <= header().started_ns + suspended + kClockSlackNs;
}

bool DataplaneSegment::worker_responds(u32 index, u64 silent_after_ns) const
{
    const WorkerLine &line = worker(index);
    if (line.state.load(std::memory_order_seq_cst) != WorkerState::running)
        return false;
    const u64 heartbeat = line.heartbeat_ns.load(std::memory_order_relaxed);
    const u64 now = monotonic_ns();
    return heartbeat > now || now - heartbeat <= silent_after_ns;
}

bool DataplaneSegment::quiescent(u64 identity, u64 generation)
{
    if (!refresh() || tables_identity() != identity)
        return true;
    for (u32 i = 0; i < worker_count(); i++)
        if (worker_responds(i) && worker(i).epoch.load(std::memory_order_seq_cst) < generation)
            return !process_alive();
    return true;
}

u64 DataplaneSegment::lost_after_sending() const
{
    u64 sum = 0;
    for (u32 i = 0; i < kMaxPorts; i++)
        sum += losses(i).tx_lost;
    return sum;
}

const ServiceCounters &DataplaneSegment::service_counters(u32 worker, u32 service) const
{
    const size_t row = size_t{worker} * header().capacities.services;
    return file_.at<const ServiceCounters>(layout().service_counters)[row + service];
}

const BackendCounters &DataplaneSegment::backend_counters(u32 worker, u32 backend) const
{
    const size_t row = size_t{worker} * header().capacities.backends;
    return file_.at<const BackendCounters>(layout().backend_counters)[row + backend];
}

} // namespace aya
