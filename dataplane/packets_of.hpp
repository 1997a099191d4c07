// SPDX-License-Identifier: BSD-2-Clause
//
// Masks of a burst, as lists of packets.
#pragma once

#include "aya/types.h"

namespace aya
{

// The packets of a mask, in the order in which they came.
class PacketsOf
{
public:
    struct End {
    };
    struct Iterator {
        u32 mask;
        u32 operator*() const { return static_cast<u32>(__builtin_ctz(mask)); }
        void operator++() { mask &= mask - 1; }
        bool operator!=(End) const { return mask != 0; }
    };
    explicit PacketsOf(u32 mask) : mask_(mask) {}
    Iterator begin() const { return {mask_}; }
    End end() const { return {}; }

private:
    u32 mask_;
};

inline PacketsOf packets_of(u32 mask)
{
    return PacketsOf(mask);
}

} // namespace aya
