// SPDX-License-Identifier: BSD-2-Clause
//
// Writes the tables segment for tests that want exact tables without a control plane: no Maglev, no waiting
// for readers, no economy. The tests' own model of what the control plane's publisher does.
#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>

#include "aya/rewrite.h"
#include "aya/segment.hpp"

namespace aya::test
{

struct VipSpec {
    std::string address; // "203.0.113.10" or "2001:db8::10"
    u16 port = 0;        // host order; 0: any
    u8 protocol = AYA_PROTO_TCP;
};

struct BackendSpec {
    u8 state = AYA_BACKEND_UP;
    u16 incarnation = 1;
    u16 egress_port = 0;
    u16 mtu = 1500;
    std::string dst_mac = "02:00:00:00:00:11";
    std::string src_mac = "02:00:00:00:00:02";
    std::string outer_src; // empty: encap l2
    std::string outer_dst;
};

struct ServiceSpec {
    std::vector<VipSpec> vips;
    std::vector<BackendSpec> backends;
    u32 flags = 0;         // beside AYA_SERVICE_PRESENT
    u32 lookup_size = 251; // backends in turn
    u16 idle_timeout = 900;
};

inline void read_mac(const std::string &text, u8 *mac)
{
    unsigned b[6];
    if (std::sscanf(text.c_str(), "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
        throw std::invalid_argument("no MAC address: " + text);
    for (u32 i = 0; i < 6; i++)
        mac[i] = static_cast<u8>(b[i]);
}

// Answers the family; 16 bytes, IPv4 mapped.
inline u8 read_address(const std::string &text, be32 mapped[4])
{
    if (inet_pton(AF_INET6, text.c_str(), mapped) == 1)
        return AYA_IPV6;
    mapped[0].raw = mapped[1].raw = 0;
    mapped[2] = aya_cpu_to_be32(0xffff);
    if (inet_pton(AF_INET, text.c_str(), &mapped[3]) != 1)
        throw std::invalid_argument("no address: " + text);
    return AYA_IPV4;
}

inline aya_backend make_backend(const BackendSpec &spec, u16 service)
{
    aya_backend backend{};
    backend.state = spec.state;
    backend.incarnation = spec.incarnation;
    backend.service = service;
    backend.egress_port = spec.egress_port;
    backend.mtu = spec.mtu;
    read_mac(spec.dst_mac, backend.header);
    read_mac(spec.src_mac, backend.header + 6);
    if (spec.outer_dst.empty())
        return backend;
    backend.encap = AYA_ENCAP_IPIP;
    be32 src[4], dst[4];
    const u8 family = read_address(spec.outer_src, src);
    if (read_address(spec.outer_dst, dst) != family)
        throw std::invalid_argument("outer addresses of two families");
    u8 *outer = backend.header + 14;
    if (family == AYA_IPV4) {
        const u8 ip[20] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 0, 0, 0};
        std::memcpy(outer, ip, sizeof(ip));
        std::memcpy(outer + 12, &src[3], 4);
        std::memcpy(outer + 16, &dst[3], 4);
        backend.header[12] = 0x08;
        backend.outer_length = 20;
        for (u32 i = 0; i < 20; i += 2)
            backend.partial_checksum += aya_word(outer[i], outer[i + 1]);
    } else {
        outer[0] = 0x60;
        outer[7] = 64;
        std::memcpy(outer + 8, src, 16);
        std::memcpy(outer + 24, dst, 16);
        backend.header[12] = 0x86;
        backend.header[13] = 0xdd;
        backend.outer_length = 40;
    }
    backend.mtu = static_cast<u16>(spec.mtu - backend.outer_length);
    return backend;
}

class TableWriter
{
public:
    static constexpr Capacities kCapacities{
        .services = 128, .backends = 16384, .vips = 1024, .lookup_slots = 1 << 24};

    explicit TableWriter(const std::string &path, u64 seed = 1) : seed_{seed, 2}, layout_(kCapacities)
    {
        const std::string temporary = path + ".new";
        ::unlink(temporary.c_str());
        file_ = MappedFile::create(temporary, layout_.size);
        SegmentHeader &header = *file_.at<SegmentHeader>(0);
        header.magic = kTablesMagic;
        header.abi_version = AYA_ABI_VERSION;
        header.header_size = sizeof(header);
        header.layout_hash = layout_hash();
        header.size = layout_.size;
        header.identity = std::random_device{}() | u64{1};
        header.owner_pid = static_cast<u32>(::getpid());
        header.capacities = kCapacities;
        publish({});
        if (::rename(temporary.c_str(), path.c_str()) != 0)
            throw std::runtime_error("cannot rename " + temporary);
    }

    // All services anew, in the inactive slot; then flips.
    u64 publish(const std::vector<ServiceSpec> &services)
    {
        const u64 next = generation() + 1;
        slot_ = &layout_.slot[next & 1];
        lookup_at_ = next & 1 ? kCapacities.lookup_slots / 2 : 0;
        backend_at_ = 0;
        clear();
        for (u32 id = 0; id < services.size(); id++)
            write_service(services[id], static_cast<u16>(id));
        __atomic_store_n(&file_.at<aya_control>(layout_.control)->generation, next, __ATOMIC_RELEASE);
        return next;
    }

    u64 generation() const { return file_.at<aya_control>(layout_.control)->generation; }
    SegmentHeader &header() { return *file_.at<SegmentHeader>(0); }

private:
    aya_settings &settings() { return *file_.at<aya_settings>(slot_->settings); }

    void clear()
    {
        std::memset(file_.at<u8>(slot_->vips), 0, kCapacities.vips * sizeof(aya_vip));
        std::memset(file_.at<u8>(slot_->services), 0, kCapacities.services * sizeof(aya_service));
        std::memset(file_.at<u8>(slot_->backends), 0, kCapacities.backends * sizeof(aya_backend));
        aya_hash_key_init(&settings().hash_key, seed_);
        u64 state = 3;
        for (u64 &k : settings().vip_key.k)
            k = aya_splitmix64(&state);
        settings().vip_mask = kCapacities.vips - 1;
        settings().any_port = 0;
    }

    void write_service(const ServiceSpec &spec, u16 id)
    {
        aya_service &service = file_.at<aya_service>(slot_->services)[id];
        service.flags = AYA_SERVICE_PRESENT | spec.flags;
        std::fill_n(service.idle_timeout, AYA_FLOW_STATES, spec.idle_timeout);
        service.lookup_offset = lookup_at_;
        const u32 first = backend_at_;
        for (const BackendSpec &backend : spec.backends)
            file_.at<aya_backend>(slot_->backends)[backend_at_++] = make_backend(backend, id);
        std::vector<u32> chosen;
        for (u32 i = first; i < backend_at_; i++) {
            if (spec.backends[i - first].state == AYA_BACKEND_UP)
                chosen.push_back(i);
        }
        if (!chosen.empty()) {
            service.lookup_size = spec.lookup_size;
            for (u32 i = 0; i < spec.lookup_size; i++)
                file_.at<u32>(layout_.lookup)[lookup_at_ + i] = chosen[i % chosen.size()];
            lookup_at_ += (spec.lookup_size + 15) & ~15u;
        }
        for (const VipSpec &vip : spec.vips) {
            be32 address[4];
            read_address(vip.address, address);
            put_vip(address, vip.port, vip.protocol, id);
            put_vip(address, 0, AYA_PROTO_ICMP, id);
            settings().any_port |= vip.port == 0;
        }
    }

    void put_vip(const be32 address[4], u16 port, u8 protocol, u16 service)
    {
        aya_vip *vips = file_.at<aya_vip>(slot_->vips);
        const be16 wire_port = aya_cpu_to_be16(port);
        u32 at = aya_vip_hash(&settings().vip_key, address, wire_port, protocol);
        for (; vips[at & settings().vip_mask].protocol != 0; at++) {
            const aya_vip &other = vips[at & settings().vip_mask];
            if (other.protocol == protocol && other.port.raw == wire_port.raw &&
                std::memcmp(other.address, address, 16) == 0)
                return;
        }
        aya_vip &vip = vips[at & settings().vip_mask];
        std::memcpy(vip.address, address, 16);
        vip.port = wire_port;
        vip.protocol = protocol;
        vip.service = service;
    }

    u64 seed_[2];
    TablesLayout layout_;
    MappedFile file_;
    const TablesLayout::Slot *slot_ = nullptr;
    u32 lookup_at_ = 0;
    u32 backend_at_ = 0;
};

} // namespace aya::test
