// SPDX-License-Identifier: BSD-2-Clause
#include "api/explain.hpp"

#include "aya/encap.h"
#include "common/address.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstring>

namespace aya::api
{

namespace
{

constexpr u16 kSmallPacket = 60; // bytes: fits every MTU
constexpr u8 kUsualTtl = 64;

const char *reason_name(u8 reason)
{
    static constexpr const char *kNames[] = {
#define AYA_X(symbol, action, name, help) name,
        AYA_REASONS(AYA_X)
#undef AYA_X
    };
    return kNames[reason];
}

const char *reason_help(u8 reason)
{
    static constexpr const char *kHelp[] = {
#define AYA_X(symbol, action, name, help) help,
        AYA_REASONS(AYA_X)
#undef AYA_X
    };
    return kHelp[reason];
}

const char *action_name(u8 action)
{
    static constexpr const char *kNames[] = {"forward", "punt", "drop", "reply"};
    return kNames[action];
}

std::string hex(u64 value)
{
    char text[19];
    std::snprintf(text, sizeof(text), "0x%016llx", static_cast<unsigned long long>(value));
    return text;
}

std::string mac_text(const u8 *bytes)
{
    Mac mac;
    std::memcpy(mac.bytes.data(), bytes, mac.bytes.size());
    return to_string(mac);
}

IpAddress address_of(const be32 words[4])
{
    IpAddress address;
    std::memcpy(address.bytes.data(), words, address.bytes.size());
    return address;
}

// One question, one walk down the steps of the decision.
class Walk
{
public:
    Walk(const Sink &tables, const aya_packet &packet)
        : slot_(tables.slot(tables.generation())),
          packet_(packet), view_{.settings = slot_.settings,
                                 .vips = slot_.vips,
                                 .services = slot_.services,
                                 .backends = slot_.backends,
                                 .tunnels = slot_.tunnels,
                                 .lookup = tables.lookup(),
                                 .vip_count = tables.capacities().vips,
                                 .service_count = tables.capacities().services,
                                 .backend_count = tables.capacities().backends,
                                 .lookup_count = tables.capacities().lookup_slots}
    {
    }

    OrderedJson answer()
    {
        parse_step();
        u16 service_id = 0;
        const aya_reason reason = aya_classify(&view_, &packet_, &service_id);
        if (reason != AYA_REASON_NONE) {
            verdict_.reason = static_cast<u8>(reason);
            verdict_.action = static_cast<u8>(aya_action_of(reason));
            step("vip", reason_help(verdict_.reason));
            return finish(nullptr);
        }
        vip_step(service_id);
        hash_step(service_id);
        aya_choose(&view_, &packet_, service_id, hash_, nullptr, nullptr, 0, &verdict_);
        choice_step(service_id);
        if (verdict_.backend && verdict_.reason == AYA_REASON_NONE)
            encap_step(*verdict_.backend);
        return finish(slot_.service_names[service_id].text);
    }

private:
    void step(const char *name, std::string text)
    {
        steps_.push_back({{"step", name}, {"text", std::move(text)}});
    }

    std::string backend_name(u32 id) const
    {
        return id < view_.backend_count && slot_.backend_names[id].text[0]
                   ? std::string(slot_.backend_names[id].text) + " (id " + std::to_string(id) + ")"
                   : "no backend";
    }

    void parse_step()
    {
        const aya_flow &flow = packet_.flow;
        std::string text = flow.family == AYA_IPV4 ? "IPv4 " : "IPv6 ";
        if (flow.protocol == AYA_PROTO_TCP)
            text += aya_opens(&packet_) ? "TCP SYN (opens a connection)"
                                        : "TCP ACK (in the middle of a connection)";
        else
            text += "UDP";
        step("parse", text + " from " +
                          to_string(SocketAddress{address_of(flow.src), aya_be16_to_cpu(flow.src_port)}));
    }

    void vip_step(u16 service_id)
    {
        const aya_flow &flow = packet_.flow;
        const u32 exact = aya_vip_search(&view_, view_.settings, flow.dst, flow.dst_port, flow.protocol);
        const VipKey vip{address_of(flow.dst),
                         exact == AYA_SERVICE_NONE ? u16{0} : aya_be16_to_cpu(flow.dst_port),
                         static_cast<Protocol>(flow.protocol)};
        step("vip", to_string(vip) + " is a VIP of service " + slot_.service_names[service_id].text +
                        " (id " + std::to_string(service_id) + ")");
    }

    void hash_step(u16 service_id)
    {
        const aya_service &service = view_.services[service_id];
        hash_ = aya_flow_hash(view_.settings, &packet_);
        pick_ = aya_pick_hash(view_.settings, &service, &packet_, hash_);
        std::string text = "5-tuple " + hex(hash_);
        if (service.flags & AYA_SERVICE_AFFINITY_SOURCE)
            text += "; picked by the client's address alone, " + hex(pick_);
        step("hash", text);
        step("flow table", service.flags & AYA_SERVICE_STATELESS
                               ? "the service is stateless: nothing is remembered"
                               : "not consulted here: a worker that remembers this flow sends it to the "
                                 "backend that it remembers, as long as that is up or draining");
    }

    void choice_step(u16 service_id)
    {
        const aya_service &service = view_.services[service_id];
        if (verdict_.notes & AYA_NOTE_PREVIOUS) {
            step("previous table",
                 slot_text(service.previous_offset, service.previous_size) +
                     "; not a SYN and not remembered, so the table before the last change decides");
            return;
        }
        if (packet_.flow.protocol == AYA_PROTO_TCP && !aya_opens(&packet_))
            step("previous table", service.previous_size
                                       ? "its backend, " +
                                             slot_text(service.previous_offset, service.previous_size) +
                                             ", is not alive any more"
                                       : "there is none");
        step("lookup table", service.lookup_size ? slot_text(service.lookup_offset, service.lookup_size)
                                                 : "empty: the service has no backend for new flows");
    }

    std::string slot_text(u32 offset, u32 size) const
    {
        const u32 slot = aya_slot(pick_, size);
        const u32 *id = aya_view_lookup(&view_, offset + slot);
        return "slot " + std::to_string(slot) + " of " + std::to_string(size) + " is " +
               backend_name(id ? *id : AYA_BACKEND_NONE);
    }

    void encap_step(const aya_backend &backend)
    {
        std::string text = "destination MAC " + mac_text(backend.macs) + ", source MAC " +
                           mac_text(backend.macs + 6) + ", data plane port " +
                           std::to_string(backend.egress_port);
        const aya_tunnel &tunnel = slot_.tunnels[verdict_.backend_id];
        if (aya_encap_of(&backend) == AYA_ENCAP_IPIP)
            text = "ipip, " + tunnel_text(backend, tunnel) + "; " + text;
        else if (aya_encap_of(&backend) == AYA_ENCAP_GUE)
            text = "gue, " + tunnel_text(backend, tunnel) + ", " + udp_text(tunnel) + "; " + text;
        else
            text = "l2, " + text;
        step("encapsulate", text + "; packets up to " + std::to_string(backend.mtu) + " bytes fit");
    }

    static std::string tunnel_text(const aya_backend &backend, const aya_tunnel &tunnel)
    {
        if (backend.outer_length == AYA_OUTER_IPV4 || backend.outer_length == AYA_OUTER_GUE_IPV4)
            return "IPv4 " + ipv4_text(backend.outer_src) + " to " + ipv4_text(backend.outer_dst);
        return "IPv6 " + to_string(IpAddress::from_v6_bytes(tunnel.ipv6 + offsetof(aya_ipv6, src))) + " to " +
               to_string(IpAddress::from_v6_bytes(tunnel.ipv6 + offsetof(aya_ipv6, dst)));
    }

    static std::string ipv4_text(const be32 &address)
    {
        return to_string(IpAddress::from_v4_bytes(reinterpret_cast<const u8 *>(&address)));
    }

    // The source port is the rewriting's own, for this packet.
    std::string udp_text(const aya_tunnel &tunnel) const
    {
        aya_udp udp;
        std::memcpy(&udp, tunnel.udp, sizeof(udp));
        aya_patch_outer_udp(&udp, &packet_, hash_);
        return "UDP port " + std::to_string(aya_be16_to_cpu(udp.src_port)) + " to " +
               std::to_string(aya_be16_to_cpu(udp.dst_port));
    }

    OrderedJson finish(const char *service)
    {
        if (service)
            step("verdict", reason_help(verdict_.reason));
        const bool chosen = verdict_.backend && verdict_.backend_id < view_.backend_count;
        return {
            {"steps", std::move(steps_)},
            {"action", action_name(verdict_.action)},
            {"reason", reason_name(verdict_.reason)},
            {"service", service ? OrderedJson(service) : OrderedJson()},
            {"backend", chosen ? OrderedJson(slot_.backend_names[verdict_.backend_id].text) : OrderedJson()}};
    }

    const TableSlot &slot_;
    const aya_packet &packet_;
    aya_view view_;
    aya_verdict verdict_{};
    u64 hash_ = 0;
    u64 pick_ = 0;
    OrderedJson steps_ = OrderedJson::array();
};

ConfigError wrong(const char *where, const std::string &found, const char *allowed)
{
    return {
        .where = where, .message = "found " + found + "; allowed: " + allowed, .kind = ErrorKind::invalid};
}

} // namespace

Result<aya_packet> read_question(std::string_view text)
{
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object())
        return ConfigError{
            .where = "", .message = "the body must be a JSON object", .kind = ErrorKind::invalid};
    const auto text_of = [&](const char *key) {
        const auto found = json.find(key);
        return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    ConfigErrors errors;
    const auto source = parse_socket_address(text_of("source"));
    if (!source)
        errors.push_back(
            wrong("/source", '"' + text_of("source") + '"', "ADDRESS:PORT such as 198.51.100.7:40000"));
    const auto destination = parse_vip(text_of("destination"));
    if (!destination || destination->port == 0)
        errors.push_back(wrong("/destination", '"' + text_of("destination") + '"',
                               "ADDRESS:PORT/PROTOCOL such as 203.0.113.10:443/tcp"));
    if (source && destination && source->address.is_v4() != destination->address.is_v4())
        errors.push_back(
            wrong("/source", to_string(source->address), "an address of the destination's family"));
    const auto syn = json.find("syn");
    if (syn != json.end() && !syn->is_boolean())
        errors.push_back(wrong("/syn", syn->dump(), "true or false"));
    for (const auto &item : json.items())
        if (item.key() != "source" && item.key() != "destination" && item.key() != "syn")
            errors.push_back({.where = "/" + item.key(),
                              .message = "unknown key; allowed: source, destination, syn",
                              .kind = ErrorKind::invalid});
    if (!errors.empty())
        return errors;

    aya_packet packet = {};
    std::memcpy(packet.flow.src, source->address.bytes.data(), sizeof(packet.flow.src));
    std::memcpy(packet.flow.dst, destination->address.bytes.data(), sizeof(packet.flow.dst));
    packet.flow.src_port = aya_cpu_to_be16(source->port);
    packet.flow.dst_port = aya_cpu_to_be16(destination->port);
    packet.flow.protocol = static_cast<u8>(destination->protocol);
    packet.flow.family = source->address.is_v4() ? AYA_IPV4 : AYA_IPV6;
    packet.kind = AYA_KIND_DATA;
    packet.l3_length = kSmallPacket;
    packet.ttl = kUsualTtl;
    if (destination->protocol == Protocol::tcp)
        packet.tcp_flags = syn == json.end() || syn->get<bool>() ? AYA_TCP_SYN : AYA_TCP_ACK;
    return packet;
}

OrderedJson explain(const Sink &tables, const aya_packet &packet)
{
    return Walk(tables, packet).answer();
}

} // namespace aya::api
