// SPDX-License-Identifier: BSD-2-Clause
//
// One service with Maglev tables, the flow table of one queue, and clients whose connections are what counts:
// the real core, driven packet by packet, with time that the scene makes. Deterministic by seed.
#pragma once

#include <random>
#include <vector>

#include "aya/forward.h"
#include "kinds/maglev.hpp"
#include "table_builder.hpp"

namespace aya::test
{

// A client's connection, and the server that accepted it.
struct Connection {
    aya_flow flow{};
    u32 server = AYA_BACKEND_NONE;
    bool is_old = false;       // open before the attack
    bool falls_silent = false; // says nothing from then on until the very end
    bool is_broken = false;    // a packet reached another server, or none
    bool is_lost = false;      // its server was killed: nobody's fault
    u32 next_word = 0;         // tick
};

class Scene
{
public:
    static constexpr u32 kSets = 512, kEntries = kSets * AYA_FLOW_WAYS, kLookupSize = 4099, kBackends = 8;

    explicit Scene(u64 seed) : random_(seed)
    {
        tables_.service(service_).idle_timeout[AYA_FLOW_EMBRYONIC] = 28; // the defaults, in ticks
        tables_.service(service_).idle_timeout[AYA_FLOW_CLOSING] = 56;
        tables_.service(service_).idle_timeout[AYA_FLOW_ESTABLISHED] = 838;
        tables_.service(service_).idle_timeout[AYA_FLOW_DATAGRAM] = 112;
        for (u32 i = 0; i < kBackends; i++)
            add_backend();
        publish();
        tables_.service(service_).previous_size = 0;
    }

    // Changes, as the control plane publishes them.
    void add_backend() { backends_.push_back({tables_.add_backend(service_), 1}); }
    void drain(u32 index)
    {
        tables_.backend(backends_[index].id).state = AYA_BACKEND_DRAINING;
        set_weight(index, 0);
    }
    void set_weight(u32 index, u32 weight) { backends_[index].weight = weight; }
    u32 kill(u32 index)
    {
        tables_.take_down(backends_[index].id);
        set_weight(index, 0);
        return backends_[index].id;
    }
    void publish()
    {
        std::vector<Candidate> candidates;
        for (const Backend &backend : backends_)
            candidates.push_back({.key = 0x9e3779b97f4a7c15 * (backend.id + 1), .weight = backend.weight});
        std::vector<u32> slots = build_maglev(candidates, kLookupSize);
        for (u32 &slot : slots)
            slot = backends_[slot].id;
        tables_.set_lookup(service_, slots);
    }

    // The backend that a TCP packet went to, or AYA_BACKEND_NONE.
    u32 send(const aya_flow &flow, u8 tcp_flags, u8 ttl = 64)
    {
        aya_packet packet{};
        packet.flow = flow;
        packet.tcp_flags = tcp_flags;
        return send(packet, ttl);
    }

    void send_datagram(aya_flow flow)
    {
        aya_packet packet{};
        packet.flow = flow;
        packet.flow.protocol = AYA_PROTO_UDP;
        send(packet, 64);
    }

    // The first of two fragments, then the second.
    void send_fragments(const aya_flow &flow, u32 id)
    {
        aya_packet packet{};
        packet.flow = flow;
        packet.tcp_flags = AYA_TCP_ACK;
        packet.kind = AYA_KIND_FRAGMENT_FIRST;
        packet.fragment_id.raw = id;
        send(packet, 64);
        packet.kind = AYA_KIND_FRAGMENT_LATER;
        packet.flow.src_port.raw = packet.flow.dst_port.raw = 0;
        packet.tcp_flags = 0;
        send(packet, 64);
    }

    // A tuple that nobody has used.
    aya_flow stranger()
    {
        const u64 bits = random_();
        aya_flow flow{};
        flow.src[2] = aya_cpu_to_be32(0xffff);
        flow.src[3].raw = static_cast<u32>(bits);
        flow.dst[2] = aya_cpu_to_be32(0xffff);
        flow.dst[3].raw = 0x0a7100cb; // 203.0.113.10
        flow.src_port.raw = static_cast<u16>(bits >> 32);
        flow.dst_port = aya_cpu_to_be16(443);
        flow.protocol = AYA_PROTO_TCP;
        flow.family = AYA_IPV4;
        return flow;
    }

    std::mt19937_64 &random() { return random_; }

    u16 now = 64000; // so that the clock wraps in the middle

private:
    struct Backend {
        u32 id;
        u32 weight;
    };

    u32 send(aya_packet &packet, u8 ttl)
    {
        packet.ttl = ttl;
        packet.l3_length = 60;
        const aya_view *view = tables_.view();
        const u64 hash = aya_flow_hash(view->settings, &packet);
        aya_verdict verdict;
        aya_choose(view, &packet, service_, hash, set_of(hash), nullptr, now, &verdict);
        if (verdict.action != AYA_ACTION_FORWARD)
            return AYA_BACKEND_NONE;
        if (packet.kind == AYA_KIND_FRAGMENT_FIRST) {
            const u64 fragment_hash = aya_hash_fragment(&view->settings->hash_key, &packet);
            aya_remember_fragment(view, set_of(fragment_hash), fragment_hash, now, &verdict);
        }
        return verdict.backend_id;
    }

    aya_flow_set *set_of(u64 hash) { return &sets_[aya_flow_set_index(hash, kSets - 1)]; }

    std::mt19937_64 random_;
    Tables tables_;
    u16 service_ = tables_.add_service({"203.0.113.10:443/tcp", "203.0.113.10:443/udp"});
    std::vector<Backend> backends_;
    std::vector<aya_flow_set> sets_ = std::vector<aya_flow_set>(kSets);
};

} // namespace aya::test
