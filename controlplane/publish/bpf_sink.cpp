// SPDX-License-Identifier: BSD-2-Clause
#include "publish/bpf_sink.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aya
{

namespace
{

long membarrier(int command)
{
    return ::syscall(SYS_membarrier, command, 0, 0);
}

} // namespace

GracePeriod::GracePeriod()
{
    const long commands = membarrier(MEMBARRIER_CMD_QUERY);
    if (commands < 0 || !(commands & MEMBARRIER_CMD_GLOBAL))
        throw BpfError(
            "the kernel has no membarrier(MEMBARRIER_CMD_GLOBAL), which tells when tables may be written "
            "again; boot without nohz_full=, or use \"path\": \"dpdk\"");
    thread_ = std::thread([this] { run(); });
}

GracePeriod::~GracePeriod()
{
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void GracePeriod::begin()
{
    {
        const std::lock_guard lock(mutex_);
        begun_++;
    }
    wake_.notify_one();
}

bool GracePeriod::over() const
{
    const std::lock_guard lock(mutex_);
    return over_ == begun_;
}

void GracePeriod::run()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stop_ || over_ != begun_; });
        if (stop_)
            return;
        const u64 begun = begun_;
        lock.unlock();
        membarrier(MEMBARRIER_CMD_GLOBAL); // synchronize_rcu()
        lock.lock();
        over_ = begun;
    }
}

BpfSink::BpfSink(const std::string &directory, const std::string &dataplane_file,
                 const Capacities &capacities)
    : tables_(directory, capacities), dataplane_(dataplane_file)
{
    grace_.begin(); // for a flip by a predecessor that ended right after it
}

u64 BpfSink::generation() const
{
    return __atomic_load_n(&tables_.control()->generation, __ATOMIC_RELAXED);
}

bool BpfSink::quiescent()
{
    return grace_.over() && dataplane_.quiescent(tables_.header().identity, generation());
}

void BpfSink::prepare(u64 generation)
{
    announce_writing(*tables_.control(), generation);
}

void BpfSink::flip(u64 generation)
{
    __atomic_store_n(&tables_.control()->generation, generation, __ATOMIC_SEQ_CST);
    grace_.begin();
}

} // namespace aya
