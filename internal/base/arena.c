#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/always.h"

#define FIRST_BLOCK 4096
#define LAST_BLOCK  (256 * 1024)
#define ALIGN       ARENA_ALIGN

struct arena_block {
    struct arena_block *older;
    size_t size; /* of the whole block, this header included */
};

#define HEADER ((sizeof(struct arena_block) + ALIGN - 1) & ~(ALIGN - 1))

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_init_fixed(struct arena *a, void *mem, size_t size)
{
    *a = (struct arena){.at = mem, .end = (char *)mem + size};
}

size_t arena_given(const struct arena *a)
{
    size_t in_newest = a->blocks ? (size_t)(a->at - ((char *)a->blocks + HEADER)) : 0;
    return a->given + in_newest;
}

void arena_free(struct arena *a)
{
    for (struct arena_block *b = a->blocks; b;) {
        struct arena_block *older = b->older;
        free(b);
        b = older;
    }
    arena_init(a, a->max);
}

void arena_reset(struct arena *a)
{
    struct arena_block *b = a->blocks;
    while (b && b->older) {
        struct arena_block *older = b->older;
        free(b);
        b = older;
    }
    a->blocks = b;
    a->given = 0;
    a->used = b ? b->size : 0;
    a->at = b ? (char *)b + HEADER : NULL;
    a->end = b ? (char *)b + b->size : NULL;
}

static bool add_block(struct arena *a, size_t need)
{
    size_t size = FIRST_BLOCK;
    if (a->blocks)
        size = a->blocks->size < LAST_BLOCK ? a->blocks->size * 2 : LAST_BLOCK;
    if (size < need + HEADER)
        size = need + HEADER;
    if (a->used + size > a->max)
        size = need + HEADER;
    if (size > a->max || a->used > a->max - size)
        return false;
    struct arena_block *b = malloc(size);
    if (!b)
        return false;
    a->given = arena_given(a);
    b->older = a->blocks;
    b->size = size;
    a->blocks = b;
    a->used += size;
    a->at = (char *)b + HEADER;
    a->end = (char *)b + size;
    return true;
}

void *arena_alloc_slow(struct arena *a, size_t n)
{
    if (n == 0 || n > SIZE_MAX / 4)
        return NULL;
    n = (n + ALIGN - 1) & ~(ALIGN - 1);
    if ((size_t)(a->end - a->at) < n && !add_block(a, n))
        return NULL;
    void *p = a->at;
    a->at += n;
    return p;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        return NULL;
    void *p = arena_alloc(a, n);
    if (p)
        memset(p, 0, n);
    return p;
}

void *arena_grow(struct arena *a, void *old, size_t old_n, size_t new_n)
{
    if (!old)
        return arena_alloc(a, new_n);
    always(new_n >= old_n);
    if (new_n > SIZE_MAX / 4)
        return NULL;
    size_t had = (old_n + ALIGN - 1) & ~(ALIGN - 1);
    size_t want = (new_n + ALIGN - 1) & ~(ALIGN - 1);
    if ((char *)old + had == a->at && (size_t)(a->end - (char *)old) >= want) {
        a->at = (char *)old + want;
        return old;
    }
    void *p = arena_alloc(a, new_n);
    if (p)
        memcpy(p, old, old_n);
    return p;
}

bool arena_str(struct arena *a, struct str s, struct str *ret)
{
    if (s.n == SIZE_MAX)
        return false;
    char *p = arena_alloc(a, s.n + 1);
    if (!p)
        return false;
    *str_put(p, s) = '\0';
    *ret = str_of(p, s.n);
    return true;
}
