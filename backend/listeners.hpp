// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "facts.hpp"

#include <vector>

namespace aya::backend
{

// Sockets of this network namespace that take connections or datagrams on one of the ports.
std::vector<Listener> read_listeners(const std::vector<Port> &ports);

} // namespace aya::backend
