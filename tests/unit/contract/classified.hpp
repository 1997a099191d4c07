// SPDX-License-Identifier: BSD-2-Clause
//
// What is said of a packet before its flow is looked at.
#pragma once

#include "aya/forward.h"
#include "packet_builder.hpp"
#include "table_builder.hpp"

namespace aya::test
{

struct Classified {
    aya_reason reason;
    u16 service;
};

inline Classified classify(const Tables &tables, const Bytes &frame)
{
    aya_packet packet;
    Classified got{
        aya_parse(frame.data(), frame.data() + frame.size(), static_cast<u32>(frame.size()), &packet),
        AYA_SERVICE_NONE};
    if (got.reason == AYA_REASON_NONE)
        got.reason = aya_classify(tables.view(), &packet, &got.service);
    else
        got.reason = aya_punt_reason(tables.view(), &packet, got.reason);
    return got;
}

inline Classified classify(const Tables &tables, const Packet &sent)
{
    return classify(tables, sent.build());
}

} // namespace aya::test
