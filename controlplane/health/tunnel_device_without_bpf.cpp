// SPDX-License-Identifier: BSD-2-Clause
// For builds without libbpf or a compiler for BPF.
#include "health/tunnel_device.hpp"

#include <stdexcept>

namespace aya::health
{

std::unique_ptr<TunnelDevice> make_tunnel_device(const std::string &, u32)
{
    throw std::runtime_error("this build cannot send probes through tunnels; build with libbpf, clang and "
                             "bpftool (-Dbpf=enabled)");
}

} // namespace aya::health
