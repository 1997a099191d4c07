// SPDX-License-Identifier: BSD-2-Clause
// What a backend is asked to be.
#pragma once

#include "aya/headers.h"
#include "common/address.hpp"
#include "common/names.hpp"
#include "common/prefix.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aya::backend
{

enum class Encap { l2, ipip, gue };
enum class Hook { tc, xdp };

constexpr std::uint16_t kGuePort = AYA_GUE_PORT;

// What has to go from the packets of each encapsulation. With `strips_udp`, packets without UDP between the
// headers are decapsulated as well.
struct EncapRow {
    Encap value;
    std::string_view name;
    bool has_tunnel;
    bool strips_udp;
};

constexpr EncapRow kEncaps[] = {
    {Encap::l2, "l2", false, false},
    {Encap::ipip, "ipip", true, false},
    {Encap::gue, "gue", true, true},
};

constexpr std::span<const EncapRow> names_of(Encap)
{
    return kEncaps;
}

// The names, such as "l2, ipip or gue" with ", " and " or ".
std::string encap_names(const std::string &between, const std::string &before_last,
                        bool tunnels_only = false);

// Can hosts anywhere send to it: no loopback, multicast, link-local, unspecified, reserved or broadcast
// address.
bool is_routable(const IpAddress &address);
std::string join(const std::vector<IpAddress> &addresses);
bool contains(const std::vector<IpAddress> &addresses, const IpAddress &address);
bool contains(const std::vector<Prefix> &prefixes, const IpAddress &address); // in one of them

// What the map of balancers has where none is named.
inline constexpr Prefix kEveryone{};

struct Port {
    std::uint16_t number = 0;
    bool tcp = true;
};

struct Settings {
    std::vector<Prefix> vips{};
    Encap encap = Encap::l2;
    std::uint16_t gue_port = kGuePort; // without meaning unless strips_udp()
    std::string interface {
    };
    Hook hook = Hook::tc;            // of decapsulation; without meaning unless has_tunnel()
    std::vector<IpAddress> locals{}; // outer destinations that are stripped; empty unless has_tunnel()
    bool all_locals = true;          // `locals` are all addresses of the interface, not named one by one
    std::vector<Prefix> balancers{}; // outer sources whose packets are stripped; empty: everyone's
    std::vector<Port> ports{};       // where check expects a listener on every VIP
    bool is_set_up = false; // by up, as the state file says; so whatever is missing was removed since

    // Packets come with outer headers, which have to go.
    bool has_tunnel() const { return row_of(encap).has_tunnel; }
    // With UDP among them, to gue_port.
    bool strips_udp() const { return row_of(encap).strips_udp; }
    bool has_v4_vip() const;
    bool has_v6_vip() const;
    // Some packets will have an inner header of another family than the outer one.
    bool mixes_families() const;
};

inline const char *name_of(Hook hook)
{
    return hook == Hook::tc ? "tc" : "xdp";
}

// "203.0.113.10:80/tcp", "[2001:db8::10]:80/tcp"
std::string text_of(const Prefix &vip, const Port &port);

} // namespace aya::backend
