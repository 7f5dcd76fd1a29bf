/*
 * span.h - what kinds of bytes there are in a text, sixteen at a time.
 *
 * For texts that are looked at for each request: a tenth of what a loop over the bytes takes. In
 * GCC's vector types, which become whatever instructions there are. Nothing beyond a text is read.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/str.h"

#define SPAN 16

typedef unsigned char span_bytes __attribute__((vector_size(SPAN)));
typedef signed char span_signed __attribute__((vector_size(SPAN)));
typedef uint64_t span_words __attribute__((vector_size(SPAN)));

/* Of a vector whose bytes are 0 or 0xFF: a bit for each, the lowest for the first. */
static inline unsigned span_mask(span_bytes v)
{
#ifdef __SSE2__
    return (unsigned)_mm_movemask_epi8((__m128i)v);
#else
    unsigned mask = 0;
    for (unsigned i = 0; i < SPAN; i++)
        mask |= (v[i] & 1u) << i;
    return mask;
#endif
}

static inline span_bytes span_load(const char *p)
{
    span_bytes v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* All bytes of a text of 1 to 16, some of them more than once, in no certain order. */
static inline span_bytes span_short(const char *p, size_t n)
{
    uint64_t a, b;
    if (n >= 8) {
        memcpy(&a, p, 8);
        memcpy(&b, p + n - 8, 8);
    } else if (n >= 4) {
        uint32_t from, to;
        memcpy(&from, p, 4);
        memcpy(&to, p + n - 4, 4);
        a = b = (uint64_t)from << 32 | to;
    } else {
        const unsigned char *u = (const unsigned char *)p;
        uint32_t three = (uint32_t)u[0] << 16 | (uint32_t)u[n / 2] << 8 | u[n - 1];
        a = b = (three | (uint64_t)u[0] << 24) * 0x100000001u;
    }
    return (span_bytes)(span_words){a, b};
}

/* Sixteen bytes, of which the lowest is at `from` in a text; `of` has the bits of those that were
   asked for. The others are any. */
struct span_block {
    span_bytes v;
    size_t from;
    unsigned of;
};

/* The bytes of s from at (less than s.n) on, sixteen or what is left. */
static inline struct span_block span_block(struct str s, size_t at)
{
    size_t left = s.n - at;
    if (left >= SPAN)
        return (struct span_block){span_load(s.p + at), at, 0xFFFF};
    if (s.n >= SPAN)
        return (struct span_block){span_load(s.p + s.n - SPAN), s.n - SPAN,
                                   0xFFFFu << (SPAN - left) & 0xFFFF};
    uint64_t a = htobe64(str_word(str_of(s.p + at, left)));
    uint64_t b = left > 8 ? htobe64(str_word(str_of(s.p + at + 8, left - 8))) : 0;
    return (struct span_block){(span_bytes)(span_words){a, b}, at, (1u << left) - 1};
}

/* Of each byte of a vector, as 0 or 0xFF: is it c, is it from lo to hi? */
#define SPAN_IS(v, c)      ((span_bytes)((v) == (unsigned char)(c)))
#define SPAN_IN(v, lo, hi) ((span_bytes)((v) - (unsigned char)(lo) <= (unsigned char)((hi) - (lo))))

/*
 * Defines `static bool NAME(struct str s)`: true if EXPR, in which v is sixteen bytes, is 0 for
 * all. Of bytes EXPR compares; the results are 0 or 0xFF each.
 */
#define SPAN_DEFINE(name, expr)                                                                    \
    static inline span_bytes name##_at(span_bytes v)                                               \
    {                                                                                              \
        return (span_bytes)(expr);                                                                 \
    }                                                                                              \
    static bool name(struct str s)                                                                 \
    {                                                                                              \
        if (s.n <= SPAN)                                                                           \
            return s.n == 0 || span_mask(name##_at(span_short(s.p, s.n))) == 0;                    \
        span_bytes bad = name##_at(span_load(s.p + s.n - SPAN));                                   \
        for (size_t i = 0; i + SPAN < s.n; i += SPAN)                                              \
            bad |= name##_at(span_load(s.p + i));                                                  \
        return span_mask(bad) == 0;                                                                \
    }

#endif
