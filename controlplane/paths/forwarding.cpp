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

Forwarding make_xdp(const Config &config, const std::string &dataplane_file, const std::string &bpf_dir)
{
    if (pins::prepare(bpf_dir))
        spdlog::info("mounted a BPF file system on /sys/fs/bpf");
    auto sink =
        std::make_unique<BpfSink>(bpf_dir, dataplane_file, capacities_for(config.controlplane.limits));
    std::unique_ptr<ForwardingPath> path;
    if (config.dataplane->path == DataplanePath::automatic)
        path = std::make_unique<TakeoverPath>(bpf_dir, sink->tables(), *config.dataplane, dataplane_file);
    else
        path = std::make_unique<XdpPath>(bpf_dir, sink->tables(), *config.dataplane);
    return {.sink = std::move(sink), .path = std::move(path)};
}

// A program that was left attached continues with tables that are no longer written.
void refuse_left_programs(const std::string &bpf_dir)
{
    for (const std::string &name : pins::list(bpf_dir))
        if (const std::string interface = pins::interface_of(name); !interface.empty())
            throw BpfError(bpf_dir + ": the XDP program is still on " + interface +
                           " although \"path\" is \"dpdk\"; remove it with aya-controlplane --flush");
}

} // namespace

Forwarding make_forwarding(const Config &config, const std::filesystem::path &run_dir,
                           const std::filesystem::path &bpf_dir)
{
    const std::string dataplane_file = (run_dir / "dataplane").string();
    if (config.dataplane && config.dataplane->uses_xdp())
        return make_xdp(config, dataplane_file, bpf_dir.string());
    refuse_left_programs(bpf_dir.string());
    return {.sink = std::make_unique<ShmSink>(run_dir.string(), capacities_for(config.controlplane.limits)),
            .path = std::make_unique<DataplaneWatch>(dataplane_file)};
}

std::vector<std::string> flush_xdp(const std::filesystem::path &bpf_dir)
{
    return pins::flush(bpf_dir.string());
}

} // namespace aya
