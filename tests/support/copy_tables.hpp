// SPDX-License-Identifier: BSD-2-Clause
// A test's tables into a slot, with the lookup table at the start of the arena. Nothing is flipped.
#pragma once

#include <algorithm>

#include "aya/shm.hpp"

namespace aya::test
{

inline void copy_tables(const aya_view &from, const TableSlot &to, u32 *lookup)
{
    *to.settings = *from.settings;
#define AYA_X(table, entry, per) std::copy_n(from.table, from.per##_count, to.table);
    AYA_PACKET_TABLES(AYA_X)
#undef AYA_X
    std::copy_n(from.lookup, from.lookup_count, lookup);
}

} // namespace aya::test
