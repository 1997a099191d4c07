// SPDX-License-Identifier: BSD-2-Clause
#include "reconcile/tunnels.hpp"

#include "reconcile/backend_key.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <iterator>
#include <map>
#include <net/if.h>
#include <utility>

namespace aya
{

namespace
{

// The kernel's way out of a port of the data plane: its punt interface, if it has one, else its own.
u32 interface_of(const PortLine &port)
{
    const char *name = port.punt[0] != 0 ? port.punt : port.interface;
    return port.present != 0 && name[0] != 0 ? ::if_nametoindex(name) : 0;
}

bool same_way(const health::TunnelWay &one, const health::TunnelWay &other)
{
    return one.interface == other.interface &&
           std::memcmp(&one.backend, &other.backend, sizeof(one.backend)) == 0 &&
           std::memcmp(&one.tunnel, &other.tunnel, sizeof(one.tunnel)) == 0;
}

// A VIP that is a prefix may be local as a whole or in parts.
bool is_local(const ServiceImage &service, const IpAddress &vip)
{
    return std::any_of(service.local.begin(), service.local.end(),
                       [&](const Prefix &local) { return contains(local, host_prefix(vip)); });
}

} // namespace

void Tunnels::follow(const Config &config)
{
    seen_.clear();
    for (auto &[key, led] : led_)
        led.wanted = false;
    bool any = false;
    for (const ServiceConfig &service : config.services) {
        const auto vip = probe_vip(service);
        any |= vip && !service.backends.empty();
        for (const BackendConfig &backend : service.backends) {
            if (!vip)
                break;
            Led &led = led_[backend_key(service.name, backend.name)];
            led.wanted = true;
            led.service = service.name;
            const std::string_view encap = to_string(service.encap);
            if (led.tunnel && led.tunnel->vip == *vip && led.tunnel->encap == encap)
                continue;
            release(led);
            led.tunnel = std::make_shared<health::Tunnel>(
                health::Tunnel{.vip = *vip,
                               .encap = encap,
                               .has_headers = row_of(service.encap).has_tunnel(),
                               .obstacle = "its next hop is not known"});
        }
    }
    for (auto at = led_.begin(); at != led_.end();) {
        if (!at->second.wanted)
            release(at->second);
        at = at->second.wanted ? std::next(at) : led_.erase(at);
    }
    if (any && !device_)
        make_device();
}

void Tunnels::make_device()
{
    try {
        device_ = make_();
        why_no_device_.clear();
    } catch (const std::exception &error) {
        if (why_no_device_ != error.what())
            spdlog::warn("health probes go to the backends' own addresses, not through the tunnel: {}",
                         error.what());
        why_no_device_ = error.what();
    }
}

u32 Tunnels::take_number()
{
    if (free_numbers_.empty())
        return next_number_++;
    const u32 number = free_numbers_.back();
    free_numbers_.pop_back();
    return number;
}

// An attempt under way may still send with this mark, to nowhere.
void Tunnels::release(Led &led)
{
    if (led.is_set)
        device_->clear_way(led.tunnel->mark);
    if (led.number != 0)
        free_numbers_.push_back(std::exchange(led.number, 0));
    led.is_set = false;
}

void Tunnels::lead(const TableImage &image, const Surroundings &around)
{
    if (led_.empty())
        return;
    std::vector<u32> interfaces;
    for (const PortLine &port : around.ports)
        interfaces.push_back(interface_of(port));
    const bool moved = interfaces != interfaces_;
    interfaces_ = std::move(interfaces);
    for (const auto &service : image.services) {
        auto &seen = seen_[service->name];
        if (std::exchange(seen, service) == service && !moved)
            continue;
        for (const BackendImage &backend : service->backends)
            if (const auto led = led_.find(backend_key(service->name, backend.name)); led != led_.end())
                lead_one(led->second, *service, backend, around);
    }
}

void Tunnels::lead_one(Led &led, const ServiceImage &service, const BackendImage &backend,
                       const Surroundings &around)
{
    health::Tunnel &tunnel = *led.tunnel;
    const u16 port = backend.entry.egress_port;
    const u32 interface = port < interfaces_.size() ? interfaces_[port] : 0;
    tunnel.obstacle = obstacle(led, service, backend, interface);
    led.is_worth_a_warning = !tunnel.obstacle.empty() && backend.reachable;
    if (!tunnel.obstacle.empty()) {
        if (std::exchange(led.is_set, false))
            device_->clear_way(tunnel.mark);
        return;
    }
    if (led.number == 0)
        led.number = take_number();
    tunnel.mark = device_->mark(led.number);
    const auto source = around.source(backend.address);
    tunnel.source = source && source->is_v4() == tunnel.vip.address.is_v4() ? source : std::nullopt;
    const health::TunnelWay way{.backend = backend.entry, .tunnel = backend.tunnel, .interface = interface};
    if (led.is_set && same_way(led.way, way))
        return;
    const int error = device_->set_way(tunnel.mark, way);
    led.is_set = error == 0;
    led.way = way;
    if (error != 0) {
        tunnel.obstacle = std::string("the kernel does not take its way: ") + std::strerror(error);
        led.is_worth_a_warning = true;
    }
}

std::string Tunnels::obstacle(const Led &led, const ServiceImage &service, const BackendImage &backend,
                              u32 interface) const
{
    if (!device_)
        return why_no_device_;
    if (!backend.reachable)
        return "its next hop is not known";
    if (is_local(service, led.tunnel->vip.address))
        return "this machine has " + to_string(led.tunnel->vip.address) + " itself, and would answer";
    if (interface == 0)
        return "port " + std::to_string(backend.entry.egress_port) +
               " of the data plane has no interface of the kernel; give it a punt interface";
    return device_->obstacle(led.tunnel->vip.address);
}

std::shared_ptr<const health::Tunnel> Tunnels::find(const std::string &service,
                                                    const std::string &backend) const
{
    const auto found = led_.find(backend_key(service, backend));
    return found == led_.end() ? nullptr : found->second.tunnel;
}

// One for each thing that is in the way, however many backends it is in the way of.
std::vector<std::string> Tunnels::warnings() const
{
    std::map<std::string, std::pair<std::string, std::size_t>>
        reasons; // to a service, and the number of backends
    for (const auto &[key, led] : led_) {
        if (!led.is_worth_a_warning)
            continue;
        auto &[service, count] = reasons[led.tunnel->obstacle];
        if (count++ == 0 || led.service < service)
            service = led.service;
    }
    std::vector<std::string> lines;
    for (const auto &[reason, who] : reasons)
        lines.push_back(
            std::to_string(who.second) +
            (who.second == 1
                 ? " backend, of service " + who.first + ", is probed at its own address"
                 : " backends, for example of service " + who.first + ", are probed at their own addresses") +
            ", not through the tunnel: " + reason);
    return lines;
}

} // namespace aya
