// SPDX-License-Identifier: BSD-2-Clause
#include "instance.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

namespace aya
{

namespace
{

u64 random_u64()
{
    u64 value = 0;
    if (::getrandom(&value, sizeof(value), 0) != sizeof(value))
        throw StartError(std::string("no random number from the kernel: ") + std::strerror(errno));
    return value | 1; // never 0, which means "none"
}

template <std::size_t N>
void copy_text(char (&to)[N], const std::string &text)
{
    std::memset(to, 0, N);
    text.copy(to, N - 1);
}

std::string owner_of(int fd)
{
    std::array<char, 32> text{};
    const ssize_t size = ::pread(fd, text.data(), text.size() - 1, 0);
    const long pid = size > 0 ? std::strtol(text.data(), nullptr, 10) : 0;
    return pid > 0 ? "pid " + std::to_string(pid) : "an unknown process";
}

} // namespace

u64 monotonic_ns()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

InstanceLock::InstanceLock(const std::string &directory)
{
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error)
        throw StartError(directory + ": cannot create the run directory: " + error.message());
    const std::string path = directory + "/dataplane.lock";
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0)
        throw StartError(path + ": cannot open: " + std::strerror(errno));
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        const std::string text = errno == EWOULDBLOCK
                                     ? "a data plane of this instance is already running (" + owner_of(fd_) +
                                           "); stop it, or start this one with another --instance"
                                     : std::string("cannot lock: ") + std::strerror(errno);
        ::close(fd_);
        throw StartError(path + ": " + text);
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, pid.data(), pid.size(), 0) < 0)
        log_warning(path + ": cannot write our process id: " + std::strerror(errno));
}

InstanceLock::~InstanceLock()
{
    ::close(fd_);
}

DataplaneSegment::DataplaneSegment(const std::string &directory, const Capacities &capacities,
                                   u32 worker_count)
    : path_(directory + "/dataplane"), layout_(capacities, worker_count)
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
    header_->identity = random_u64();
    header_->owner_pid = static_cast<u32>(::getpid());
    header_->worker_count = worker_count;
    header_->capacities = capacities;
    header_->started_ns = monotonic_ns();
}

void DataplaneSegment::set_port(const Port &port, u32 punt_ifindex)
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

void DataplaneSegment::publish()
{
    const std::string temporary = path_ + ".new";
    if (::rename(temporary.c_str(), path_.c_str()) != 0)
        throw StartError(path_ + ": cannot put the segment in place: " + std::strerror(errno));
}

void DataplaneSegment::set_tables_identity(u64 identity)
{
    __atomic_store_n(&header_->tables_identity, identity, __ATOMIC_SEQ_CST);
}

Counters DataplaneSegment::counters(u32 worker) const
{
    const Capacities &c = header_->capacities;
    return {.totals = &file_.at<WorkerTotals>(layout_.totals)[worker],
            .services = file_.at<ServiceCounters>(layout_.service_counters) + u64{worker} * c.services,
            .backends = file_.at<BackendCounters>(layout_.backend_counters) + u64{worker} * c.backends,
            .service_count = c.services,
            .backend_count = c.backends};
}

} // namespace aya
