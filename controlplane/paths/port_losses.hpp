// SPDX-License-Identifier: BSD-2-Clause
// Packets that a port lost outside of AYA: in its driver, or in the kernel's interface.
#pragma once

#include "aya/shm.hpp"

#include <array>
#include <string_view>

namespace aya
{

struct LossCounts {
    u64 rx_missed = 0;
    u64 rx_no_buffer = 0;
    u64 rx_errors = 0;
    u64 tx_lost = 0;
    u64 interface_rx_dropped = 0;
    u64 interface_tx_dropped = 0;
};

// Where a row's count is shown: in the status under its name, in /metrics as aya_port_NAME_total.
struct LossCount {
    std::string_view name;
    u64 LossCounts::*count;
};

constexpr std::array<LossCount, 6> kLossCounts = {
    {{"rx_missed", &LossCounts::rx_missed},
     {"rx_no_buffer", &LossCounts::rx_no_buffer},
     {"rx_errors", &LossCounts::rx_errors},
     {"tx_lost", &LossCounts::tx_lost},
     {"interface_rx_dropped", &LossCounts::interface_rx_dropped},
     {"interface_tx_dropped", &LossCounts::interface_tx_dropped}}};

// Of the port's kernel interface, since that exists; 0 if it has none.
LossCounts interface_losses(const PortLine &port);

void add_driver_losses(LossCounts &counts, const PortLosses &driver);

} // namespace aya
