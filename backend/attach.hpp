// SPDX-License-Identifier: BSD-2-Clause
// A loaded decapsulation program into force on an interface, and off again.
#pragma once

#include <string>

namespace aya::backend
{

// At once, without a gap if an older one of ours is there. Throw Error.
void attach_tc(int program, int link, const std::string &interface);
void attach_xdp(int program, const std::string &bpf_dir, int link, const std::string &interface);

// Makes clsact on the interface; one that is there is fine. Throws Error.
void create_clsact(int link, const std::string &interface);

// All give 0 or an errno value; what is not there is no error.
int remove_clsact(int link);
int detach_tc(int link);
int detach_xdp(const std::string &bpf_dir, int link);

} // namespace aya::backend
