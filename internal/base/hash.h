/*
 * hash.h - a fast 64-bit hash for tables in memory.
 *
 * Not for secrets and not stored: it may change from release to release. Only what operators wrote
 * is put into tables; what a client sends is only looked up, so a client cannot build collisions.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

/* Of s, chained on seed. Reads eight bytes at a time; about a nanosecond for a MAC. */
uint64_t hash_bytes(struct str s, uint64_t seed);

/* Of two hashes, order matters. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __uint128_t m = (__uint128_t)(a ^ 0x9E3779B97F4A7C15u) * (b ^ 0xC2B2AE3D27D4EB4Fu);
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

#endif
