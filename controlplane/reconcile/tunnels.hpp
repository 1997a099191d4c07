// SPDX-License-Identifier: BSD-2-Clause
// The tunnels that probes go through: one per backend of a service whose probes do, led where the live tables
// lead clients' packets.
#pragma once

#include "aya/shm.hpp"
#include "config/config.hpp"
#include "health/tunnel.hpp"
#include "health/tunnel_device.hpp"
#include "model/image.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace aya
{

class Tunnels
{
public:
    // Called when the first service needs it, and again after a failure when the configuration has changed.
    // What it throws is why probes go to the backends directly.
    using MakeDevice = std::function<std::unique_ptr<health::TunnelDevice>()>;
    explicit Tunnels(MakeDevice make) : make_(std::move(make)) {}

    // What the kernel and the data plane say.
    struct Surroundings {
        std::span<const PortLine> ports;
        std::function<std::optional<IpAddress>(const IpAddress &backend)> source; // of packets to it
    };

    // A backend with the same VIP and encapsulation as before keeps its tunnel, and what is known by it.
    void follow(const Config &config);
    // The image is live. Only what has changed since the last call is looked at.
    void lead(const TableImage &image, const Surroundings &around);

    // Null: probes go to this backend directly.
    std::shared_ptr<const health::Tunnel> find(const std::string &service, const std::string &backend) const;
    // One line each, for people.
    std::vector<std::string> warnings() const;

private:
    struct Led {
        std::shared_ptr<health::Tunnel> tunnel;
        std::string service;
        u32 number = 0;
        health::TunnelWay way{};
        bool is_set = false;
        bool is_worth_a_warning = false; // what is in the way is not the backend's
        bool wanted = true;
    };

    void make_device();
    u32 take_number();
    void release(Led &led);
    void lead_one(Led &led, const ServiceImage &service, const BackendImage &backend,
                  const Surroundings &around);
    std::string obstacle(const Led &led, const ServiceImage &service, const BackendImage &backend,
                         u32 interface) const;

    MakeDevice make_;
    std::unique_ptr<health::TunnelDevice> device_;
    std::string why_no_device_;
    std::unordered_map<std::string, Led> led_; // by service, newline, backend
    std::unordered_map<std::string, std::shared_ptr<const ServiceImage>> seen_; // by service
    std::vector<u32> interfaces_;                                               // by egress port
    std::vector<u32> free_numbers_;
    u32 next_number_ = 1;
};

} // namespace aya
