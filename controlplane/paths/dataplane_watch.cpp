// SPDX-License-Identifier: BSD-2-Clause
#include "paths/dataplane_watch.hpp"

#include <spdlog/spdlog.h>

#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace aya
{

bool DataplaneWatch::poll()
{
    const bool was_running = running_;
    const u64 old_inode = inode_;
    usable_ = segment_.refresh();
    if (!usable_) {
        running_ = false;
        take_error();
        log_changes(was_running);
        return false;
    }
    last_error_.clear();
    running_ = segment_.process_alive();
    pid_ = segment_.header().owner_pid;
    inode_ = segment_.inode();
    if (inode_ != old_inode) {
        hung_.assign(segment_.worker_count(), false);
        if (running_)
            spdlog::info("data plane: process {} is running with {} workers", pid_, segment_.worker_count());
    } else {
        log_changes(was_running);
    }
    return take_ports();
}

// No file is no error: no data plane was started yet.
void DataplaneWatch::take_error()
{
    const std::string error = ::access(path_.c_str(), F_OK) == 0 ? segment_.error() : std::string();
    if (!error.empty() && error != last_error_)
        spdlog::warn("data plane: {}", error);
    last_error_ = error;
}

void DataplaneWatch::log_changes(bool was_running)
{
    if (was_running && !running_)
        spdlog::warn("data plane: process {} is gone; {}", pid_, meanwhile_);
    if (!was_running && running_)
        spdlog::info("data plane: process {} is running again", pid_);
    if (!running_)
        return;
    for (u32 i = 0; i < segment_.worker_count() && i < hung_.size(); i++) {
        const bool stopped = segment_.worker(i).state.load(std::memory_order_relaxed) != WorkerState::running;
        const bool hangs = !stopped && !segment_.worker_responds(i);
        if (hangs && !hung_[i])
            spdlog::warn("data plane: worker {} hangs: no heartbeat for {} ms", i,
                         DataplaneSegment::kSilentAfterNs / 1'000'000);
        if (!hangs && hung_[i])
            spdlog::info("data plane: worker {} is back", i);
        hung_[i] = hangs;
    }
}

FlowTables DataplaneWatch::flow_tables() const
{
    FlowTables found;
    const std::string directory = std::filesystem::path(path_).parent_path();
    for (u32 port = 0; usable_ && port < ports_.size(); port++)
        if (ports_[port].present)
            open_flow_files(directory, port, ports_[port].queues, segment_.tables_identity(), found);
    return found;
}

LossCounts DataplaneWatch::losses(u32 port) const
{
    LossCounts counts = interface_losses(ports_[port]);
    if (usable_)
        add_driver_losses(counts, segment_.losses(port));
    return counts;
}

// Empty: it works.
std::string DataplaneWatch::trouble_of(u32 index, const PortLine &port)
{
    if (port.state == PortState::works)
        return {};
    const std::string label = "port " + std::to_string(index) + " (" + std::string(port.name) + ")";
    return label + (port.state == PortState::no_link ? ": no link; no traffic there"
                                                     : ": the interface no longer exists; no traffic there");
}

void DataplaneWatch::log_ports(const std::vector<PortLine> &now) const
{
    for (u32 i = 0; i < now.size(); i++) {
        const bool worked = i >= ports_.size() || ports_[i].state == PortState::works;
        const std::string trouble = trouble_of(i, now[i]);
        if (!trouble.empty() && (worked || ports_[i].state != now[i].state))
            spdlog::warn("data plane: {}", trouble);
        else if (trouble.empty() && !worked)
            spdlog::info("data plane: port {} ({}) works again", i, now[i].name);
    }
}

// As of now: bad probes come faster than the next poll.
bool DataplaneWatch::gone() const
{
    if (ports_.empty())
        return false;
    if (!usable_ || !segment_.process_alive())
        return true;
    for (u32 i = 0; i < ports_.size(); i++)
        if (port_works(i))
            return false;
    return true;
}

bool DataplaneWatch::take_ports()
{
    std::vector<PortLine> ports(kMaxPorts);
    std::size_t count = 0;
    for (u32 i = 0; i < kMaxPorts; i++) {
        ports[i] = segment_.port(i);
        if (ports[i].name[0] != 0)
            count = i + 1;
    }
    ports.resize(count);
    log_ports(ports);
    const bool same =
        ports.size() == ports_.size() &&
        (ports.empty() || std::memcmp(ports.data(), ports_.data(), count * sizeof(PortLine)) == 0);
    ports_ = std::move(ports);
    return !same;
}

std::vector<std::string> DataplaneWatch::warnings() const
{
    if (!running_)
        return {last_error_.empty() ? "data plane: not running" : "data plane: " + last_error_};
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < hung_.size(); i++)
        if (hung_[i])
            lines.push_back("data plane: worker " + std::to_string(i) + " hangs");
    for (u32 i = 0; i < ports_.size(); i++)
        if (const std::string trouble = trouble_of(i, ports_[i]); !trouble.empty())
            lines.push_back("data plane: " + trouble);
    return lines;
}

} // namespace aya
