// SPDX-License-Identifier: BSD-2-Clause
// Images in which every entry carries one stamp, and a reader that believes nothing else.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "aya/forward.h"
#include "aya/shm.hpp"
#include "model/image.hpp"

namespace aya::test
{

constexpr Capacities kStampedCapacities{
    .services = 16, .backends = 256, .vips = 128, .lookup_slots = 16 * 1024};
constexpr u32 kStampedSlots = 251;

// What an image looks like is a function of its stamp: services come and go, each has one backend of its own
// kind in every image, all slots of a lookup table name one backend, and VIPs wander.
struct Stamped {
    u64 stamp;

    u32 services() const { return 5 + static_cast<u32>(stamp % 3); }
    u32 backends() const { return 4; }
    u32 chosen() const { return static_cast<u32>(stamp % backends()); }
    VipKey vip(u32 service) const
    {
        return {IpAddress::v4(203, 0, 113, static_cast<u8>(service)), static_cast<u16>(1 + stamp % 50000),
                Protocol::tcp};
    }
    u16 part(u32 i) const { return static_cast<u16>(stamp >> (16 * i)); }

    TableImage image() const
    {
        TableImage image;
        const auto lookup = std::make_shared<const std::vector<u32>>(kStampedSlots, chosen());
        for (u32 s = 0; s < services(); s++) {
            auto service = std::make_shared<ServiceImage>();
            service->name = "s" + std::to_string(s);
            service->flags = AYA_SERVICE_PRESENT;
            for (u32 i = 0; i < 4; i++)
                service->idle_timeout[1 + i] = part(i);
            service->vips = {vip(s)};
            for (u32 b = 0; b < backends(); b++) {
                BackendImage backend;
                backend.name = b == 0 ? "only-" + std::to_string(stamp) : "b" + std::to_string(b);
                backend.entry.state = AYA_BACKEND_UP;
                backend.entry.mtu = static_cast<u16>(b);
                std::memcpy(backend.entry.macs, &stamp, sizeof(stamp));
                std::memcpy(backend.tunnel.ipv6, &stamp, sizeof(stamp));
                service->backends.push_back(std::move(backend));
            }
            service->lookup = lookup;
            image.services.push_back(std::move(service));
        }
        return image;
    }
};

inline u64 stamp_of(const aya_service &entry)
{
    u64 stamp = 0;
    for (u32 i = 0; i < 4; i++)
        stamp |= u64{entry.idle_timeout[1 + i]} << (16 * i);
    return stamp;
}

inline u64 stamp_of(const aya_backend &entry)
{
    u64 stamp = 0;
    std::memcpy(&stamp, entry.macs, sizeof(stamp));
    return stamp;
}

inline u64 stamp_of(const aya_tunnel &tunnel)
{
    u64 stamp = 0;
    std::memcpy(&stamp, tunnel.ipv6, sizeof(stamp));
    return stamp;
}

inline u32 find_vip(const aya_view &view, const VipKey &vip)
{
    be32 address[4];
    std::memcpy(address, vip.address.bytes.data(), sizeof(address));
    return aya_vip_search(&view, view.settings, address, aya_cpu_to_be16(vip.port),
                          static_cast<u8>(vip.protocol));
}

inline std::string check_service(const aya_view &view, u32 id, const Stamped &stamped)
{
    const aya_service &service = view.services[id];
    if (stamp_of(service) != stamped.stamp)
        return "service " + std::to_string(id) + " has stamp " + std::to_string(stamp_of(service));
    if (service.lookup_size != kStampedSlots)
        return "service " + std::to_string(id) + " has a table of " + std::to_string(service.lookup_size);
    for (u32 i = 0; i < service.lookup_size; i++) {
        const u32 *slot = aya_view_lookup(&view, service.lookup_offset + i);
        const aya_backend *backend = slot ? aya_view_backend(&view, *slot) : nullptr;
        if (!backend || backend->state != AYA_BACKEND_UP || backend->service != id ||
            stamp_of(*backend) != stamped.stamp || backend->mtu != stamped.chosen())
            return "slot " + std::to_string(i) + " of service " + std::to_string(id) +
                   " names another backend";
    }
    return {};
}

// Reads everything that a data plane could read of this generation. What does not fit together, or nothing.
inline std::string check_generation(const aya_view &view)
{
    std::optional<Stamped> stamped;
    u32 services = 0;
    for (u32 id = 0; id < view.service_count; id++) {
        if ((view.services[id].flags & AYA_SERVICE_PRESENT) == 0)
            continue;
        if (!stamped)
            stamped = Stamped{stamp_of(view.services[id])};
        services++;
        if (auto wrong = check_service(view, id, *stamped); !wrong.empty())
            return "stamp " + std::to_string(stamped->stamp) + ": " + wrong;
    }
    if (!stamped)
        return "no service";
    const std::string prefix = "stamp " + std::to_string(stamped->stamp) + ": ";
    if (services != stamped->services())
        return prefix + std::to_string(services) + " services";
    u32 backends = 0;
    for (u32 id = 0; id < view.backend_count; id++) {
        if (view.backends[id].state == AYA_BACKEND_FREE)
            continue;
        backends++;
        if (stamp_of(view.backends[id]) != stamped->stamp || stamp_of(view.tunnels[id]) != stamped->stamp)
            return prefix + "backend " + std::to_string(id) + " has stamp " +
                   std::to_string(stamp_of(view.backends[id]));
    }
    if (backends != services * stamped->backends())
        return prefix + std::to_string(backends) + " backends";
    u32 vips = 0;
    for (u32 i = 0; i < view.vip_count; i++)
        vips += view.vips[i].protocol != 0 ? 1 : 0;
    if (vips != 2 * services)
        return prefix + std::to_string(vips) + " VIP entries";
    for (u32 s = 0; s < services; s++)
        if (find_vip(view, stamped->vip(s)) == AYA_SERVICE_NONE)
            return prefix + "VIP " + to_string(stamped->vip(s)) + " not found";
    return {};
}

} // namespace aya::test
