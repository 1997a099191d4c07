// SPDX-License-Identifier: BSD-2-Clause
//
// The Internet checksum. All sums are of 16-bit words in packet byte order, whatever the byte order of the
// host.
#ifndef AYA_CHECKSUM_H
#define AYA_CHECKSUM_H

#include "aya/types.h"

// RFC 1071. `sum` of at most 2^16 words. Both halves are added to each other; the carry of the lower sum goes
// into the upper one, which is then the sum with its end-around carry.
AYA_INLINE u16 aya_checksum_fold(u32 sum)
{
    return (u16)(~(sum + (sum << 16 | sum >> 16)) >> 16);
}

// RFC 1624 eqn. 3: the checksum after one 16-bit word changed; all in the byte order of the packet.
AYA_INLINE u16 aya_checksum_update(u16 checksum, u16 from, u16 to)
{
    return aya_checksum_fold((u32)(u16)~checksum + (u16)~from + to);
}

AYA_INLINE u16 aya_word(u8 first, u8 second)
{
    return (u16)(first | (second << 8));
}

// The 32-bit word in two raw halves, for a checksum.
AYA_INLINE u32 aya_sum_be32(be32 word)
{
    return (word.raw & 0xffff) + (word.raw >> 16);
}

#endif
