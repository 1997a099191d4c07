// SPDX-License-Identifier: BSD-2-Clause
// Which tables are written and who forwards by them, as /dataplane/path says.
#pragma once

#include "common/instance.hpp"
#include "config/config.hpp"
#include "paths/forwarding_path.hpp"
#include "publish/sink.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace aya
{

struct Forwarding {
    std::unique_ptr<Sink> sink;
    std::unique_ptr<ForwardingPath> path; // may refer to the sink
};

// Throws SegmentError, BpfError or std::runtime_error.
Forwarding make_forwarding(const Config &config, const Instance &instance);

// Takes the instance's XDP programs off their interfaces and removes all that it has pinned; a line for each
// thing done. The caller holds the instance's lock.
std::vector<std::string> flush_xdp(const std::filesystem::path &directory);

} // namespace aya
