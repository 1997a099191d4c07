// SPDX-License-Identifier: BSD-2-Clause
//
// The arrays of tables.h in memory, from a description that a test can be read by:
//
//     Tables tables;
//     u16 web = tables.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp"});
//     u32 a = tables.add_backend(web, {.encap = ipip("192.0.2.1", "10.0.1.11")});
//     tables.set_lookup(web, {a});
//
// Capacities are fixed, so that `view()` stays good while a test changes entries.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "aya/headers.h"
#include "aya/quic.h"
#include "aya/tables.h"
#include "aya/view.h"
#include "bytes.hpp"

namespace aya::test
{

inline std::array<be32, 4> mapped_address(const std::string &text)
{
    Bytes bytes = address_bytes(text);
    if (bytes.size() == 4)
        bytes.insert(bytes.begin(), {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
    std::array<be32, 4> address{};
    std::memcpy(address.data(), bytes.data(), bytes.size());
    return address;
}

struct VipText {
    std::string address;
    u32 bits = 128; // of a prefix; IPv4 counts as mapped
    u16 port = 0, last_port = 0;
    u8 protocol = AYA_PROTO_TCP;

    // "203.0.113.10:443/tcp", "[2001:db8::/64]:8000-8999/udp", port 0: any.
    VipText(const char *text) : VipText(std::string(text)) {}
    explicit VipText(const std::string &text)
    {
        const auto colon = text.rfind(':'), slash = text.rfind('/'), dash = text.find('-', colon);
        address = text[0] == '[' ? text.substr(1, text.find(']') - 1) : text.substr(0, colon);
        if (const auto length = address.find('/'); length != std::string::npos) {
            bits = static_cast<u32>(std::stoul(address.substr(length + 1))) + (text[0] == '[' ? 0 : 96);
            address.resize(length);
        }
        port = static_cast<u16>(std::stoul(text.substr(colon + 1)));
        last_port = port == 0                   ? u16{UINT16_MAX}
                    : dash == std::string::npos ? port
                                                : static_cast<u16>(std::stoul(text.substr(dash + 1)));
        protocol = text.substr(slash + 1) == "udp" ? AYA_PROTO_UDP : AYA_PROTO_TCP;
    }

    bool is_exact() const { return bits == 128 && port == last_port; }
    // Of its prefix's entry in `vips`.
    u16 entry_port() const { return bits == 128 ? u16{0} : static_cast<u16>(bits); }
};

struct Encap {
    enum class Kind { l2, ipip, gue } kind = Kind::l2;
    std::string src{}, dst{};
    u16 port = 0; // gue
};

inline Encap ipip(const std::string &src, const std::string &dst)
{
    return {Encap::Kind::ipip, src, dst, 0};
}

inline Encap gue(const std::string &src, const std::string &dst, u16 port = AYA_GUE_PORT)
{
    return {Encap::Kind::gue, src, dst, port};
}

struct BackendText {
    aya_backend_state state = AYA_BACKEND_UP;
    Encap encap{};
    std::string mac = "02:00:00:00:0b:01";     // of the next hop
    std::string own_mac = "02:00:00:00:00:01"; // of the port that it leaves by
    u16 egress_port = 0;
    u16 mtu = 1500;
};

class Tables
{
public:
    static constexpr u32 kVips = 256;
    static constexpr u32 kServices = 32;
    static constexpr u32 kBackends = 256;

    Tables()
    {
        const u64 seed[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
        aya_hash_key_init(&settings_.hash_key, seed);
        u64 state = seed[0];
        for (u64 &k : settings_.vip_key.k)
            k = aya_splitmix64(&state);
        settings_.vip_mask = kVips - 1;
        set_lengths();
        view_ = {.settings = &settings_,
                 .vips = vips_.data(),
                 .port_ranges = ranges_.data(),
                 .services = services_.data(),
                 .backends = backends_.data(),
                 .tunnels = tunnels_.data(),
                 .guards = guards_.data(),
                 .quics = quics_.data(),
                 .servers = servers_.data(),
                 .lookup = lookup_.data(),
                 .vip_count = kVips,
                 .service_count = static_cast<u32>(services_.size()),
                 .backend_count = static_cast<u32>(backends_.size()),
                 .lookup_count = static_cast<u32>(lookup_.size()),
                 .own_count = 0,
                 .own = nullptr,
                 .load_count = 0,
                 .loads = nullptr,
                 .bucket_count = 0,
                 .buckets = nullptr,
                 .source_buckets = nullptr,
                 .refusals = nullptr,
                 .reasons = nullptr,
                 .now_ns = 0};
    }
    Tables(const Tables &) = delete;
    Tables &operator=(const Tables &) = delete;

    u16 add_service(std::initializer_list<VipText> vips, u32 flags = 0)
    {
        const u16 id = next_service_++;
        aya_service &entry = services_.at(id);
        entry.flags = AYA_SERVICE_PRESENT | flags;
        entry.idle_timeout[AYA_FLOW_EMBRYONIC] = 10;
        entry.idle_timeout[AYA_FLOW_CLOSING] = 5;
        entry.idle_timeout[AYA_FLOW_ESTABLISHED] = 900;
        entry.idle_timeout[AYA_FLOW_DATAGRAM] = 60;
        for (const VipText &vip : vips)
            add_vip(vip, id);
        return id;
    }

    void add_vip(const VipText &vip, u16 id)
    {
        insert_vip(mapped_address(vip.address), vip.entry_port(), AYA_PROTO_ICMP, id);
        if (vip.is_exact()) {
            insert_vip(mapped_address(vip.address), vip.port, vip.protocol, id);
            return;
        }
        wide_.push_back({vip, id});
        lay_out_ranges();
        settings_.wide = 1;
    }

    // A SYN to a VIP's address that no service takes is answered by a RST.
    void set_resets(bool resets) { settings_.resets = resets; }

    // The kernel has this address of a VIP, or this one of a VIP's prefix, too. `id`: of the prefix's
    // service.
    void set_local(const std::string &text, u16 id = 0)
    {
        insert_vip(mapped_address(text), 0, AYA_PROTO_ICMP, id);
        const auto address = mapped_address(text);
        for (aya_vip &vip : vips_)
            if (vip.protocol == AYA_PROTO_ICMP && vip.port.raw == 0 &&
                std::memcmp(vip.address, address.data(), 16) == 0)
                vip.flags |= AYA_VIP_LOCAL;
    }

    u32 add_backend(u16 service_id, const BackendText &text = {})
    {
        const u32 id = next_backend_++;
        aya_backend &entry = backends_.at(id);
        entry.state = static_cast<u8>(text.state);
        entry.incarnation = 1;
        entry.service = service_id;
        entry.egress_port = text.egress_port;
        write_header(entry, tunnels_.at(id), text);
        tunnels_.at(id).weight = 1;
        entry.mtu = static_cast<u16>(text.mtu - entry.outer_length);
        return id;
    }

    // The lookup table of a service, slot by slot. What was there becomes the previous table.
    void set_lookup(u16 service_id, const std::vector<u32> &slots)
    {
        aya_service &entry = services_.at(service_id);
        entry.previous_offset = entry.lookup_offset;
        entry.previous_size = entry.lookup_size;
        entry.lookup_offset = next_lookup_;
        entry.lookup_size = static_cast<u32>(slots.size());
        if (next_lookup_ + slots.size() > lookup_.size())
            throw std::length_error("the test tables' arena is too small");
        std::copy(slots.begin(), slots.end(), lookup_.begin() + next_lookup_);
        next_lookup_ += (entry.lookup_size + 15) & ~15u;
    }

    // The lines of a set of sources: model/source_set.hpp.
    void set_sources(u16 service_id, const std::vector<u32> &set)
    {
        if (next_lookup_ + set.size() > lookup_.size())
            throw std::length_error("the test tables' arena is too small");
        std::copy(set.begin(), set.end(), lookup_.begin() + next_lookup_);
        guards_.at(service_id).sources = next_lookup_ / 16;
        guards_.at(service_id).flags |= AYA_GUARD_LISTS;
        services_.at(service_id).flags |= AYA_SERVICE_LISTS;
        next_lookup_ += static_cast<u32>(set.size());
    }

    // Connection ids with this config id name the service's backends. `key`: 32 hex digits, or none.
    void add_quic(u16 service_id, u32 config_id, u32 server_id_length, u32 nonce_length,
                  const std::string &key = "")
    {
        services_.at(service_id).flags |= AYA_SERVICE_QUIC;
        const Bytes octets = hex_bytes(key);
        aya_quic_config_init(&quics_.at(service_id).configs[config_id], server_id_length, nonce_length,
                             octets.empty() ? nullptr : octets.data());
    }

    // After add_quic(). `id`: hex digits, as many as the service's configurations read.
    void set_server_id(u32 backend_id, const std::string &id)
    {
        const Bytes octets = hex_bytes(id);
        const auto length = static_cast<u32>(octets.size());
        aya_server &server = servers_.at(backend_id);
        std::memcpy(reinterpret_cast<u8 *>(&server + 1) - length, octets.data(), length);
        aya_quic &quic = quics_.at(backends_.at(backend_id).service);
        if (quic.servers_size == 0) {
            quic.servers_offset = next_lookup_;
            quic.servers_size = 2 * kBackends;
            std::fill_n(lookup_.begin() + next_lookup_, quic.servers_size, AYA_BACKEND_NONE);
            next_lookup_ += quic.servers_size;
        }
        u32 at = aya_server_place(&settings_.hash_key, server.id, length);
        while (lookup_[quic.servers_offset + at % quic.servers_size] != AYA_BACKEND_NONE)
            at++;
        lookup_[quic.servers_offset + at % quic.servers_size] = backend_id;
    }

    // As the control plane does: a backend that goes down loses its flows for good.
    void take_down(u32 backend_id)
    {
        backends_.at(backend_id).state = AYA_BACKEND_DOWN;
        backends_.at(backend_id).incarnation++;
    }

    aya_settings &settings() { return settings_; }
    const aya_settings &settings() const { return settings_; }
    aya_service &service(u32 id) { return services_.at(id); }
    aya_backend &backend(u32 id) { return backends_.at(id); }
    aya_tunnel &tunnel(u32 id) { return tunnels_.at(id); }
    aya_guard &guard(u32 id) { return guards_.at(id); }
    std::vector<aya_vip> &vips() { return vips_; }
    const std::vector<aya_vip> &vips() const { return vips_; }
    const std::vector<aya_port_range> &port_ranges() const { return ranges_; }
    const std::vector<aya_service> &services() const { return services_; }
    const std::vector<aya_backend> &backends() const { return backends_; }
    const std::vector<aya_tunnel> &tunnels() const { return tunnels_; }
    const std::vector<aya_quic> &quics() const { return quics_; }
    const std::vector<aya_server> &servers() const { return servers_; }
    const std::vector<u32> &lookup() const { return lookup_; }
    const aya_view *view() const { return &view_; }

private:
    void insert_vip(const std::array<be32, 4> &address, u16 port, u8 protocol, u16 id)
    {
        const be16 wire_port = aya_cpu_to_be16(port);
        const u32 home = aya_vip_hash(&settings_.vip_key, address.data(), wire_port, protocol);
        for (u32 i = 0; i < AYA_VIP_PROBES; i++) {
            aya_vip &vip = vips_[(home + i) & settings_.vip_mask];
            if (vip.protocol == protocol && vip.port.raw == wire_port.raw &&
                std::memcmp(vip.address, address.data(), 16) == 0)
                return;
            if (vip.protocol)
                continue;
            std::memcpy(vip.address, address.data(), 16);
            vip.port = wire_port;
            vip.protocol = protocol;
            vip.service = id;
            return;
        }
        throw std::length_error("the test tables' VIP run is too long");
    }

    struct Wide {
        VipText vip;
        u16 service;
        std::vector<u32> key() const
        {
            std::vector<u32> words{vip.bits};
            for (be32 word : mapped_address(vip.address))
                words.push_back(word.raw);
            return words;
        }
    };

    static aya_port_range range_of(const Wide &wide)
    {
        aya_port_range range = {};
        range.first = wide.vip.port;
        range.last = wide.vip.last_port;
        range.service = wide.service;
        range.protocol = wide.vip.protocol;
        return range;
    }

    // All of them, prefix by prefix: in order, and with the narrowest that is around each.
    void lay_out_ranges()
    {
        std::map<std::vector<u32>, std::vector<aya_port_range>> by_prefix;
        for (const Wide &wide : wide_)
            by_prefix[wide.key()].push_back(range_of(wide));
        u32 offset = 0;
        for (auto &[key, own] : by_prefix) {
            std::sort(own.begin(), own.end(), [](const aya_port_range &a, const aya_port_range &b) {
                return std::tuple(a.protocol, a.first, -a.last) < std::tuple(b.protocol, b.first, -b.last);
            });
            for (aya_port_range &range : own)
                range.around = around(own, range);
            aya_vip &entry = entry_of(key);
            entry.range_offset = offset;
            entry.range_count = static_cast<u16>(own.size());
            std::copy(own.begin(), own.end(), ranges_.begin() + offset);
            offset += static_cast<u32>(own.size());
        }
        set_lengths();
    }

    static u8 around(const std::vector<aya_port_range> &own, const aya_port_range &range)
    {
        std::size_t found = 0;
        for (std::size_t i = 0; i < own.size(); i++) {
            const aya_port_range &other = own[i];
            const bool wider = other.last - other.first > range.last - range.first;
            if (wider && other.protocol == range.protocol && other.first <= range.first &&
                range.last <= other.last &&
                (found == 0 || other.last - other.first < own[found - 1].last - own[found - 1].first))
                found = i + 1;
        }
        return static_cast<u8>(found);
    }

    aya_vip &entry_of(const std::vector<u32> &key)
    {
        const be16 port = aya_cpu_to_be16(static_cast<u16>(key[0] == 128 ? 0 : key[0]));
        for (aya_vip &vip : vips_)
            if (vip.protocol == AYA_PROTO_ICMP && vip.port.raw == port.raw &&
                std::memcmp(vip.address, &key[1], 16) == 0)
                return vip;
        throw std::logic_error("a prefix without an entry");
    }

    void set_lengths()
    {
        std::set<u32, std::greater<>> lengths[2] = {{128}, {128}};
        for (const Wide &wide : wide_)
            lengths[wide.vip.address.find(':') == std::string::npos ? 0 : 1].insert(wide.vip.bits);
        for (u32 family = 0; family < 2; family++) {
            aya_prefix_length *entry = settings_.lengths[family];
            for (u32 bits : lengths[family]) {
                Bytes mask(16);
                for (u32 bit = 0; bit < bits; bit++)
                    mask[bit / 8] |= static_cast<u8>(0x80 >> bit % 8);
                std::memcpy(entry->mask, mask.data(), 16);
                entry->port = aya_cpu_to_be16(static_cast<u16>(bits == 128 ? 0 : bits));
                entry->used = 1;
                entry++;
            }
        }
    }

    static void write_header(aya_backend &entry, aya_tunnel &tunnel, const BackendText &text)
    {
        const auto mac = mac_bytes(text.mac), own_mac = mac_bytes(text.own_mac);
        std::copy(own_mac.begin(), own_mac.end(), std::copy(mac.begin(), mac.end(), entry.macs));
        if (text.encap.kind == Encap::Kind::l2)
            return;
        const Bytes src = address_bytes(text.encap.src), dst = address_bytes(text.encap.dst);
        Bytes outer(src.size() == 4 ? 20 : 40);
        outer[0] = src.size() == 4 ? 0x45 : 0x60;
        outer[src.size() == 4 ? 8 : 7] = 64;
        std::copy(src.begin(), src.end(), outer.end() - 2 * static_cast<std::ptrdiff_t>(src.size()));
        std::copy(dst.begin(), dst.end(), outer.end() - static_cast<std::ptrdiff_t>(src.size()));
        if (src.size() == 4) {
            std::memcpy(&entry.outer_src, src.data(), 4);
            std::memcpy(&entry.outer_dst, dst.data(), 4);
            put16(outer, 6, AYA_IPV4_DF);
            u32 sum = 0;
            for (std::size_t i = 0; i < outer.size(); i += 2)
                sum += outer[i] + (static_cast<u32>(outer[i + 1]) << 8); // raw loads
            while (sum > 0xffff)
                sum = (sum & 0xffff) + (sum >> 16);
            entry.partial_checksum = static_cast<u16>(sum);
        } else {
            std::copy(outer.begin(), outer.end(), tunnel.ipv6);
        }
        std::size_t length = outer.size();
        if (text.encap.kind == Encap::Kind::gue) {
            Bytes udp(8);
            put16(udp, 2, text.encap.port);
            std::copy(udp.begin(), udp.end(), tunnel.udp);
            length += udp.size();
        }
        entry.outer_length = static_cast<u8>(length);
    }

    aya_settings settings_{};
    std::vector<aya_vip> vips_ = std::vector<aya_vip>(kVips);
    std::vector<aya_port_range> ranges_ = std::vector<aya_port_range>(kVips);
    std::vector<Wide> wide_;
    std::vector<aya_service> services_ = std::vector<aya_service>(kServices);
    std::vector<aya_backend> backends_ = std::vector<aya_backend>(kBackends);
    std::vector<aya_tunnel> tunnels_ = std::vector<aya_tunnel>(kBackends);
    std::vector<aya_guard> guards_ = std::vector<aya_guard>(kServices);
    std::vector<aya_quic> quics_ = std::vector<aya_quic>(kServices);
    std::vector<aya_server> servers_ = std::vector<aya_server>(kBackends);
    std::vector<u32> lookup_ = std::vector<u32>(1 << 18);
    aya_view view_{};
    u16 next_service_ = 0;
    u32 next_backend_ = 1; // 0 too is a valid id; starting at 1 finds look-ups that forget to set one
    u32 next_lookup_ = 16;
};

} // namespace aya::test
