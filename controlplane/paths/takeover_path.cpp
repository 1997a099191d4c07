// SPDX-License-Identifier: BSD-2-Clause
#include "paths/takeover_path.hpp"

#include <spdlog/spdlog.h>

namespace aya
{

TakeoverPath::TakeoverPath(std::string pin_directory, XdpTables &tables, const DataplaneConfig &config,
                           const std::string &dataplane_file)
    : tables_(tables), xdp_(std::move(pin_directory), tables, config),
      watch_(dataplane_file, "XDP forwards until it returns")
{
}

void TakeoverPath::start()
{
    xdp_.start();
    choose_carrier();
}

bool TakeoverPath::poll()
{
    const bool changed = xdp_.poll();
    watch_.poll();
    if (xdp_.started())
        choose_carrier();
    return changed;
}

// Why the process cannot be given packets; empty: it can.
std::string TakeoverPath::why_xdp() const
{
    const DataplaneSegment *process = watch_.process();
    if (!process)
        return "no data plane process is running";
    if (process->tables_identity() != tables_.header().identity)
        return "the data plane process does not read these tables yet";
    for (u32 i = 0; i < process->worker_count(); i++)
        if (!process->worker_responds(i, kHangsAfterNs))
            return "worker " + std::to_string(i) + " of the data plane process does not respond";
    return {};
}

// While XDP forwards, sockets are passed by: those of a process that hangs, or that is only just starting. A
// process that dies needs none of this, for its sockets go with it.
void TakeoverPath::choose_carrier()
{
    std::string reason = why_xdp();
    xdp_.bypass_sockets(!reason.empty());
    if (reason.empty() && (!chosen_ || !reason_.empty()))
        spdlog::info("data plane: process {} forwards", watch_.process()->header().owner_pid);
    else if (!reason.empty() && reason != reason_)
        spdlog::log(chosen_ && reason_.empty() ? spdlog::level::warn : spdlog::level::info,
                    "data plane: XDP forwards: {}", reason);
    reason_ = std::move(reason);
    chosen_ = true;
}

LossCounts TakeoverPath::losses(u32 port) const
{
    LossCounts counts = xdp_.losses(port);
    if (const DataplaneSegment *segment = watch_.segment())
        add_driver_losses(counts, segment->losses(port));
    return counts;
}

std::vector<std::string> TakeoverPath::warnings() const
{
    std::vector<std::string> lines = xdp_.warnings();
    if (!reason_.empty())
        lines.push_back("data plane: XDP forwards: " + reason_);
    return lines;
}

} // namespace aya
