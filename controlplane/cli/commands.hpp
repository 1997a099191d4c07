// SPDX-License-Identifier: BSD-2-Clause
// The commands, by what they are about. Each adds itself to the program.
#pragma once

#include "program.hpp"

namespace aya::ctl
{

void add_status_command(Program &program);
void add_service_commands(Program &program);
void add_backend_commands(Program &program);
void add_config_commands(Program &program);
void add_inspect_commands(Program &program); // explain, health, refusals, version
void add_quic_commands(Program &program);
void add_counters_command(Program &program);
void add_shell_commands(Program &program); // completion, man

// Tables that more than one command shows.
Table service_table(const Json &services);
Table backend_table(const Json &backends, bool with_service);
std::string status_text(const Json &status, bool colour);
// "+ service x", "- ...", "~ ...: weight 8 -> 4"; "no changes" if there are none.
std::string changes_text(const Json &changes, bool colour);

// "name=address[,weight=N][,mac=MAC][,state=STATE]" as the configuration writes a backend. Throws BadUsage.
Json parse_backend(const std::string &text);

// "; generation 17" if the answer carries one
std::string generation_note(const Json &answer);

} // namespace aya::ctl
