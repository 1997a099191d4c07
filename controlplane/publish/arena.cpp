// SPDX-License-Identifier: BSD-2-Clause
#include "publish/arena.hpp"

#include <iterator>

namespace aya
{

Arena::Arena(u32 slots)
{
    if (slots > 0)
        free_.emplace(0, slots);
}

std::optional<Span> Arena::allocate(u32 size)
{
    const u32 wanted = rounded(size);
    for (auto place = free_.begin(); place != free_.end(); ++place) {
        auto [offset, room] = *place;
        if (room < wanted)
            continue;
        free_.erase(place);
        if (room > wanted)
            free_.emplace(offset + wanted, room - wanted);
        return Span{offset, size};
    }
    return std::nullopt;
}

void Arena::release(Span span)
{
    u32 offset = span.offset;
    u32 size = rounded(span.size);
    auto after = free_.lower_bound(offset);
    if (after != free_.end() && after->first == offset + size) {
        size += after->second;
        after = free_.erase(after);
    }
    if (after != free_.begin()) {
        auto before = std::prev(after);
        if (before->first + before->second == offset) {
            before->second += size;
            return;
        }
    }
    free_.emplace(offset, size);
}

bool Arena::reserve(Span span)
{
    if (span.size == 0 || span.size > UINT32_MAX - kLine || span.offset % kLine != 0)
        return false;
    auto place = free_.upper_bound(span.offset);
    if (place == free_.begin())
        return false;
    --place;
    auto [offset, room] = *place;
    const u32 skipped = span.offset - offset;
    const u32 taken = rounded(span.size);
    if (room < skipped || room - skipped < taken)
        return false;
    free_.erase(place);
    if (skipped > 0)
        free_.emplace(offset, skipped);
    if (room - skipped > taken)
        free_.emplace(span.offset + taken, room - skipped - taken);
    return true;
}

u64 Arena::free_slots() const
{
    u64 sum = 0;
    for (const auto &[offset, size] : free_)
        sum += size;
    return sum;
}

} // namespace aya
