// SPDX-License-Identifier: BSD-2-Clause
// For builds without libbpf or a compiler for BPF.
#include "paths/dataplane_watch.hpp"
#include "paths/forwarding.hpp"
#include "publish/shm_sink.hpp"

#include <stdexcept>

namespace aya
{

namespace
{

[[noreturn]] void refuse()
{
    throw std::runtime_error(
        "this build has no XDP path; build with libbpf, clang and bpftool (-Dbpf=enabled)");
}

} // namespace

Forwarding make_forwarding(const Config &config, const Instance &instance)
{
    const std::string run_dir = instance.run().string();
    if (config.dataplane && config.dataplane->uses_xdp())
        refuse();
    return {.sink = std::make_unique<ShmSink>(run_dir, capacities_for(config.controlplane.limits)),
            .path = std::make_unique<DataplaneWatch>(dataplane_file(run_dir))};
}

std::vector<std::string> flush_xdp(const std::filesystem::path &)
{
    refuse();
}

} // namespace aya
