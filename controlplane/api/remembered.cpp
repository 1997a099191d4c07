// SPDX-License-Identifier: BSD-2-Clause
#include "api/remembered.hpp"

#include <array>
#include <cstring>

namespace aya::api
{

std::vector<Remembered> find_remembered(const FlowTables &tables, u64 hash, u16 service, u16 now)
{
    std::vector<Remembered> found;
    for (const FlowTableView &table : tables.tables) {
        Remembered one{.port = table.port, .queue = table.queue};
        std::memcpy(&one.set, &table.sets[aya_flow_set_index(hash, table.set_mask)], sizeof(one.set));
        const aya_flow_entry *entry = aya_flow_locate(&one.set, hash, service);
        if (!entry)
            continue;
        one.entry = *entry;
        one.expires_seconds = std::int64_t{aya_flow_remaining(entry, now)} *
                              static_cast<std::int64_t>(AYA_TICK_NS) / 1'000'000'000;
        found.push_back(one);
    }
    return found;
}

std::string_view flow_state_name(u8 state)
{
    static constexpr std::array<std::string_view, 5> kNames = {"free", "embryonic", "closing", "established",
                                                               "datagram"};
    static_assert(kNames.size() == AYA_FLOW_DATAGRAM + 1);
    return state < kNames.size() ? kNames[state] : "unknown";
}

} // namespace aya::api
