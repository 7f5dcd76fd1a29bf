/*
 * span.h - whether all bytes of a text are of a kind, sixteen at a time.
 *
 * For texts that are looked at for each request: a tenth of what a loop over the bytes takes. In
 * GCC's vector types, which become whatever instructions there are.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include "base/str.h"

typedef unsigned char span_bytes __attribute__((vector_size(16)));
typedef unsigned long long span_words __attribute__((vector_size(16)));

static inline bool span_any(span_bytes v)
{
    span_words w = (span_words)v;
    return (w[0] | w[1]) != 0;
}

/*
 * Defines `static bool NAME(struct str s)`: true if EXPR, in which v is a byte or sixteen of them,
 * is 0 for all. Of bytes EXPR compares; results of vectors are 0 or 0xFF each.
 */
#define SPAN_DEFINE(name, expr)                                                                    \
    static bool name(struct str s)                                                                 \
    {                                                                                              \
        span_bytes bad = {0};                                                                      \
        size_t i = 0;                                                                              \
        for (; s.n - i >= sizeof(span_bytes); i += sizeof(span_bytes)) {                           \
            span_bytes v;                                                                          \
            memcpy(&v, s.p + i, sizeof v);                                                         \
            bad |= (span_bytes)(expr);                                                             \
        }                                                                                          \
        if (i && i < s.n) { /* the last sixteen, some of them again */                             \
            span_bytes v;                                                                          \
            memcpy(&v, s.p + s.n - sizeof v, sizeof v);                                            \
            bad |= (span_bytes)(expr);                                                             \
        }                                                                                          \
        bool some = false;                                                                         \
        for (size_t k = 0; i == 0 && k < s.n; k++) {                                               \
            unsigned char v = (unsigned char)s.p[k];                                               \
            some |= (expr) != 0;                                                                   \
        }                                                                                          \
        return !some && !span_any(bad);                                                            \
    }

#endif
