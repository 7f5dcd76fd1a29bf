#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/always.h"

void buf_init(struct buf *b, size_t max)
{
    always(max <= SIZE_MAX / 2);
    *b = (struct buf){.max = max};
}

void buf_in_arena(struct buf *b, struct arena *a, size_t max)
{
    buf_init(b, max);
    b->arena = a;
}

void buf_over(struct buf *b, char *room, size_t size, size_t max)
{
    buf_init(b, max);
    b->p = room;
    b->room = room;
    b->cap = size < max ? size : max;
}

void buf_free(struct buf *b)
{
    if (!b->arena && b->p != b->room)
        free(b->p);
    *b = (struct buf){.max = b->max, .arena = b->arena};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
    b->overflow = false;
}

static void fail(struct buf *b, bool overflow)
{
    b->failed = true;
    b->overflow = b->overflow || overflow;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (n > b->max || b->n > b->max - n) {
        fail(b, true);
        return NULL;
    }
    size_t need = b->n + n;
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 128;
        if (cap < need)
            cap = need;
        if (cap > b->max)
            cap = b->max;
        char *p = b->arena ? arena_grow(b->arena, b->p, b->cap, cap)
                           : realloc(b->p == b->room ? NULL : b->p, cap);
        if (p && b->room && b->p == b->room)
            memcpy(p, b->room, b->n);
        if (!p) {
            fail(b, false);
            return NULL;
        }
        b->p = p;
        b->cap = cap;
    }
    return b->p + b->n;
}

void buf_add_slow(struct buf *b, const void *p, size_t n)
{
    char *at = buf_reserve(b, n);
    if (!at)
        return;
    memcpy(at, p, n);
    b->n += n;
}

void buf_add_u64(struct buf *b, uint64_t n)
{
    char digits[20];
    buf_add(b, digits, (size_t)(str_put_u64(digits, n) - digits));
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    char small[256];
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    if (n < 0) {
        fail(b, false);
    } else if ((size_t)n < sizeof small) {
        buf_add(b, small, (size_t)n);
    } else {
        char *big = malloc((size_t)n + 1);
        if (big) {
            vsnprintf(big, (size_t)n + 1, fmt, again);
            buf_add(b, big, (size_t)n);
        } else {
            fail(b, false);
        }
        free(big);
    }
    va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(b, fmt, ap);
    va_end(ap);
}

const char *buf_c(struct buf *b)
{
    /* The NUL is outside the maximum's count: a buffer that is full can still be a C string. */
    size_t max = b->max;
    b->max = max + 1;
    char *at = buf_reserve(b, 1);
    b->max = max;
    if (!at)
        return NULL;
    *at = '\0';
    return b->p;
}
