// SPDX-License-Identifier: BSD-2-Clause
// Keeps an eye on the data plane through its segment: whether it runs, which ports it has, whether a worker
// hangs.
#pragma once

#include "publish/dataplane_segment.hpp"

#include <span>
#include <string>
#include <vector>

namespace aya
{

class DataplaneWatch
{
public:
    explicit DataplaneWatch(const std::string &path) : path_(path), segment_(path) {}

    // Looks again, and logs what became different. True: the ports did.
    bool poll();

    // Of the data plane that runs, else of the one that ran last: what is published for them is right again
    // as soon as it is back.
    std::span<const PortLine> ports() const { return ports_; }

    // A data plane ran and does not any more: with it went the kernel's way to the network, and what probes
    // find says nothing about backends.
    bool gone() const { return !ports_.empty() && !(usable_ && segment_.process_alive()); }

    // nullptr: no data plane runs.
    const DataplaneSegment *running() const { return running_ ? &segment_ : nullptr; }

    // nullptr: there is no segment to read counters from. One that stopped leaves its last.
    const DataplaneSegment *segment() const { return usable_ ? &segment_ : nullptr; }

    // One line each, for people.
    std::vector<std::string> warnings() const;

private:
    void take_error();
    bool take_ports();
    void log_changes(bool was_running);

    std::string path_;
    DataplaneSegment segment_;
    std::vector<PortLine> ports_;
    std::vector<bool> hung_; // workers, by index
    std::string last_error_;
    u64 inode_ = 0;
    u32 pid_ = 0;
    bool usable_ = false;
    bool running_ = false;
};

} // namespace aya
