// SPDX-License-Identifier: BSD-2-Clause
// What everyone who makes a segment needs, be it a file or pinned maps.
#pragma once

#include "aya/shm.hpp"

#include <string>

namespace aya
{

// Tells one segment from every other; never 0, which means none. Throws SegmentError.
u64 random_identity();

std::string to_string(const Capacities &capacities); // "8 services, 64 backends, ..."

} // namespace aya
