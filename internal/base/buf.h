/*
 * buf.h - a growable byte buffer with a mandatory maximum.
 *
 * Appending past the maximum, or without memory, sets a flag that stays: append freely, check once
 * at the end. The bytes are on the heap, or in an arena when it was made with buf_in_arena (then
 * they live as long as the arena, and buf_free only forgets them). Thread rule: one at a time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/arena.h"
#include "base/str.h"

struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;
    struct arena *arena;
    char *room;    /* of the caller's, that p began in; NULL: none */
    bool failed;   /* something did not fit or memory was out; what is there is incomplete */
    bool overflow; /* it was the maximum */
};

/* max in bytes, at most SIZE_MAX/2. Allocates nothing yet. */
void buf_init(struct buf *b, size_t max);
void buf_in_arena(struct buf *b, struct arena *a, size_t max);
/* Begins in size bytes of the caller's, and moves to the heap when it outgrows them. */
void buf_over(struct buf *b, char *room, size_t size, size_t max);
void buf_free(struct buf *b);
/* Empties it and forgives a failure; keeps the memory. */
void buf_clear(struct buf *b);

void buf_add_slow(struct buf *b, const void *p, size_t n);
/* n in decimal. */
void buf_add_u64(struct buf *b, uint64_t n);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Makes room for n more bytes and returns where they go, uncounted; NULL on failure. */
char *buf_reserve(struct buf *b, size_t n);

static inline void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n <= b->cap - b->n && n && !b->failed) {
        memcpy(b->p + b->n, p, n);
        b->n += n;
    } else if (n) {
        buf_add_slow(b, p, n);
    }
}
static inline void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}
static inline void buf_add_byte(struct buf *b, char c)
{
    if (b->n < b->cap && !b->failed)
        b->p[b->n++] = c;
    else
        buf_add(b, &c, 1);
}
#define buf_add_lit(b, lit) buf_add((b), "" lit "", sizeof(lit) - 1)

static inline struct str buf_str(const struct buf *b)
{
    return str_of(b->p, b->n);
}
/* Ends the bytes with a NUL that is not counted; NULL on failure. */
const char *buf_c(struct buf *b);

static inline void buf_cleanup(struct buf *b)
{
    buf_free(b);
}
/* A local heap buffer that is freed when its scope ends. */
#define BUF_LOCAL(name, max_bytes)                                                                 \
    __attribute__((cleanup(buf_cleanup))) struct buf name;                                         \
    buf_init(&name, max_bytes)

#endif
