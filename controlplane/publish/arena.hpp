// SPDX-License-Identifier: BSD-2-Clause
// Spans of the lookup arena: first fit, neighbours that are free become one.
#pragma once

#include <map>
#include <optional>

#include "aya/types.h"

namespace aya
{

// Whole lines of kLine slots.
struct Span {
    u32 offset = 0;
    u32 size = 0; // slots in use; the span ends with the line that the last one is in

    bool operator==(const Span &) const = default;
};

class Arena
{
public:
    static constexpr u32 kLine = 16;

    // `slots`: a multiple of kLine.
    explicit Arena(u32 slots);

    // The lowest free place for `size` slots (more than 0); nullopt if there is none.
    std::optional<Span> allocate(u32 size);
    void release(Span span);

    // Takes this very place, which live tables use. False if it is not free, or not a place of the arena.
    bool reserve(Span span);

    u64 free_slots() const;

private:
    static u32 rounded(u32 size) { return (size + kLine - 1) / kLine * kLine; }

    std::map<u32, u32> free_; // offset -> size
};

} // namespace aya
