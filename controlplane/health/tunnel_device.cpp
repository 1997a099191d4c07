// SPDX-License-Identifier: BSD-2-Clause
#include "health/tunnel_device.hpp"

#include "probe_device.hpp"

namespace aya::health
{

namespace
{

class KernelTunnels final : public TunnelDevice
{
public:
    KernelTunnels(const std::string &instance, u32 most) : device_(instance, most) {}

    u32 mark(u32 number) const override { return device_.mark(number); }
    std::string obstacle(const IpAddress &family) const override { return device_.obstacle(family); }
    int set_way(u32 mark, const TunnelWay &way) override
    {
        return device_.set_way(
            mark, {.backend = way.backend, .tunnel = way.tunnel, .interface = way.interface, .unused = 0});
    }
    int clear_way(u32 mark) override { return device_.clear_way(mark); }

private:
    ProbeDevice device_;
};

} // namespace

std::unique_ptr<TunnelDevice> make_tunnel_device(const std::string &instance, u32 most)
{
    return std::make_unique<KernelTunnels>(instance, most);
}

} // namespace aya::health
