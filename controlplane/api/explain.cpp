// SPDX-License-Identifier: BSD-2-Clause
#include "api/explain.hpp"

#include "api/remembered.hpp"
#include "api/views.hpp"
#include "aya/quic.h"
#include "common/address.hpp"
#include "common/clock.hpp"
#include "common/reasons.hpp"
#include "config/quic_lb.hpp"
#include "model/source_set.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace aya::api
{

namespace
{

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

std::string mac_at(const u8 *bytes)
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

constexpr std::size_t kLeftOutShown = 8; // backends without new flows

// One question, one walk down the steps of the decision.
class Walk
{
public:
    Walk(const Scene &scene, const Question &question)
        : reconciler_(scene.reconciler), slot_(scene.tables.slot(scene.tables.generation())),
          path_(scene.dataplane), packet_(question.packet), quic_id_(question.quic_id),
          view_(view_of(slot_, scene.tables.lookup(), scene.tables.capacities()))
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
            step("vip", kReasons[verdict_.reason].help);
            return finish(nullptr);
        }
        vip_step(service_id);
        hash_step(service_id);
        if (aya_may_have_id(&view_.services[service_id], &packet_))
            id_step(service_id);
        decide(service_id);
        lists_step(slot_.service_names[service_id].text);
        if (verdict_.reason == AYA_REASON_DENIED)
            return finish(slot_.service_names[service_id].text);
        if (!(view_.services[service_id].flags & AYA_SERVICE_STATELESS))
            flow_step();
        if (!follows_ && named_ == AYA_BACKEND_NONE && verdict_.reason != AYA_REASON_REPLY_BACKEND_DOWN)
            choice_step(service_id);
        if (verdict_.backend && verdict_.reason == AYA_REASON_NONE && !is_drawn_)
            encap_step(*verdict_.backend);
        health_step(slot_.service_names[service_id].text);
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
        const char *name = slot_.service_names[service_id].text;
        const VipKey asked{address_of(flow.dst), aya_be16_to_cpu(flow.dst_port),
                           static_cast<Protocol>(flow.protocol)};
        // The configuration may be ahead of the tables.
        const ServiceConfig *service = find_service(reconciler_.config().services, name);
        const VipKey *vip = service ? find_vip(*service, asked.address, asked.port, asked.protocol) : nullptr;
        const bool is_wide = vip && !vip->is_exact();
        step("vip", to_string(asked) + (is_wide ? " is in " + to_string(*vip) + ", a" : " is a") +
                        " VIP of service " + name + " (id " + std::to_string(service_id) + ")");
    }

    void hash_step(u16 service_id)
    {
        const aya_service &service = view_.services[service_id];
        hash_ = aya_flow_hash(view_.settings, &packet_);
        pick_ = aya_pick_hash(view_.settings, &service, &packet_, hash_);
        std::string text = "5-tuple " + hex(hash_);
        if (service.flags & AYA_SERVICE_AFFINITY_SOURCE)
            text += "; selected without the client's port, " + hex(pick_);
        step("hash", text);
    }

    void id_step(u16 service_id)
    {
        u8 notes = 0;
        aya_id_scratch scratch = {};
        std::copy(quic_id_.begin(), quic_id_.end(), scratch.id);
        named_ = aya_quic_search(&view_, service_id, &scratch, static_cast<u32>(quic_id_.size()), &notes);
        const std::string goes_by_flow = "; the packet goes by its flow";
        const u32 config_id = scratch.id[0] >> 5;
        const aya_quic_config &config = view_.quics[service_id].configs[config_id];
        if (quic_id_.empty())
            step("connection id", "none is given" + goes_by_flow);
        else if (config_id == AYA_QUIC_UNROUTABLE)
            step("connection id", "config id 7, which names no server" + goes_by_flow);
        else if (config.form == AYA_QUIC_NONE)
            step("connection id", "config id " + std::to_string(config_id) +
                                      ", of which the service has no configuration" + goes_by_flow);
        else if (notes & AYA_NOTE_QUIC_NO_CONFIG)
            step("connection id", "of " + std::to_string(quic_id_.size()) + " octets; config id " +
                                      std::to_string(config_id) + " needs " +
                                      std::to_string(1 + config.length) + goes_by_flow);
        else
            step("connection id", "config id " + std::to_string(config_id) + ", server id " +
                                      server_id_text(config, scratch) +
                                      (named_ == AYA_BACKEND_NONE ? " of no live backend" + goes_by_flow
                                                                  : ": backend " + backend_name(named_)));
    }

    static std::string server_id_text(const aya_quic_config &config, aya_id_scratch &scratch)
    {
        const aya_block found = aya_quic_server_id(&config, &scratch);
        std::array<u8, sizeof(found)> octets;
        std::memcpy(octets.data(), &found, sizeof(found));
        return hex_of(std::span(octets).last(config.server_id_length));
    }

    // By the first queue that remembers the flow; none may, and seldom more than one does.
    void decide(u16 service_id)
    {
        const aya_service &service = view_.services[service_id];
        const u16 now = aya_tick(monotonic_ns());
        if (service.flags & AYA_SERVICE_STATELESS) {
            step("flow table", "the service is stateless: nothing is remembered");
        } else {
            flows_ = path_.flow_tables();
            remembered_ = find_remembered(flows_, hash_, aya_flow_service(&packet_, service_id), now);
        }
        if (named_ != AYA_BACKEND_NONE) {
            aya_follow_id(&view_, &packet_, service_id, hash_, nullptr, nullptr, now, named_, &verdict_);
            return;
        }
        aya_flow_set empty = {}; // a flow that is not remembered finds room
        aya_flow_set *set = &empty;
        if (!remembered_.empty()) {
            set = &remembered_.front().set;
            aya_flow_entry entry = remembered_.front().entry;
            aya_verdict unused = {};
            follows_ = aya_follow(&view_, &service, service_id, &packet_, &entry,
                                  aya_view_backend(&view_, entry.backend), now, &unused);
        }
        aya_choose(&view_, &packet_, service_id, hash_, set, nullptr, now, &verdict_);
        is_drawn_ = !follows_ && verdict_.backend && aya_may_draw(&service, &packet_);
    }

    // Which prefix of which list decided.
    void lists_step(std::string_view name)
    {
        const Config &config = reconciler_.config();
        const ServiceConfig *service = find_service(config.services, name);
        if (!service || (service->allow.empty() && service->deny.empty()))
            return;
        const SourceRule rule = find_rule(config.lists, *service, address_of(packet_.flow.src));
        const char *verb = !rule.refuses                             ? "let in"
                           : service->guard_mode == GuardMode::count ? "would be refused (guard_mode count)"
                                                                     : "refused";
        step("lists", (rule.list ? to_string(rule.prefix) + " of list " + rule.list->name + ": "
                                 : std::string("the client is in no list of the service: ")) +
                          verb);
    }

    void flow_step()
    {
        for (const Remembered &one : remembered_)
            step("flow table", remembered_text(one));
        if (verdict_.reason == AYA_REASON_REPLY_BACKEND_DOWN)
            step("flow table",
                 "that backend is down or gone, and the service resets its connections (on_down)");
        else if (!remembered_.empty() && !follows_ && named_ == AYA_BACKEND_NONE)
            step("flow table", verdict_.notes & AYA_NOTE_RESCHEDULED
                                   ? "that backend is down or was replaced, so the flow is scheduled again"
                                   : "this packet begins a new flow, which is scheduled");
        if (remembered_.empty() && !flows_.tables.empty())
            step("flow table", "not remembered; queues searched: " + std::to_string(flows_.tables.size()));
        if (flows_.tables.empty() && flows_.errors.empty())
            step("flow table", "cannot be read: no data plane has run");
        for (const std::string &error : flows_.errors)
            step("flow table", "cannot be read: " + error);
    }

    std::string remembered_text(const Remembered &one) const
    {
        const std::string expiry = one.expires_seconds > 0
                                       ? "expires in " + std::to_string(one.expires_seconds) + " s"
                                       : "expired, not yet removed";
        return "port " + std::to_string(one.port) + " queue " + std::to_string(one.queue) +
               ": remembered: backend " + backend_name(one.entry.backend) + ", " + expiry + ", state " +
               std::string(flow_state_name(one.entry.state));
    }

    void choice_step(u16 service_id)
    {
        const aya_service &service = view_.services[service_id];
        if (is_drawn_) {
            draw_step(service_id);
            return;
        }
        if (verdict_.notes & AYA_NOTE_PREVIOUS) {
            step("previous table", slot_text(service.previous_offset, service.previous_size) +
                                       "; not a SYN and not remembered, so the previous table decides");
            return;
        }
        if (remembered_.empty() && aya_has_previous(&service) && packet_.flow.protocol == AYA_PROTO_TCP &&
            !aya_opens(&packet_))
            step("previous table", "its backend, " +
                                       slot_text(service.previous_offset, service.previous_size) +
                                       ", is no longer alive");
        step("lookup table", service.lookup_size ? slot_text(service.lookup_offset, service.lookup_size)
                                                 : "empty: the service has no backend for new flows");
        if (std::string text = left_out_text(service_id); !text.empty())
            step("backends", std::move(text));
    }

    // Each worker draws for itself, so what the next one will draw is not to be known here.
    void draw_step(u16 service_id)
    {
        step("scheduler",
             "each worker draws the backend of a new flow for itself; if it has no place for the "
             "flow's entry, " +
                 slot_text(view_.services[service_id].lookup_offset, view_.services[service_id].lookup_size) +
                 ", by the hash");
        if (std::string text = left_out_text(service_id); !text.empty())
            step("backends", std::move(text));
    }

    // Who is not in the lookup table, and why.
    std::string left_out_text(u16 service_id) const
    {
        const ServiceImage *image = reconciler_.find_image(slot_.service_names[service_id].text);
        std::string text;
        std::size_t count = 0;
        for (std::size_t i = 0; image && i < image->backends.size(); i++) {
            const BackendImage &backend = image->backends[i];
            if (backend.slots == 0 && ++count <= kLeftOutShown)
                text += (text.empty() ? "" : ", ") + backend.name + " (" + backend.reason + ")";
        }
        if (count > kLeftOutShown)
            text += " and " + std::to_string(count - kLeftOutShown) + " more";
        return text.empty() ? text : "no new flows for " + text;
    }

    void health_step(std::string_view name)
    {
        const ServiceConfig *service = find_service(reconciler_.config().services, name);
        const std::string_view proves = service ? health_proves(service->health) : "";
        if (proves == "host")
            step("health", "probes of type icmp prove only that the host is there, not that it serves");
        else if (!proves.empty())
            step("health",
                 "probes of type udp without expected_answer prove only that the port is not closed, "
                 "not that the host is there");
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
        const aya_tunnel &tunnel = slot_.tunnels[verdict_.backend_id];
        std::string text;
        if (const EncapRow *row = encap_of(backend)) {
            text = row->name;
            if (row->has_tunnel())
                text += ", " + row->header_text(backend, tunnel, packet_, hash_);
            text += row->has_tunnel() ? "; " : ", ";
        }
        text += "destination MAC " + mac_at(backend.macs) + ", source MAC " + mac_at(backend.macs + 6) +
                ", data plane port " + std::to_string(backend.egress_port);
        step("encapsulate", text + "; packets up to " + std::to_string(backend.mtu) + " bytes fit");
    }

    OrderedJson finish(const char *service)
    {
        if (service)
            step("verdict", kReasons[verdict_.reason].help);
        const bool chosen = verdict_.backend && verdict_.backend_id < view_.backend_count && !is_drawn_;
        return {
            {"steps", std::move(steps_)},
            {"action", action_name(verdict_.action)},
            {"reason", kReasons[verdict_.reason].name},
            {"service", service ? OrderedJson(service) : OrderedJson()},
            {"backend", chosen ? OrderedJson(slot_.backend_names[verdict_.backend_id].text) : OrderedJson()},
            {"remembered", remembered_list()}};
    }

    // null: nothing is known, since no table can be read.
    OrderedJson remembered_list() const
    {
        if (flows_.tables.empty())
            return nullptr;
        OrderedJson list = OrderedJson::array();
        for (const Remembered &one : remembered_)
            list.push_back(
                {{"port", one.port},
                 {"queue", one.queue},
                 {"backend",
                  one.entry.backend < view_.backend_count ? slot_.backend_names[one.entry.backend].text : ""},
                 {"state", flow_state_name(one.entry.state)},
                 {"expires_seconds", one.expires_seconds}});
        return list;
    }

    const Reconciler &reconciler_;
    const TableSlot &slot_;
    const ForwardingPath &path_;
    const aya_packet &packet_;
    const Octets &quic_id_;
    aya_view view_;
    aya_verdict verdict_{};
    u64 hash_ = 0;
    u64 pick_ = 0;
    FlowTables flows_;
    std::vector<Remembered> remembered_;
    u32 named_ = AYA_BACKEND_NONE; // by the connection id
    bool follows_ = false;         // what is remembered decides, and nothing is scheduled
    bool is_drawn_ = false;        // a worker draws the backend, and which one is not known
    OrderedJson steps_ = OrderedJson::array();
};

} // namespace

OrderedJson explain(const Scene &scene, const Question &question)
{
    return Walk(scene, question).answer();
}

} // namespace aya::api
