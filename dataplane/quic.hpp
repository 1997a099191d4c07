// SPDX-License-Identifier: BSD-2-Clause
// aya/quic.h, with AES by the processor's instructions where it has them.
#pragma once

#include "aya/aes.h"

#ifdef __x86_64__

#define AYA_AES_DEFINED
#include <wmmintrin.h>

namespace aya
{

inline const bool kHasAes = __builtin_cpu_supports("aes");

__attribute__((target("aes"))) inline __m128i load_key(const aya_aes_keys &keys, u32 round)
{
    return _mm_loadu_si128(reinterpret_cast<const __m128i *>(&keys.words[4 * round]));
}

__attribute__((target("aes"))) inline aya_block run_aes(const aya_aes_keys &keys, const aya_block &block,
                                                        bool decrypts)
{
    __m128i state = _mm_loadu_si128(reinterpret_cast<const __m128i *>(&block));
    state = _mm_xor_si128(state, load_key(keys, 0));
    for (u32 i = 1; i < AYA_AES_ROUNDS; i++) {
        const __m128i key = load_key(keys, i);
        state = decrypts ? _mm_aesdec_si128(state, key) : _mm_aesenc_si128(state, key);
    }
    const __m128i last = load_key(keys, AYA_AES_ROUNDS);
    state = decrypts ? _mm_aesdeclast_si128(state, last) : _mm_aesenclast_si128(state, last);
    aya_block done;
    _mm_storeu_si128(reinterpret_cast<__m128i *>(&done), state);
    return done;
}

} // namespace aya

AYA_INLINE struct aya_block aya_aes_crypt(const struct aya_aes_keys *keys, struct aya_block block,
                                          const int decrypts, struct aya_id_scratch *scratch)
{
    return AYA_LIKELY(aya::kHasAes) ? aya::run_aes(*keys, block, decrypts)
                                    : aya_aes_by_table(keys, block, decrypts, scratch);
}

#endif

#include "aya/quic.h"
