// SPDX-License-Identifier: BSD-2-Clause
//
// Where tables are published to. The publisher writes through these pointers; a sink only knows how the
// arrays come to be mapped, how readers learn of a new generation, and when they have left the one before.
#pragma once

#include "aya/shm.hpp"

namespace aya
{

class Sink
{
public:
    virtual ~Sink() = default;
    virtual const Capacities &capacities() const = 0;
    virtual const TableSlot &slot(u64 generation) const = 0; // by its lowest bit
    virtual u32 *lookup() const = 0;                         // the arena
    virtual u64 generation() const = 0; // the live one; 0: nothing was written yet, both slots are zero

    // slot(generation) is about to be written. A reader that sees this while it reads that slot knows that it
    // was given up for dead, and that what it has read may be half of two generations.
    virtual void prepare(u64 generation) = 0;

    // Makes slot(generation) the live one. Everything written before is visible to every reader of it.
    virtual void flip(u64 generation) = 0;

    // True once no reader can still be reading a generation before the live one. Does not block.
    virtual bool quiescent() = 0;
};

} // namespace aya
