// SPDX-License-Identifier: BSD-2-Clause
//
// The C subset that the whole contract is written in: C11, C++20 and BPF C.
// The only language #ifdef of the contract is in this file.
#ifndef AYA_TYPES_H
#define AYA_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

// Integers in network byte order, as in a packet. A struct, so that the compiler refuses to mix them with
// host-order integers.
typedef struct {
    u16 raw;
} be16;

typedef struct {
    u32 raw;
} be32;

#ifdef __cplusplus
#define AYA_STATIC_ASSERT(cond, text) static_assert(cond, text)
#define AYA_ALIGNED(n)                alignas(n)
#else
#define AYA_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#define AYA_ALIGNED(n)                _Alignas(n)
#endif

#define AYA_INLINE static inline __attribute__((always_inline, unused))
// For what few packets reach: out of line, so that it costs the others nothing.
#define AYA_COLD        static __attribute__((noinline, unused))
#define AYA_LIKELY(x)   __builtin_expect(!!(x), 1)
#define AYA_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define AYA_CACHE_LINE 64

// Copies `size` bytes, a constant, between unaligned addresses. Kernels that run BPF load and store words at
// any address, but clang does not rely on that and would copy byte by byte.
AYA_INLINE void aya_copy(void *to, const void *from, const u32 size)
{
#ifdef __bpf__
    u8 *t = (u8 *)to;
    const u8 *f = (const u8 *)from;
    u32 i = 0;
    for (; i + 8 <= size; i += 8)
        *(u64 *)(t + i) = *(const u64 *)(f + i);
    if (size & 4) {
        *(u32 *)(t + i) = *(const u32 *)(f + i);
        i += 4;
    }
    if (size & 2) {
        *(u16 *)(t + i) = *(const u16 *)(f + i);
        i += 2;
    }
    if (size & 1)
        t[i] = f[i];
#else
    __builtin_memcpy(to, from, size);
#endif
}

// Loads and stores a word, in host order, at an unaligned address.
AYA_INLINE u32 aya_load_u32(const void *from)
{
    u32 word;
    aya_copy(&word, from, sizeof(word));
    return word;
}

AYA_INLINE void aya_store_u32(void *to, u32 value)
{
#ifdef __bpf__
    *(u32 *)to = value;
#else
    __builtin_memcpy(to, &value, sizeof(value));
#endif
}

AYA_INLINE void aya_store_u64(void *to, u64 value)
{
#ifdef __bpf__
    *(u64 *)to = value;
#else
    __builtin_memcpy(to, &value, sizeof(value));
#endif
}

// Adds to a number that another process may add to at the same time.
AYA_INLINE void aya_add_u32(u32 *to, u32 value)
{
    (void)__sync_fetch_and_add(to, value); // the form that every BPF instruction set has
}

AYA_INLINE void aya_add_u64(u64 *to, u64 value)
{
    (void)__sync_fetch_and_add(to, value);
}

// Loads and stores a number that others may change at the same time, without any order. BPF has no atomic
// loads; there a volatile one is a single instruction.
AYA_INLINE u64 aya_peek_u64(const u64 *from)
{
#ifdef __bpf__
    return *(const volatile u64 *)from;
#else
    return __atomic_load_n(from, __ATOMIC_RELAXED);
#endif
}

AYA_INLINE void aya_poke_u64(u64 *to, u64 value)
{
#ifdef __bpf__
    *(volatile u64 *)to = value;
#else
    __atomic_store_n(to, value, __ATOMIC_RELAXED);
#endif
}

// Keeps the compiler from seeing through `x`, where it would turn arithmetic that avoids a branch back into
// one.
#define AYA_OPAQUE(x) __asm__("" : "+r"(x))

AYA_STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tables are little-endian host order");

AYA_INLINE u16 aya_be16_to_cpu(be16 v)
{
    return __builtin_bswap16(v.raw);
}

AYA_INLINE u32 aya_be32_to_cpu(be32 v)
{
    return __builtin_bswap32(v.raw);
}

// The same by address: clang 14 loads a structure that is passed by value byte by byte.
AYA_INLINE u16 aya_read_be16(const be16 *v)
{
    return __builtin_bswap16(v->raw);
}

AYA_INLINE be16 aya_cpu_to_be16(u16 v)
{
    be16 r = {__builtin_bswap16(v)};
    return r;
}

AYA_INLINE be32 aya_cpu_to_be32(u32 v)
{
    be32 r = {__builtin_bswap32(v)};
    return r;
}

#endif
