// SPDX-License-Identifier: BSD-2-Clause
// What a backend is asked to be.
#pragma once

#include "address.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace aya::backend
{

enum class Encap { l2, ipip, gue }; // gue: ipip as well
enum class Hook { tc, xdp };

constexpr std::uint16_t kGuePort = 6080; // IANA's

struct Port {
    std::uint16_t number = 0;
    bool tcp = true;
};

struct Settings {
    std::vector<Address> vips{};
    Encap encap = Encap::l2;
    std::uint16_t gue_port = kGuePort; // UDP; without meaning unless gue
    std::string interface {
    };
    Hook hook = Hook::tc;          // of decapsulation; without meaning for l2
    std::vector<Address> locals{}; // outer destinations that are stripped; empty for l2
    bool all_locals = true;        // `locals` are all addresses of the interface, not named one by one
    std::vector<Port> ports{};     // where check expects a listener on every VIP
    bool is_set_up = false;        // by up, as the state file says; so whatever is missing was removed since

    // Packets come with outer headers, which have to go.
    bool has_tunnel() const { return encap != Encap::l2; }
    bool has_v4_vip() const;
    bool has_v6_vip() const;
    // Some packets will have an inner header of another family than the outer one.
    bool mixes_families() const;
};

inline const char *name_of(Encap encap)
{
    return encap == Encap::l2 ? "l2" : encap == Encap::ipip ? "ipip" : "gue";
}

inline const char *name_of(Hook hook)
{
    return hook == Hook::tc ? "tc" : "xdp";
}

// "203.0.113.10:80/tcp", "[2001:db8::10]:80/tcp"
std::string text_of(const Address &vip, const Port &port);

} // namespace aya::backend
