// SPDX-License-Identifier: BSD-2-Clause
#include "paths/forwarding.hpp"

#include "paths/dataplane_watch.hpp"
#include "paths/takeover_path.hpp"
#include "paths/xdp_path.hpp"
#include "publish/bpf_sink.hpp"
#include "publish/shm_sink.hpp"

#include <spdlog/spdlog.h>

namespace aya
{

namespace
{

Forwarding make_xdp(const Config &config, const std::string &segment, const std::string &directory)
{
    if (pins::prepare(directory))
        spdlog::info("mounted a BPF file system on /sys/fs/bpf");
    auto sink = std::make_unique<BpfSink>(directory, segment, capacities_for(config.controlplane.limits));
    std::unique_ptr<ForwardingPath> path;
    if (config.dataplane->path == DataplanePath::automatic)
        path = std::make_unique<TakeoverPath>(directory, sink->tables(), *config.dataplane, segment);
    else
        path = std::make_unique<XdpPath>(directory, sink->tables(), *config.dataplane);
    return {.sink = std::move(sink), .path = std::move(path)};
}

// A program that was left attached continues with tables that are no longer written.
void refuse_left_programs(const std::string &directory)
{
    for (const std::string &name : pins::list(directory))
        if (const std::string interface = pins::interface_of(name); !interface.empty())
            throw BpfError(directory + ": the XDP program is still on " + interface +
                           " although \"path\" is \"dpdk\"; remove it with aya-controlplane --flush");
}

} // namespace

Forwarding make_forwarding(const Config &config, const Instance &instance)
{
    const std::string run_dir = instance.run().string();
    const std::string directory = instance.pins().string();
    if (config.dataplane && config.dataplane->uses_xdp())
        return make_xdp(config, dataplane_file(run_dir), directory);
    refuse_left_programs(directory);
    return {.sink = std::make_unique<ShmSink>(run_dir, capacities_for(config.controlplane.limits)),
            .path = std::make_unique<DataplaneWatch>(dataplane_file(run_dir))};
}

std::vector<std::string> flush_xdp(const std::filesystem::path &directory)
{
    return pins::flush(directory.string());
}

} // namespace aya
