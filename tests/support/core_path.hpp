// SPDX-License-Identifier: BSD-2-Clause
//
// One packet through the whole decision and rewrite, in the order in which a data plane calls the contract.
#pragma once

#include <vector>

#include "aya/encap.h"
#include "aya/forward.h"
#include "aya/quic.h"
#include "aya/reply.h"
#include "aya/reset.h"
#include "bytes.hpp"

namespace aya::test
{

struct Outcome {
    aya_action action = AYA_ACTION_DROP;
    aya_reason reason = AYA_REASON_NONE;
    u8 notes = 0;
    u16 service = AYA_SERVICE_NONE;
    u32 backend = AYA_BACKEND_NONE;
    u16 egress_port = AYA_PORT_NONE;
    aya_packet packet{};
    Bytes out{}; // what leaves; empty unless FORWARD or REPLY

    u32 notes_without_new() const { return notes & ~AYA_NOTE_NEW; }
};

class CorePath
{
public:
    explicit CorePath(const aya_view *view, u32 sets = 1024) : view_(view), flows_(sets) {}

    Outcome run(const Bytes &frame) { return run(frame, frame.size()); }

    // `visible`: bytes of the frame that the first buffer holds.
    Outcome run(const Bytes &frame, std::size_t visible)
    {
        Outcome outcome;
        outcome.reason = aya_parse(begin_of(frame), begin_of(frame) + visible, static_cast<u32>(frame.size()),
                                   &outcome.packet);
        u64 hash = 0;
        if (outcome.reason == AYA_REASON_NONE)
            outcome.reason = aya_classify(view_, &outcome.packet, &outcome.service);
        else
            outcome.reason = aya_punt_reason(view_, &outcome.packet, outcome.reason);
        if (outcome.reason == AYA_REASON_NONE)
            hash = choose(outcome, slice(frame, 0, visible));
        outcome.action = aya_action_of(outcome.reason);
        if (outcome.action == AYA_ACTION_FORWARD || outcome.action == AYA_ACTION_REPLY)
            write(outcome, slice(frame, 0, visible), hash);
        return outcome;
    }

    // The flow entry of a packet, live or not, or nullptr.
    aya_flow_entry *entry_of(const Bytes &frame)
    {
        aya_packet packet;
        u16 service = 0;
        if (aya_parse(frame.data(), frame.data() + frame.size(), static_cast<u32>(frame.size()), &packet) ||
            aya_classify(view_, &packet, &service))
            return nullptr;
        const u64 hash = aya_flow_hash(view_->settings, &packet);
        for (aya_flow_entry &way : set_of(hash)->way)
            if (aya_flow_matches(&way, hash, aya_flow_service(&packet, service)))
                return &way;
        return nullptr;
    }

    aya_flow_set *set_of(u64 hash)
    {
        return &flows_[aya_flow_set_index(hash, static_cast<u32>(flows_.size() - 1))];
    }
    std::vector<aya_flow_set> &flows() { return flows_; }
    std::vector<aya_flow_set> &sibling_flows() { return sibling_flows_; } // another queue's; may be empty
    const std::vector<aya_flow_set> &flows() const { return flows_; }

    u16 now = 1000;
    u64 borrowed_count = 0; // packets that followed an entry of the sibling

private:
    // Of `frame` only as much as a shell could read.
    u64 choose(Outcome &outcome, const Bytes &frame)
    {
        const u64 hash = aya_flow_hash(view_->settings, &outcome.packet);
        aya_flow_set *set = set_of(hash);
        aya_flow_entry *entry =
            aya_flow_locate(set, hash, aya_flow_service(&outcome.packet, outcome.service));
        aya_flow_entry borrowed;
        if (!entry && !sibling_flows_.empty() && aya_may_be_elsewhere(&outcome.packet) &&
            aya_flow_borrow(
                view_, &sibling_flows_[aya_flow_set_index(hash, static_cast<u32>(sibling_flows_.size() - 1))],
                hash, outcome.service, &borrowed)) {
            entry = &borrowed;
            borrowed_count++;
        }
        aya_verdict verdict;
        if (aya_may_have_id(aya_view_service(view_, outcome.service), &outcome.packet))
            aya_choose_by_id(view_, &outcome.packet, frame.data(), frame.data() + frame.size(),
                             outcome.service, hash, set, entry, now, &verdict);
        else
            aya_choose(view_, &outcome.packet, outcome.service, hash, set, entry, now, &verdict);
        outcome.reason = static_cast<aya_reason>(verdict.reason);
        outcome.notes = verdict.notes;
        outcome.service = verdict.service;
        outcome.backend = verdict.backend_id;
        backend_ = verdict.backend;
        if (backend_)
            outcome.egress_port = backend_->egress_port;
        if (verdict.action == AYA_ACTION_FORWARD && outcome.packet.kind == AYA_KIND_FRAGMENT_FIRST) {
            const u64 fragment_hash = aya_hash_fragment(&view_->settings->hash_key, &outcome.packet);
            aya_remember_fragment(view_, set_of(fragment_hash), fragment_hash, now, &verdict);
        }
        return hash;
    }

    void write(Outcome &outcome, Bytes frame, u64 hash)
    {
        const aya_packet &packet = outcome.packet;
        const bool is_reset = aya_is_reset(outcome.reason);
        const bool is_error =
            outcome.action == AYA_ACTION_REPLY && outcome.reason != AYA_REASON_REPLY_ECHO && !is_reset;
        std::size_t room = 0;
        if (is_error) {
            frame.resize(std::min<std::size_t>(frame.size(), packet.l3_offset + aya_reply_quote(&packet)));
            room = aya_reply_room(&packet);
        } else if (is_reset) {
            frame.resize(packet.l3_offset + aya_reset_length(&packet));
        } else if (outcome.reason == AYA_REASON_NONE) {
            room = backend_->outer_length;
        }
        // A block of exactly these bytes, so that AddressSanitizer sees a step beyond either end.
        Bytes out(room, 0xee);
        append(out, frame);
        out.shrink_to_fit();
        u8 *begin = out.data(), *end = begin + out.size();
        aya_reason reason;
        if (outcome.reason == AYA_REASON_NONE)
            reason = aya_encap(begin, end, &packet, backend_, aya_view_tunnel(view_, outcome.backend), hash);
        else if (is_error)
            reason = aya_reply_error(begin, end, &packet, outcome.reason, backend_->mtu);
        else if (is_reset)
            reason = aya_reply_reset(begin, end, &packet, outcome.reason);
        else
            reason = aya_reply_echo(begin, end, &packet);
        if (reason != AYA_REASON_NONE) {
            outcome.reason = reason;
            outcome.action = aya_action_of(reason);
        }
        if (outcome.action != AYA_ACTION_DROP)
            outcome.out = std::move(out);
    }

    const aya_view *view_;
    std::vector<aya_flow_set> flows_;
    std::vector<aya_flow_set> sibling_flows_;
    const aya_backend *backend_ = nullptr;
};

} // namespace aya::test
