// SPDX-License-Identifier: BSD-2-Clause
// The kernel's table of neighbours has room for gc_thresh3 of a family, in all network namespaces together.
// Where more are needed they push each other out, and resolve in turns.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace aya::neighbours
{

// nullopt: not visible here, as in another namespace than the first one.
std::optional<std::size_t> neighbour_table_limit(int family);

// `refused`: the kernel had no room for one of them a moment ago.
std::optional<std::string> neighbour_table_warning(int family, std::size_t needed,
                                                   std::optional<std::size_t> limit, bool refused);

} // namespace aya::neighbours
