// SPDX-License-Identifier: BSD-2-Clause
// Connection ids for the operator of a QUIC server.
#pragma once

#include "config/parse.hpp"

#include <string_view>

namespace aya::api
{

// The answer of POST /v1/services/{service}/backends/{backend}/quic_ids. `text`: {"config_id": 1, "count": 8,
// "nonce": "ee080dbf"}, of which all may be absent. No key is in it.
Result<OrderedJson> quic_ids(const ServiceConfig &service, const BackendConfig &backend,
                             std::string_view text);

} // namespace aya::api
