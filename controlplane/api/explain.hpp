// SPDX-License-Identifier: BSD-2-Clause
// Where a packet would go, by the real decision on the live tables.
#pragma once

#include "api/views.hpp"
#include "aya/forward.h"
#include "common/result.hpp"
#include "config/parse.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace aya::api
{

struct Question {
    aya_packet packet;
    std::vector<std::uint8_t> quic_id; // of the packet; empty: it has none
};

// What is asked of POST /v1/explain. `text`: {"source": "198.51.100.7:40000", "destination":
// "203.0.113.10:443/tcp", "syn": true, "quic_id": "2f..."}.
Result<Question> read_question(std::string_view text);

// The answer of POST /v1/explain, from the live tables, which must have been published, and the flow tables.
OrderedJson explain(const Scene &scene, const Question &question);

} // namespace aya::api
