// SPDX-License-Identifier: BSD-2-Clause
#include "paths/refusals.hpp"
#include "api/views.hpp"
#include "common/address.hpp"
#include "common/clock.hpp"
#include "common/reasons.hpp"

#include <cstring>

namespace aya::api
{

OrderedJson refusals_view(const Scene &scene)
{
    const aya_name *names = scene.tables.slot(scene.tables.generation()).service_names;
    const u64 now = monotonic_ns();
    OrderedJson list = OrderedJson::array();
    for (const aya_refusal &refusal : read_refusals(scene.dataplane.counters())) {
        if (refusal.service >= scene.tables.capacities().services || refusal.reason >= AYA_REASON_COUNT)
            continue;
        IpAddress vip;
        std::memcpy(vip.bytes.data(), refusal.flow.dst, vip.bytes.size());
        const u64 age_ns = now > refusal.when_ns ? now - refusal.when_ns : 0;
        list.push_back({{"age_seconds", age_ns / 1'000'000'000},
                        {"service", names[refusal.service].text},
                        {"reason", kReasons[refusal.reason].name},
                        {"let_in", refusal.is_let_in != 0},
                        {"source", client_of(refusal)},
                        {"destination", to_string(VipKey{vip, aya_be16_to_cpu(refusal.flow.dst_port),
                                                         static_cast<Protocol>(refusal.flow.protocol)})}});
    }
    return {{"refusals", std::move(list)}};
}

} // namespace aya::api
