// SPDX-License-Identifier: BSD-2-Clause
//
// Log lines of the cold path, through DPDK's rte_log. Never called by a worker between packets.
#pragma once

#include <string>

#include "common/log_level.hpp"

namespace aya
{

// Sends our lines to stderr. DPDK's own lines go there only at level debug; else they are kept back, because
// what matters in them ends up in one line of ours.
void log_open(LogLevel level);

// libbpf and libxdp, which the AF_XDP driver brings along, print to stderr by themselves. Call once drivers
// are loaded: what they say is then treated as DPDK's lines are.
void log_catch_bpf_libraries();

// At level debug.
bool log_shows_drivers();

void log_line(LogLevel level, const std::string &text);

inline void log_debug(const std::string &text)
{
    log_line(LogLevel::debug, text);
}
inline void log_info(const std::string &text)
{
    log_line(LogLevel::info, text);
}
inline void log_warning(const std::string &text)
{
    log_line(LogLevel::warning, text);
}
inline void log_error(const std::string &text)
{
    log_line(LogLevel::error, text);
}

// What DPDK or a driver complained about first since the last call; empty: nothing. Says why a call of theirs
// failed where its return value does not.
std::string take_driver_complaint();

} // namespace aya
